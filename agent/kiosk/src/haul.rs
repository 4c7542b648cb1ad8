//! What a carrier has on board: of the repository all that other devices should have, laid out as
//! a stick is, so that who reads the one reads the other.
//!
//! Nothing is on board before all of it is: metadata is put there when its notices are, and a
//! release is told of when its last book is. What is there is verified as on the kiosk itself, so
//! that a carrier does not drive around with what nobody would take.

mod on_board;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use lujiang_wire::{
    BlobHash, DeviceId, Label, NOTICES_TARGET, STICK_BLOBS, STICK_METADATA, allotment_target,
    catalogue_target, notice_image_target,
};

use crate::blob_folder::BlobFolder;
use crate::download::{DownloadError, Downloads, Plan, Wanted};
use crate::durable::replace;
use crate::keeper::{TitlePlan, notices};
use crate::metadata::{Expiry, MetadataError, MetadataFolder, Verified, VerifiedTarget};
use crate::source::Source;

pub use on_board::OnBoard;

/// The folder of what is known of the repository beside what is shown of it.
const KNOWN: &str = "known";

/// The metadata that changes under one name: it is put there last.
const TIMESTAMP: &str = "timestamp.json";

/// The folder of a carrier.
pub struct Haul {
    folder: PathBuf,
    source: Arc<dyn Source>,
    metadata: MetadataFolder,
    blobs: BlobFolder,
    downloads: Downloads,
    /// Metadata files of the last time: somebody may be reading them.
    before: BTreeSet<String>,
}

/// Why nothing, or not all, is on board.
#[derive(Debug, thiserror::Error)]
pub enum HaulError {
    /// The repository cannot be asked, or does not hold.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A blob cannot be had.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The folder cannot be used.
    #[error("the folder of what is carried cannot be used")]
    Folder(#[from] std::io::Error),
    /// What is signed cannot be understood.
    #[error("{0}")]
    Release(String),
}

impl HaulError {
    /// Whether asking again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Metadata(error) if error.is_transient())
    }
}

impl Haul {
    /// Opens the folder, and makes it where there is none. `downloads` fetches into its blobs.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(
        folder: &Path,
        source: Arc<dyn Source>,
        downloads: impl FnOnce(BlobFolder) -> Downloads,
    ) -> Result<Self, HaulError> {
        std::fs::create_dir_all(folder.join(STICK_METADATA))?;
        let blobs = BlobFolder::open(&folder.join(STICK_BLOBS))?;
        Ok(Self {
            folder: folder.to_owned(),
            source,
            metadata: MetadataFolder::open(&folder.join(KNOWN))?,
            downloads: downloads(blobs.clone()),
            blobs,
            before: BTreeSet::new(),
        })
    }

    /// Has on board what these devices should have, and nothing else; says whose release is there
    /// whole, and why another's is not. `now` is the time the licences are judged by.
    ///
    /// # Errors
    /// Where the repository cannot be asked, or its notices cannot be had: what was there stays.
    ///
    /// # Cancel safety
    /// It may be dropped at any moment, and called again.
    pub async fn load(
        &mut self,
        wishes: &BTreeMap<DeviceId, Option<Label>>,
        expiry: Expiry,
        now: Timestamp,
    ) -> Result<Loaded, HaulError> {
        let (verified, files) = self.metadata.read(&self.source, expiry).await?;
        let mut named = self.notices(&verified).await?;
        self.show(files)?;
        let mut loaded = Loaded::default();
        let mut is_all_known = true;
        for (device, release) in wishes {
            let ended = match release {
                Some(release) => self.release(&verified, device, release, now).await,
                None => Ok(BTreeSet::new()),
            };
            match ended {
                Ok(blobs) => {
                    named.extend(blobs);
                    loaded.whole.insert(device.clone());
                }
                Err(error) => {
                    is_all_known = false;
                    loaded.missing.insert(device.clone(), error);
                }
            }
        }
        // What a release has that could not be read is not known, and may be on board already.
        if is_all_known {
            self.blobs.keep_only(&named)?;
        }
        Ok(loaded)
    }

    /// Fetches the notices with their pictures; the blobs they name.
    async fn notices(&self, verified: &Verified) -> Result<BTreeSet<BlobHash>, HaulError> {
        let target = named(verified, NOTICES_TARGET)?;
        self.fetch(vec![wanted(target)]).await?;
        let mut blobs = BTreeSet::from([target.blob]);
        let said = notices(&self.blobs, &target.blob);
        let images = said.notices.iter().filter_map(|it| it.image.as_ref());
        let images = images.filter_map(|it| verified.target(&notice_image_target(&it.blob)));
        for image in images.map(wanted) {
            blobs.insert(image.blob);
            match self.fetch(vec![image]).await {
                Err(error @ HaulError::Download(_)) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, picture = %image.blob, "a notice travels without its picture");
                }
                ended => ended?,
            }
        }
        Ok(blobs)
    }

    /// Puts the metadata where it is read, what names the rest last, and takes away what is older
    /// than the time before.
    fn show(&mut self, files: BTreeMap<String, Vec<u8>>) -> Result<(), HaulError> {
        let folder = self.folder.join(STICK_METADATA);
        let (last, others): (Vec<_>, Vec<_>) =
            files.iter().partition(|(name, _)| *name == TIMESTAMP);
        for (name, bytes) in others.into_iter().chain(last) {
            let place = folder.join(name);
            if std::fs::read(&place).ok().as_ref() != Some(bytes) {
                replace(&place, bytes)?;
            }
        }
        let is_used = |name: &str| files.contains_key(name) || self.before.contains(name);
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if !is_used(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        self.before = files.into_keys().collect();
        Ok(())
    }

    /// Fetches what a device should have of a release; the blobs of it.
    async fn release(
        &self,
        verified: &Verified,
        device: &DeviceId,
        release: &Label,
        now: Timestamp,
    ) -> Result<BTreeSet<BlobHash>, HaulError> {
        let catalogue = named(verified, &catalogue_target(release))?;
        let allotment = named(verified, &allotment_target(release))?;
        self.fetch(vec![wanted(catalogue), wanted(allotment)])
            .await?;
        let target = |name: &str| verified.target(name);
        let documents = (&catalogue.blob, &allotment.blob);
        let plan = TitlePlan::read(&self.blobs, device, documents, target, now);
        let plan = plan.map_err(HaulError::Release)?;
        self.fetch(plan.blobs).await?;
        Ok(plan.named)
    }

    async fn fetch(&self, wanted: Vec<Wanted>) -> Result<(), HaulError> {
        let plan = Plan {
            wanted,
            elsewhere: Vec::new(),
        };
        let sources = [Arc::clone(&self.source)];
        Ok(self.downloads.fetch(&plan, &sources).await?)
    }
}

/// What is on board by now.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Whose release is there whole, or who is to have none.
    pub whole: BTreeSet<DeviceId>,
    /// Whose is not.
    pub missing: BTreeMap<DeviceId, HaulError>,
}

fn named(verified: &Verified, name: &str) -> Result<VerifiedTarget, HaulError> {
    let target = verified.target(name);
    target.ok_or_else(|| HaulError::Release(format!("{name} is not signed")))
}

fn wanted(target: VerifiedTarget) -> Wanted {
    Wanted {
        blob: target.blob,
        size: target.size,
        blocks: target.blocks,
    }
}
