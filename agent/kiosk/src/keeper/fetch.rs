//! The keeper while it fetches.

use lujiang_wire::{Label, Taking, TakingState};
use tokio_util::sync::CancellationToken;

use super::{Keeper, StepError};
use crate::download::{Plan, Progress, Wanted};

impl Keeper {
    /// Fetches these blobs, and tells how far they are where they are of a release. It ends early
    /// as [`Keeper::attend`] does: what has come stays, and is gone on from.
    pub(super) async fn fetch(
        &mut self,
        wanted: Vec<Wanted>,
        release: Option<(Label, u32)>,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let plan = Plan {
            wanted,
            elsewhere: Vec::new(),
        };
        let downloads = self.downloads.clone();
        let neighbour = self.options.neighbour.iter().map(|it| &it.source);
        let sources: Vec<_> = neighbour.chain([&self.options.source]).cloned().collect();
        let progress = downloads.progress();
        let tell = |keeper: &Self| {
            if let Some((release, attempt)) = &release {
                keeper.tell_progress(release, *attempt, &progress.borrow().clone());
            }
        };
        let fetched = downloads.fetch(&plan, &sources);
        Ok(self.attend(fetched, tell, cancel).await??)
    }

    fn tell_progress(&self, release: &Label, attempt: u32, progress: &Progress) {
        let taking = Taking {
            release: release.clone(),
            attempt,
            state: TakingState::Downloading {
                bytes: progress.bytes,
                of: progress.of,
                rate: progress.rate,
                arrival: self.downloads.arrival(),
            },
        };
        self.reported.send_modify(|it| it.taking = Some(taking));
    }
}
