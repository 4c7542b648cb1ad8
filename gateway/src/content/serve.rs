//! What a device gets: metadata as it is signed, and blobs from any byte on. So many at once; who
//! comes then is told to come back.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use lujiang_content::BlobStream;
use lujiang_wire::BlobHash;
use tokio::sync::OwnedSemaphorePermit;

use super::{Content, ContentError};

/// A blob that is being fetched; the place it takes is free again when the stream is dropped.
pub struct Download {
    /// Bytes of the whole.
    pub size: u64,
    /// The part that comes.
    pub part: Range<u64>,
    /// The bytes.
    pub body: BlobStream,
}

/// Why a blob is not given.
#[derive(Debug)]
pub enum Refused {
    /// It is not there.
    Absent,
    /// The part asked for lies beyond its end.
    Beyond {
        /// Its size.
        size: u64,
    },
    /// Too many are fetched at once.
    Busy,
    /// It cannot be read.
    Failed(ContentError),
}

impl Content {
    /// A file of metadata.
    #[must_use]
    pub fn metadata(&self, name: &str) -> Option<Bytes> {
        let current = self.0.current.load();
        let bytes = current.as_ref()?.files().get(name)?;
        Some(Bytes::copy_from_slice(bytes))
    }

    /// The block list of a blob.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn block_list(&self, blob: &BlobHash) -> Result<Option<Bytes>, ContentError> {
        Ok(self.0.blobs.blocks(blob).await?)
    }

    /// The size of a blob that is here.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn blob_size(&self, blob: &BlobHash) -> Result<Option<u64>, ContentError> {
        Ok(self.0.blobs.size(blob).await?)
    }

    /// Begins to give a blob: whole, or the part that `choose` says of its size.
    ///
    /// # Errors
    /// Where it cannot be given.
    pub async fn download(
        &self,
        blob: &BlobHash,
        choose: impl FnOnce(u64) -> Option<Range<u64>> + Send,
    ) -> Result<Download, Refused> {
        let place = self.0.downloads.clone().try_acquire_owned();
        let place = place.map_err(|_| Refused::Busy)?;
        let size = self.0.blobs.size(blob).await;
        let size = size.map_err(|error| Refused::Failed(error.into()))?;
        let size = size.ok_or(Refused::Absent)?;
        let part = choose(size).ok_or(Refused::Beyond { size })?;
        let body = self.0.blobs.read(blob, part.clone()).await;
        let body = body.map_err(|error| Refused::Failed(error.into()))?;
        Ok(Download {
            size,
            part,
            body: with_place(body, place, Arc::clone(&self.0.bytes_served)),
        })
    }
}

fn with_place(body: BlobStream, place: OwnedSemaphorePermit, served: Arc<AtomicU64>) -> BlobStream {
    body.inspect_ok(move |bytes| {
        let _held = &place;
        // Relaxed: a number for a monitor orders nothing.
        served.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    })
    .boxed()
}
