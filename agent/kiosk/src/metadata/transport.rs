//! A [`Source`] as tough asks it: metadata by its file name, and nothing else. What is kept of it
//! is not asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tough::{Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use super::kept::KeptFiles;
use super::{FILE_BYTES_MAX, TARGETS_BYTES_MAX};
use crate::source::{MetadataName, Resource, Source, SourceError};

/// The transport; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct SourceTransport {
    source: Arc<dyn Source>,
    kept: KeptFiles,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    /// What was read, by the names of the files.
    files: BTreeMap<String, Vec<u8>>,
    /// What was asked for last, and where it came from.
    last: Option<(String, Origin)>,
    /// Why the source could not be reached, the first time.
    unreachable: Option<SourceError>,
}

/// Where a file came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Source,
    Kept,
}

impl SourceTransport {
    pub(super) fn new(source: Arc<dyn Source>, kept: KeptFiles) -> Self {
        Self {
            source,
            kept,
            seen: Arc::default(),
        }
    }

    /// The files that were read. They are verified where the loading went well.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        std::mem::take(&mut self.lock().files)
    }

    /// The kept file that was read last, where it was one: if loading ended there, it does not hold.
    pub(super) fn ended_with_kept(&self) -> Option<String> {
        let seen = self.lock();
        let (name, origin) = seen.last.as_ref()?;
        (*origin == Origin::Kept).then(|| name.clone())
    }

    /// Keeps what came last. Tough asks for one file after the other, and for none before the last
    /// is verified: so it is kept even if the line breaks at the next.
    pub(super) fn keep_last(&self) -> std::io::Result<()> {
        let (name, bytes) = {
            let mut seen = self.lock();
            let Some((name, Origin::Source)) = seen.last.take() else {
                return Ok(());
            };
            let Some(bytes) = seen.files.get(&name).cloned() else {
                return Ok(());
            };
            (name, bytes)
        };
        self.kept.put(&name, &bytes)
    }

    fn note(&self, name: String, bytes: Vec<u8>, origin: Origin) {
        let mut seen = self.lock();
        seen.last = Some((name.clone(), origin));
        seen.files.insert(name, bytes);
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
        if let Err(error) = self.keep_last() {
            tracing::info!(%error, "metadata cannot be kept, and will be fetched again");
        }
        if let Some(bytes) = self.kept.read(&text, max) {
            self.note(text, bytes.clone(), Origin::Kept);
            return Ok(once(bytes));
        }
        // What fails from here on is not the fault of what is kept.
        self.lock().last = None;
        let bytes = read(&self.source, resource, max).await;
        let bytes = bytes.map_err(|error| self.failed(&url, error))?;
        self.note(text, bytes.clone(), Origin::Source);
        Ok(once(bytes))
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

fn once(bytes: Vec<u8>) -> TransportStream {
    let once = std::future::ready(Ok(Bytes::from(bytes)));
    Box::pin(futures_util::stream::once(once))
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
