//! The keeper while it fetches: the files of a release, the documents that say what they are, and
//! pictures.

use std::time::Duration;

use lujiang_wire::{BlobHash, Label, Taking, TakingState};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{Keeper, StepError, wanted};
use crate::download::{Downloads, Plan, Progress, Wanted};
use crate::metadata::VerifiedTarget;

/// Documents of no more bytes are fetched into the room that is left to others: without them
/// nothing can be taken away either. Forty thousand titles have less.
const DOCUMENT_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// A fetch is given up long before: whoever waits for it asks what is newest now and then.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3_600);

impl Keeper {
    /// Fetches these blobs, and tells how far they are where they are of a release. It ends early
    /// as [`Keeper::attend`] does: what has come stays, and is gone on from.
    pub(super) async fn fetch(
        &mut self,
        wanted: Vec<Wanted>,
        release: Option<(Label, u32)>,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let downloads = self.downloads.clone();
        let never = Instant::now() + FOR_EVER;
        self.fetch_by(&downloads, wanted, release, never, cancel)
            .await
    }

    /// Has these documents, as they were signed: one that the disk has spoilt is fetched again.
    pub(super) async fn fetch_documents(
        &mut self,
        documents: &[VerifiedTarget],
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        for document in documents {
            if !self.holds(&document.blob) {
                // Where there is none, or it cannot be taken away, fetching says so.
                let _ = std::fs::remove_file(self.blobs.place(&document.blob));
            }
        }
        let bytes: u64 = documents.iter().map(|it| it.size).sum();
        let downloads = match bytes <= DOCUMENT_BYTES_MAX {
            true => self.downloads.without_reserve(),
            false => self.downloads.clone(),
        };
        let documents = documents.iter().copied().map(wanted).collect();
        let never = Instant::now() + FOR_EVER;
        self.fetch_by(&downloads, documents, None, never, cancel)
            .await
    }

    /// Fetches a picture until then, and goes on another time.
    pub(super) async fn fetch_picture(
        &mut self,
        picture: VerifiedTarget,
        until: Instant,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let downloads = self.downloads.clone();
        self.fetch_by(&downloads, vec![wanted(picture)], None, until, cancel)
            .await
    }

    /// Whether a document is on the disk as it was signed.
    pub(super) fn holds(&self, document: &BlobHash) -> bool {
        let bytes = std::fs::read(self.blobs.place(document));
        bytes.is_ok_and(|bytes| BlobHash::new(Sha256::digest(&bytes).into()) == *document)
    }

    async fn fetch_by(
        &mut self,
        downloads: &Downloads,
        wanted: Vec<Wanted>,
        release: Option<(Label, u32)>,
        until: Instant,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let plan = Plan {
            wanted,
            elsewhere: Vec::new(),
        };
        let neighbour = self.options.neighbour.iter().map(|it| &it.source);
        let sources: Vec<_> = neighbour.chain([&self.options.source]).cloned().collect();
        let progress = downloads.progress();
        let tell = |keeper: &Self| {
            if let Some((release, attempt)) = &release {
                keeper.tell_progress(release, *attempt, &progress.borrow().clone());
            }
        };
        let fetched = timeout_at(until, downloads.fetch(&plan, &sources));
        match self.attend(fetched, tell, cancel).await? {
            Ok(fetched) => Ok(fetched?),
            Err(_) => Err(StepError::Late),
        }
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
