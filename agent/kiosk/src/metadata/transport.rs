//! A [`Source`] as tough asks it: metadata by its file name, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tough::{Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use super::{FILE_BYTES_MAX, TARGETS_BYTES_MAX};
use crate::source::{MetadataName, Resource, Source, SourceError};

/// The transport; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct SourceTransport {
    source: Arc<dyn Source>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What was read, by the names of the files.
    files: BTreeMap<String, Vec<u8>>,
    /// Why the source could not be reached, the first time.
    unreachable: Option<SourceError>,
}

impl SourceTransport {
    pub(super) fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            seen: Arc::default(),
        }
    }

    /// The files that were read. They are verified where the loading went well.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        std::mem::take(&mut self.lock().files)
    }

    /// Why the source could not be reached.
    pub(super) fn unreachable(&self) -> Option<SourceError> {
        self.lock().unreachable.take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for SourceTransport {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let text = url.path().trim_start_matches('/').to_owned();
        let refused = |kind| TransportError::new(kind, &url);
        let name = MetadataName::new(&text);
        let name = name.ok_or_else(|| refused(TransportErrorKind::FileNotFound))?;
        let resource = Resource::Metadata(name);
        let max = match text.as_str() {
            name if name.ends_with("targets.json") => TARGETS_BYTES_MAX,
            _ => FILE_BYTES_MAX,
        };
        let bytes = read(&self.source, resource, max).await;
        let bytes = bytes.map_err(|error| self.failed(&url, error))?;
        self.lock().files.insert(text, bytes.clone());
        let once = std::future::ready(Ok(Bytes::from(bytes)));
        Ok(Box::pin(futures_util::stream::once(once)))
    }
}

impl SourceTransport {
    fn failed(&self, url: &Url, error: SourceError) -> TransportError {
        match error {
            SourceError::Absent(_) => TransportError::new(TransportErrorKind::FileNotFound, url),
            SourceError::Refused(_)
            | SourceError::Unreachable(_)
            | SourceError::Busy { .. }
            | SourceError::Beyond => {
                let told = error.to_string();
                self.lock().unreachable.get_or_insert(error);
                TransportError::new_with_cause(TransportErrorKind::Other, url, told)
            }
        }
    }
}

/// A small resource whole.
pub(super) async fn read(
    source: &Arc<dyn Source>,
    resource: Resource,
    max: u64,
) -> Result<Vec<u8>, SourceError> {
    let mut opened = source.open(&resource, 0, None).await?;
    let mut whole = Vec::new();
    while let Some(bytes) = opened.body.next().await {
        let bytes = bytes?;
        if (whole.len() + bytes.len()) as u64 > max {
            let told = format!("{resource:?} has more than {max} bytes");
            return Err(SourceError::Refused(told));
        }
        whole.extend_from_slice(&bytes);
    }
    Ok(whole)
}
