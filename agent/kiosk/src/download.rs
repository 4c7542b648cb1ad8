//! Downloads: makes a folder hold the blobs of a plan, through cuts, kills and power losses, and
//! asks for no byte twice that is there already.
//!
//! What has come of a blob stands in `<hash>.part` beside the whole ones and is the only memory:
//! after a restart it is read and checked by blocks against the signed [list](lujiang_wire::BLOCK_BYTES), and the
//! rest is asked for from the first byte that is missing. A whole blob has its hash as its name,
//! which it gets only after it was read back from disk and is synced; whatever has such a name may
//! be shown.
//!
//! It knows hashes and sources and nothing of releases. Reading order: what is wanted ([`Plan`]),
//! what is on disk ([`BlobFolder`], `Part`), what may be believed (`Blocks`), how one blob is fetched
//! (`fetch`), how fast ([`Pace`]), whether there is room (`Room`), how far it is
//! ([`Progress`]).

mod blocks;
mod error;
mod fetch;
mod options;
mod pace;
mod part;
mod plan;
mod progress;
mod rate;
mod retry;
mod room;
mod turns;

pub use error::DownloadError;
pub use options::DownloadOptions;
pub use pace::{Pace, Yielding};
pub use plan::{Plan, Wanted};
pub use progress::{Meter, Progress};

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};

use crate::{BlobFolder, Source};
use fetch::Fetch;
use progress::Gauge;
use room::Room;

/// Fetches blobs into a folder. One of these owns the folder; what it does not know in it, it
/// leaves alone.
#[derive(Debug, Clone)]
pub struct Downloads {
    folder: BlobFolder,
    pace: Pace,
    options: DownloadOptions,
    gauge: Arc<Gauge>,
    room: Room,
}

impl Downloads {
    /// Fetches into this folder, at this pace.
    #[must_use]
    pub fn new(folder: BlobFolder, pace: Pace, options: DownloadOptions) -> Self {
        let room = Room::on_disk_of(folder.path().to_owned(), options.reserve);
        Self {
            folder,
            pace,
            options,
            gauge: Arc::default(),
            room,
        }
    }

    /// The same, that also fills the room that is left to others: for little that matters more.
    #[must_use]
    pub(crate) fn without_reserve(&self) -> Self {
        Self {
            room: Room::on_disk_of(self.folder.path().to_owned(), 0),
            ..self.clone()
        }
    }

    /// How far the plan is, and each change of it.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.gauge.progress()
    }

    /// When the plan is done, as it goes now and as the hours allow; none where nobody can say.
    #[must_use]
    pub fn arrival(&self) -> Option<Timestamp> {
        let progress = self.gauge.progress().borrow().clone();
        let left = progress.of.saturating_sub(progress.bytes);
        self.pace.arrival(left, progress.rate?)
    }

    /// What it has cost so far.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.gauge.meter()
    }

    /// Makes the folder hold these blobs, in their order. The sources are asked in theirs: a stick
    /// or a neighbour first, the gateway last. When it answers, all are there, verified and on
    /// disk.
    ///
    /// A source that cannot be reached is asked again for as long as this lives, and where the disk
    /// has too little room, it waits for that.
    ///
    /// # Errors
    /// Where waiting does not help: every source refuses, or what they give is not what is signed,
    /// or the disk fails. What has come stays for the next time.
    ///
    /// # Cancel safety
    /// It may be dropped at any moment, and called again: that is an interruption like any other.
    pub async fn fetch(
        &self,
        plan: &Plan,
        sources: &[Arc<dyn Source>],
    ) -> Result<(), DownloadError> {
        let mut named = HashSet::new();
        let wanted = plan.wanted.iter().filter(|it| named.insert(it.blob));
        let wanted: Vec<Wanted> = wanted.copied().collect();
        self.gauge.begin(wanted.iter().map(|it| it.size).sum());
        let connections = usize::from(self.options.connections);
        let line = Semaphore::new(connections);
        let fetch = Fetch {
            folder: &self.folder,
            pace: &self.pace,
            options: &self.options,
            gauge: &self.gauge,
            room: &self.room,
            line: &line,
            elsewhere: &plan.elsewhere,
            sources,
        };
        // While one blob is on the line, the next is got ready and the last is read back, so that
        // the line never waits for the disk. The line itself is given in order.
        stream::iter(wanted)
            .map(|wanted| fetch.blob(wanted).boxed())
            .buffered(connections + 2)
            .try_collect::<()>()
            .await?;
        self.gauge.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
