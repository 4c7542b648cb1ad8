//! What is on board, as whoever is served from it asks.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use lujiang_wire::{BLOCK_BYTES, BlobHash, STICK_BLOBS};
use sha2::{Digest as _, Sha256};

use crate::folder_source::FolderSource;
use crate::source::{ETag, Opened, Resource, Source, SourceError};

/// The folder of a [`Haul`](super::Haul) as a source. Block lists are made of the blobs when they
/// are asked for: once a book and kiosk.
#[derive(Debug, Clone)]
pub struct OnBoard {
    folder: FolderSource,
    blobs: std::path::PathBuf,
}

impl OnBoard {
    /// What is in this folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: FolderSource::new(folder),
            blobs: folder.join(STICK_BLOBS),
        }
    }

    async fn blocks(&self, blob: &BlobHash) -> Result<Bytes, SourceError> {
        let place = self.blobs.join(blob.to_string());
        let made = tokio::task::spawn_blocking(move || block_list(&place)).await;
        let made = made.unwrap_or_else(|stopping| Err(io::Error::other(stopping)));
        made.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::Absent(Resource::Blocks(*blob)),
            _ => SourceError::Refused(format!("it cannot be read: {error}")),
        })
    }
}

#[async_trait]
impl Source for OnBoard {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        let Resource::Blocks(blob) = resource else {
            return self.folder.open(resource, from, if_range).await;
        };
        let list = self.blocks(blob).await?;
        let offset = usize::try_from(from).unwrap_or(usize::MAX).min(list.len());
        let rest = list.slice(offset..);
        Ok(Opened {
            offset: offset as u64,
            length: Some(list.len() as u64),
            etag: None,
            body: futures_util::stream::once(std::future::ready(Ok(rest))).boxed(),
        })
    }
}

/// The SHA-256 of each block of a file, one after the other.
fn block_list(file: &Path) -> io::Result<Bytes> {
    let mut file = File::open(file)?;
    let mut list = Vec::new();
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    loop {
        block.clear();
        let whole = u64::try_from(BLOCK_BYTES).unwrap_or(u64::MAX);
        if file.by_ref().take(whole).read_to_end(&mut block)? == 0 {
            return Ok(list.into());
        }
        list.extend_from_slice(&Sha256::digest(&block));
    }
}
