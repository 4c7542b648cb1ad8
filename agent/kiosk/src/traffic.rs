//! How many bytes of content came over the line: many a reading room pays for each of them.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;

use crate::source::{ETag, Opened, Resource, Source, SourceError};

/// The bytes of bodies that were read, over all starts of the program. Who kills the program loses
/// none of the count; a power cut may lose the last of it, for which no disk is kept waiting.
#[derive(Debug, Clone)]
pub struct Traffic(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    bytes: AtomicU64,
    file: Mutex<File>,
}

/// A source whose bytes are counted.
#[derive(Debug)]
pub struct Counted<S> {
    source: S,
    traffic: Traffic,
}

impl Traffic {
    /// The count as it stands in this file; from 0 where there is none, or none that can be read.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(path)?;
        let mut text = [0; LINE];
        let line = file.read_exact_at(&mut text, 0);
        let bytes = line
            .ok()
            .and_then(|()| str::from_utf8(&text).ok()?.trim().parse().ok());
        Ok(Self(Arc::new(Kept {
            bytes: AtomicU64::new(bytes.unwrap_or_default()),
            file: Mutex::new(file),
        })))
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn read(&self, bytes: usize) {
        let kept = &self.0;
        let file = kept.file.lock().expect("nothing panics while it writes");
        let bytes = kept.bytes.load(Ordering::Relaxed) + bytes as u64;
        kept.bytes.store(bytes, Ordering::Relaxed);
        let line = format!("{bytes:0width$}\n", width = LINE - 1);
        // Nothing hangs on a count that is not written: it is of the books that it must be.
        if let Err(error) = file.write_all_at(line.as_bytes(), 0) {
            tracing::debug!(%error, "bytes that came are not written down");
        }
    }
}

/// The digits of a `u64` and the end of the line: one write of always the same place.
const LINE: usize = 21;

impl<S> Counted<S> {
    /// This source, counted here.
    pub fn new(source: S, traffic: Traffic) -> Self {
        Self { source, traffic }
    }
}

#[async_trait]
impl<S: Source> Source for Counted<S> {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        let opened = self.source.open(resource, from, if_range).await?;
        let traffic = self.traffic.clone();
        let count = move |piece: &Result<Bytes, SourceError>| {
            if let Ok(bytes) = piece {
                traffic.read(bytes.len());
            }
        };
        let body = opened.body.inspect(count).boxed();
        Ok(Opened { body, ..opened })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FolderSource;
    use lujiang_wire::BlobHash;

    #[tokio::test]
    async fn bytes_that_came_are_counted_over_all_starts() {
        let folder = tempfile::tempdir().unwrap();
        let blob = BlobHash::new([7; 32]);
        std::fs::create_dir(folder.path().join("blobs")).unwrap();
        std::fs::write(folder.path().join(format!("blobs/{blob}")), [1; 5_000]).unwrap();
        let count = folder.path().join("traffic");
        for (from, expected) in [(0, 5_000), (4_000, 6_000)] {
            let traffic = Traffic::open(&count).unwrap();
            let source = Counted::new(FolderSource::new(folder.path()), traffic.clone());
            let opened = source.open(&Resource::Blob(blob), from, None).await;
            let pieces: Vec<_> = opened.unwrap().body.collect().await;
            assert!(pieces.iter().all(Result::is_ok));
            assert_eq!(traffic.bytes(), expected);
        }
        assert_eq!(Traffic::open(&count).unwrap().bytes(), 6_000);
    }

    #[test]
    fn a_count_that_cannot_be_read_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("traffic");
        std::fs::write(&count, b"\xff\xfe").unwrap();
        let traffic = Traffic::open(&count).unwrap();
        traffic.read(12);
        assert_eq!(Traffic::open(&count).unwrap().bytes(), 12);
    }
}
