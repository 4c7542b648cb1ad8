//! A source that is a folder: a stick, or another library's mistake. It is laid out as the paths
//! of the gateway are.

use std::io::SeekFrom;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use lujiang_wire::{STICK_BLOBS, STICK_BLOCKS, STICK_METADATA};
use tokio::fs::File;
use tokio::io::AsyncSeekExt as _;
use tokio_util::io::ReaderStream;

use crate::source::{ETag, Opened, Resource, Source, SourceError};

/// Bytes that are read at once.
const CHUNK: usize = 64 * 1024;

/// A folder with a repository.
#[derive(Debug, Clone)]
pub struct FolderSource(PathBuf);

impl FolderSource {
    /// The repository in this folder.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Where a resource is. Its name is a hash or a plain file name: it leads nowhere else.
    fn place(&self, resource: &Resource) -> PathBuf {
        match resource {
            Resource::Metadata(name) => self.0.join(STICK_METADATA).join(name.as_str()),
            Resource::Blob(blob) => self.0.join(STICK_BLOBS).join(blob.to_string()),
            Resource::Blocks(blob) => self.0.join(STICK_BLOCKS).join(blob.to_string()),
        }
    }
}

#[async_trait]
impl Source for FolderSource {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        _if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        let place = self.place(resource);
        // Opening what is no file, a pipe of somebody's, could wait for ever.
        let kind = tokio::fs::metadata(&place).await;
        if kind.is_ok_and(|kind| !kind.is_file()) {
            return Err(SourceError::Absent(resource.clone()));
        }
        let mut file = match File::open(place).await {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(SourceError::Absent(resource.clone()));
            }
            Err(error) => return Err(unreadable(error)),
        };
        let length = file.metadata().await.map_err(unreadable)?.len();
        let offset = from.min(length);
        file.seek(SeekFrom::Start(offset))
            .await
            .map_err(unreadable)?;
        let body = ReaderStream::with_capacity(file, CHUNK);
        let body = body.map(|bytes| bytes.map_err(unreadable));
        Ok(Opened {
            offset,
            length: Some(length),
            etag: None,
            body: body.boxed(),
        })
    }
}

/// A stick is no line: reading again what it does not give would be to wait for ever beside it.
fn unreadable(error: std::io::Error) -> SourceError {
    SourceError::Refused(format!("it cannot be read: {error}"))
}
