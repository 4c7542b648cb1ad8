//! One blob: got ready from what is on disk, filled from the sources, read back, named.
//!
//! What a source says is judged here. It is *broken off* where asking again may help, and *out*
//! for this blob where it will not; once every source is out, the reason of the last is the error.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lujiang_wire::BlobHash;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::blocks::Blocks;
use super::part::Part;
use super::progress::Gauge;
use super::retry::Retry;
use super::room::Room;
use super::{DownloadError, DownloadOptions, Pace, Wanted};
use crate::durable::replace;
use crate::{BlobFolder, Resource, Source, SourceError};

mod stream;

/// What the blobs of a plan share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch<'a> {
    pub(super) folder: &'a BlobFolder,
    pub(super) pace: &'a Pace,
    pub(super) options: &'a DownloadOptions,
    pub(super) gauge: &'a Gauge,
    pub(super) room: &'a Room,
    /// Who holds a permit is on the line.
    pub(super) line: &'a Semaphore,
    pub(super) elsewhere: &'a [PathBuf],
    pub(super) sources: &'a [Arc<dyn Source>],
}

/// Why a source gave no more.
#[derive(Debug)]
enum Stop {
    /// It broke off, or has no time: asking again may help.
    Broken {
        /// Bytes that came before.
        progressed: u64,
        /// When to ask again, where it says so.
        retry_after: Option<Duration>,
    },
    /// It is of no use for this blob.
    Out(DownloadError),
}

impl Fetch<'_> {
    /// Has this blob in the folder; waits for room where there is too little.
    pub(super) async fn blob(self, wanted: Wanted) -> Result<(), DownloadError> {
        loop {
            let mut told = 0;
            match self.attempt(&wanted, &mut told).await {
                Err(error) if error.is_for_room() => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        folder = %self.folder.path().display(),
                        "the download waits for room on the disk"
                    );
                    self.gauge.moved(told, 0);
                    self.room.again().await;
                    tracing::info!("there is room again: the download goes on");
                }
                ended => return ended,
            }
        }
    }

    /// Has this blob in the folder, from what is on disk on; `told` is how much of it is counted.
    async fn attempt(self, wanted: &Wanted, told: &mut u64) -> Result<(), DownloadError> {
        if self.has(wanted).await? {
            self.gauge.moved(0, wanted.size);
            return Ok(());
        }
        let blocks = self.blocks(wanted).await?;
        let Some(mut part) = self.open(wanted, blocks).await? else {
            self.gauge.moved(0, wanted.size);
            return Ok(());
        };
        *told = part.bytes();
        self.gauge.moved(0, *told);
        loop {
            if part.gap().is_some() {
                let on_line = self.line.acquire().await;
                let _on_line = on_line.expect("the line is never closed");
                part = self.fill(wanted, part, told).await?;
            }
            let folder = self.folder.clone();
            let blob = wanted.blob;
            let (read, whole) = blocking(move || {
                part.sync()?;
                let whole = part.read_back()?;
                if part.gap().is_none() && whole == blob {
                    folder.name(&blob)?;
                }
                Ok((part, whole))
            })
            .await?;
            part = read;
            self.gauge.moved(*told, part.bytes());
            *told = part.bytes();
            match part.gap() {
                Some(_) => {}
                None if whole == blob => return Ok(()),
                None => return Err(DownloadError::Contradiction { blob }),
            }
        }
    }

    async fn has(self, wanted: &Wanted) -> Result<bool, DownloadError> {
        let (folder, wanted) = (self.folder.clone(), *wanted);
        blocking(move || Ok(folder.has(&wanted.blob, wanted.size))).await
    }

    /// Opens what has come, and takes what is elsewhere. None where the blob is there by now: a
    /// fetch that was given up had already read it back.
    async fn open(self, wanted: &Wanted, blocks: Blocks) -> Result<Option<Part>, DownloadError> {
        let (folder, wanted) = (self.folder.clone(), *wanted);
        let elsewhere = self.elsewhere.to_vec();
        blocking(move || {
            let mut part = Part::open(&folder.part(&wanted.blob), blocks)?;
            if folder.has(&wanted.blob, wanted.size) {
                return Ok(None);
            }
            for path in BlobFolder::elsewhere(&wanted.blob, wanted.size, &elsewhere) {
                // A stick that was pulled out is not an error of ours: the rest comes by the line.
                if let Ok(file) = File::open(path) {
                    part.fill_from(&file)?;
                }
            }
            Ok(Some(part))
        })
        .await
    }

    /// What its blocks must be: known, kept, or asked for.
    async fn blocks(self, wanted: &Wanted) -> Result<Blocks, DownloadError> {
        let Some(signed) = wanted.blocks.filter(|_| Blocks::known(wanted).is_none()) else {
            return Ok(Blocks::known(wanted).expect("a blob without a list needs none"));
        };
        let (folder, blob) = (self.folder.clone(), wanted.blob);
        let kept = blocking(move || match std::fs::read(folder.blocks(&blob)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        });
        if let Some(blocks) = Blocks::checked(wanted, &signed, &kept.await?) {
            return Ok(blocks);
        }
        let mut sources = Sources::new(self, wanted);
        loop {
            for source in sources.left() {
                match self.list(wanted, &signed, source).await {
                    Ok((blocks, list)) => {
                        let (folder, blob) = (self.folder.clone(), wanted.blob);
                        blocking(move || replace(&folder.blocks(&blob), &list)).await?;
                        return Ok(blocks);
                    }
                    Err(stop) => sources.stopped(source, stop),
                }
            }
            sources.wait().await?;
        }
    }

    /// Fills the gaps from whichever source gives.
    async fn fill(
        self,
        wanted: &Wanted,
        mut part: Part,
        told: &mut u64,
    ) -> Result<Part, DownloadError> {
        let mut sources = Sources::new(self, wanted);
        loop {
            for source in sources.left() {
                let (left, stop) = self.gaps(wanted, part, told, source).await?;
                part = left;
                match stop {
                    None => return Ok(part),
                    Some(stop) => sources.stopped(source, stop),
                }
            }
            sources.wait().await?;
        }
    }
}

