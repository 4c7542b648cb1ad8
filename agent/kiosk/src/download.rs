//! Fetches blobs, and never a byte twice that is good: what a cut, a kill or a power loss left on
//! the disk is verified block by block, and only what is missing or bad is asked for.
//!
//! A blob is complete once every block is as the signed list says; that its hash is right then
//! follows from both being signed, and is checked all the same before it gets its name.

mod pace;
mod part;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use lujiang_wire::{BLOCK_BYTES, BlobHash};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use crate::blob_folder::BlobFolder;
use crate::durable::replace;
use crate::source::{ETag, Opened, Resource, Source, SourceError};
pub use pace::{Pace, Yielding};
use part::Part;

/// How often a block may come wrong before the source is given up on: a line that spoils one in
/// ten blocks gets through, one that always lies does not.
const BAD_BLOCKS_MAX: u32 = 8;

/// Largest block list: of a blob of 64 GiB.
const BLOCK_LIST_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// A blob that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub blob: BlobHash,
    /// Its bytes, as they are signed.
    pub size: u64,
    /// The SHA-256 of its block list, as it is signed; none for small documents.
    pub blocks: Option<BlobHash>,
}

/// Why a blob did not come.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The source gives nothing, or broke off. What came is kept.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It gives nothing for too long.
    #[error("nothing came for {0:?}")]
    Stalled(Duration),
    /// What came is not what was signed.
    #[error("{blob}: what came is not what was signed ({what})")]
    Altered {
        /// The blob.
        blob: BlobHash,
        /// What of it.
        what: &'static str,
    },
    /// The disk refuses.
    #[error("{path} cannot be written")]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl DownloadError {
    /// Whether asking again may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Source(SourceError::Unreachable(_)) | Self::Stalled(_) => true,
            Self::Source(SourceError::Absent(_) | SourceError::Refused(_)) => false,
            Self::Altered { .. } | Self::Disk { .. } => false,
        }
    }
}

/// Fetches blobs into a folder.
#[derive(Debug, Clone)]
pub struct Downloads {
    folder: BlobFolder,
    pace: Pace,
    /// How long nothing may come.
    patience: Duration,
    /// Bytes of bodies that were read, good or bad, since the start.
    read: Arc<AtomicU64>,
}

impl Downloads {
    /// Fetches into this folder, at this pace.
    #[must_use]
    pub fn new(folder: BlobFolder, pace: Pace, patience: Duration) -> Self {
        Self {
            folder,
            pace,
            patience,
            read: Arc::default(),
        }
    }

    /// Bytes of bodies that were read since the start.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        // A figure, ordered with nothing.
        self.read.load(Ordering::Relaxed)
    }

    /// Fetches a blob, unless it is there. `told` hears how many of its bytes are good so far.
    ///
    /// # Errors
    /// Where it did not come whole; what is good of it is kept.
    ///
    /// # Cancel safety
    /// What has come is on the disk or verified anew; nothing has its name before it is whole.
    pub async fn fetch(
        &self,
        source: &Arc<dyn Source>,
        wanted: &Wanted,
        mut told: impl FnMut(u64) + Send,
    ) -> Result<(), DownloadError> {
        if self.folder.has(&wanted.blob, wanted.size) {
            told(wanted.size);
            return Ok(());
        }
        let list = self.block_list(source, wanted).await?;
        let mut part = Part::open(&self.folder, wanted, list)?;
        told(part.good());
        let mut bad = 0;
        while let Some(from) = part.next_missing() {
            let resource = Resource::Blob(wanted.blob);
            let etag = ETag(format!("\"{}\"", wanted.blob));
            let opening = source.open(&resource, from, Some(&etag));
            let opened = timeout(self.patience, opening).await;
            let opened = opened.map_err(|_| DownloadError::Stalled(self.patience))??;
            if opened.length.is_some_and(|length| length != wanted.size) {
                return Err(altered(wanted, "its length"));
            }
            bad += self.pour(opened, &mut part, &mut told).await?;
            if bad > BAD_BLOCKS_MAX {
                return Err(altered(wanted, "its blocks"));
            }
        }
        part.finish(&self.folder)
    }

    /// Pours what comes into the part until it has all it misses there, or a block was bad; says
    /// how many were.
    async fn pour(
        &self,
        mut opened: Opened,
        part: &mut Part,
        told: &mut (impl FnMut(u64) + Send),
    ) -> Result<u32, DownloadError> {
        let mut at = opened.offset;
        // A source that gives more than was asked for is read past what is there already; from one
        // that does not, what is there is not read again.
        let asked = part.next_missing().unwrap_or(0);
        while part.wants(at) || at < asked {
            let next = timeout(self.patience, opened.body.next()).await;
            let next = next.map_err(|_| DownloadError::Stalled(self.patience))?;
            let Some(bytes) = next else {
                // The source says that this is all, and it is not.
                return Err(altered(part.wanted(), "its length"));
            };
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => {
                    part.flush()?;
                    return Err(error.into());
                }
            };
            self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            let bad = part.write(at, &bytes)?;
            told(part.good());
            at += bytes.len() as u64;
            if bad > 0 {
                return Ok(bad);
            }
            self.pace.take(bytes.len()).await;
        }
        Ok(0)
    }

    /// The block list, from the disk or the source, as it was signed.
    async fn block_list(
        &self,
        source: &Arc<dyn Source>,
        wanted: &Wanted,
    ) -> Result<Vec<[u8; 32]>, DownloadError> {
        let Some(signed) = wanted.blocks else {
            // A document is its own only block, however long.
            return Ok(vec![*wanted.blob.as_bytes()]);
        };
        let path = self.folder.blocks(&wanted.blob);
        let count = wanted.size.div_ceil(BLOCK_BYTES as u64);
        let is_it = |list: &[u8]| {
            BlobHash::new(Sha256::digest(list).into()) == signed && list.len() as u64 == 32 * count
        };
        let kept = std::fs::read(&path).ok().filter(|list| is_it(list));
        let list = match kept {
            Some(list) => list,
            None => {
                let list = self.read_list(source, wanted, 32 * count).await?;
                if !is_it(&list) {
                    return Err(altered(wanted, "its block list"));
                }
                replace(&path, &list).map_err(|source| DownloadError::Disk { path, source })?;
                list
            }
        };
        let blocks = list.chunks_exact(32);
        Ok(blocks
            .map(|it| it.try_into().expect("chunks of 32"))
            .collect())
    }

    async fn read_list(
        &self,
        source: &Arc<dyn Source>,
        wanted: &Wanted,
        size: u64,
    ) -> Result<Vec<u8>, DownloadError> {
        let stalled = |_| DownloadError::Stalled(self.patience);
        let resource = Resource::Blocks(wanted.blob);
        let opening = source.open(&resource, 0, None);
        let mut opened = timeout(self.patience, opening).await.map_err(stalled)??;
        let mut list = Vec::new();
        while let Some(bytes) = timeout(self.patience, opened.body.next())
            .await
            .map_err(stalled)?
        {
            let bytes = bytes?;
            self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            list.extend_from_slice(&bytes);
            if list.len() as u64 > size.min(BLOCK_LIST_BYTES_MAX) {
                return Err(altered(wanted, "its block list"));
            }
        }
        Ok(list)
    }
}

fn altered(wanted: &Wanted, what: &'static str) -> DownloadError {
    DownloadError::Altered {
        blob: wanted.blob,
        what,
    }
}

#[cfg(test)]
mod tests;