/// The sources for one blob, and how they have done.
struct Sources<'a> {
    fetch: Fetch<'a>,
    wanted: Wanted,
    retry: Retry,
    out: Vec<usize>,
    /// Why the last that is out is.
    error: Option<DownloadError>,
    retry_after: Option<Duration>,
}

impl<'a> Sources<'a> {
    fn new(fetch: Fetch<'a>, wanted: &Wanted) -> Self {
        let options = fetch.options;
        Self {
            fetch,
            wanted: *wanted,
            retry: Retry::new(options.pause_min, options.pause_max),
            out: Vec::new(),
            error: None,
            retry_after: None,
        }
    }

    /// Which may still be asked.
    fn left(&self) -> Vec<usize> {
        let all = 0..self.fetch.sources.len();
        all.filter(|source| !self.out.contains(source)).collect()
    }

    /// One of them gave no more.
    fn stopped(&mut self, source: usize, stop: Stop) {
        match stop {
            Stop::Broken {
                progressed,
                retry_after,
            } => {
                self.fetch.gauge.interrupted();
                if progressed > 0 {
                    self.retry.progressed(progressed);
                }
                self.retry_after = retry_after;
            }
            Stop::Out(error) => {
                self.out.push(source);
                self.error = Some(error);
            }
        }
    }

    /// Waits before they are asked again, if any is left.
    async fn wait(&mut self) -> Result<(), DownloadError> {
        if self.left().is_empty() {
            let absent = || DownloadError::Refused {
                blob: self.wanted.blob,
                source: SourceError::Absent(Resource::Blob(self.wanted.blob)),
            };
            return Err(self.error.take().unwrap_or_else(absent));
        }
        let pause = self.retry.next_pause(self.retry_after.take());
        // The back-off: it grows, has jitter and a longest.
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Does what waits for a disk where that holds up nobody. What began is done even where nobody
/// waits for it any more.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, DownloadError> {
    let done = spawn_blocking(work).await;
    let done = done.unwrap_or_else(|broken| Err(io::Error::other(broken)));
    done.map_err(DownloadError::Disk)
}

/// The source's answer for a blob, judged.
fn judged(blob: BlobHash, error: SourceError, progressed: u64) -> Stop {
    match error {
        SourceError::Unreachable(_) => Stop::Broken {
            progressed,
            retry_after: None,
        },
        SourceError::Busy { retry_after } => Stop::Broken {
            progressed,
            retry_after,
        },
        SourceError::Absent(_) | SourceError::Refused(_) | SourceError::Beyond => {
            Stop::Out(DownloadError::Refused {
                blob,
                source: error,
            })
        }
    }
}
