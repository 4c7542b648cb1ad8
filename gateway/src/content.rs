//! Releases of e-books at the gateway: the signed repository, its blobs, and what changes them.
//!
//! The rules are [`lujiang_content::Repository`]'s, which is never changed: each step makes the
//! next state, and here that state and its audit record are written in one transaction before
//! anybody sees it. Steps go one after another. Blobs are there before what names them is.

mod above;
pub mod dto;
mod online_keys;
mod options;
mod picture;
mod publishing;
mod renewal;
mod say;
mod serve;
mod shelved;
mod unnamed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use lujiang_config::ContentSection;
use lujiang_content::{
    BlobError, BlobFacts, BlobStore, Needed, OnlineKeys, OnlinePublic, PublicationError, Published,
    Repository, RestoreError, RoleStanding,
};
use lujiang_wire::{BlobHash, Catalogue, Clock, Label, catalogue_target};
use rusqlite::Transaction;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::data_dir::DataPaths;
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::store::Store;
use crate::store::audit::{self, AuditRecord};
use crate::store::content::{self as rows, ReleaseRow};

pub use options::OptionsError;
pub(crate) use options::blob_store_beside;
pub use picture::ShownPicture;
pub use say::{NewNotice, NoticeLimits, SayError};
pub use serve::{Download, Refused};

/// Largest catalogue that is read whole: two thousand titles are about 2 MB.
const CATALOGUE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The content; clones share it.
#[derive(Clone)]
pub struct Content(Arc<Inner>);

struct Inner {
    store: Store,
    blobs: BlobStore,
    keys: OnlineKeys,
    clock: Arc<dyn Clock>,
    section: ContentSection,
    current: ArcSwapOption<Repository>,
    /// The revision devices are told; 0 before the first.
    revision: watch::Sender<u64>,
    /// One step after another.
    steps: Mutex<()>,
    downloads: Arc<Semaphore>,
    /// What devices are given: blobs that something signed names, or named since the start.
    given: ArcSwap<BTreeSet<BlobHash>>,
    /// Bytes of blobs that devices were given since the start.
    bytes_served: Arc<AtomicU64>,
    /// Bytes of all blobs at the last look.
    blob_bytes: AtomicU64,
}

/// Why something about content cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// There is no repository yet.
    #[error(
        "there is no repository yet: make its keys with `lujiang-gateway content keys init FOLDER`"
    )]
    NotBegun,
    /// There is one already.
    #[error("the repository was begun before: its keys are rotated, not made anew")]
    Begun,
    /// The offer does not hold.
    #[error(transparent)]
    Publication(#[from] PublicationError),
    /// A blob that a target names is not there.
    #[error("{target} names a blob that is not here, or is another: {blob}")]
    Blob {
        /// The target.
        target: String,
        /// The blob.
        blob: BlobHash,
    },
    /// A catalogue is none, or is another release's.
    #[error("the catalogue of {release} cannot be read: {reason}")]
    Catalogue {
        /// The release.
        release: Label,
        /// Why.
        reason: String,
    },
    /// A release that kiosks were offered would be another by this.
    #[error(
        "kiosks were offered {0} as it is, and would never take another of that name: publish it \
         under a new one, {0}.1 for instance; what they have of its books is not fetched again"
    )]
    Given(Label),
    /// No such release.
    #[error("no release {0}")]
    NoRelease(Label),
    /// No such picture.
    #[error("no picture {0}: no notice and no release has it")]
    NoPicture(BlobHash),
    /// What should be said cannot be.
    #[error(transparent)]
    Say(#[from] SayError),
    /// The store of blobs fails.
    #[error(transparent)]
    Store(#[from] BlobError),
    /// The ledger's file fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Content {
    /// Opens what there is; makes the on-line keys at the first start. Reads files.
    ///
    /// # Errors
    /// Where the keys, the store of blobs or the metadata cannot be read.
    pub fn open(
        store: Store,
        paths: &DataPaths,
        clock: Arc<dyn Clock>,
        section: ContentSection,
    ) -> anyhow::Result<Self> {
        let keys = online_keys::read_or_make(&paths.keys_dir())?;
        let blobs = options::blob_store(&section.s3, &paths.content_dir())?;
        let files = store.read(rows::files)?;
        let current = match files.is_empty() {
            true => None,
            false => Some(Repository::restore(files).map_err(|error: RestoreError| {
                anyhow::Error::new(error).context("reading the repository of releases")
            })?),
        };
        let revision = current.as_ref().map_or(0, Repository::revision);
        let given = current.as_ref().map(named).unwrap_or_default();
        Ok(Self(Arc::new(Inner {
            store,
            blobs,
            keys,
            clock,
            current: ArcSwapOption::from_pointee(current),
            revision: watch::Sender::new(revision),
            steps: Mutex::new(()),
            downloads: Arc::new(Semaphore::new(section.downloads_max)),
            given: ArcSwap::from_pointee(given),
            bytes_served: Arc::default(),
            blob_bytes: AtomicU64::new(0),
            section,
        })))
    }

    /// The newest revision, which devices are told; 0 before the first.
    #[must_use]
    pub fn revision(&self) -> watch::Receiver<u64> {
        self.0.revision.subscribe()
    }

    /// The releases that are signed now.
    #[must_use]
    pub fn releases(&self) -> Vec<Label> {
        let current = self.0.current.load();
        current.as_ref().map(|it| it.releases()).unwrap_or_default()
    }

    /// When each release was published. Blocks.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub(crate) fn release_rows(&self) -> Result<Vec<ReleaseRow>, ContentError> {
        Ok(self.0.store.read(rows::releases)?)
    }

    /// The public halves of the on-line keys: what a first root is made with.
    #[must_use]
    pub fn online(&self) -> OnlinePublic {
        self.0.keys.public()
    }

    /// What the operator goes on from.
    ///
    /// # Errors
    /// Where there is nothing yet.
    pub fn published(&self) -> Result<Published, ContentError> {
        Ok(self.current()?.published(&self.0.keys))
    }

    /// How it stands with what is signed; nothing before the first.
    #[must_use]
    pub fn standing(&self) -> Vec<RoleStanding> {
        let current = self.0.current.load();
        let now = self.0.clock.wall();
        current
            .as_ref()
            .map(|it| it.standing(now))
            .unwrap_or_default()
    }

    /// Bytes of blobs that devices were given since the start.
    pub(crate) fn bytes_served(&self) -> u64 {
        self.0.bytes_served.load(Ordering::Relaxed)
    }

    /// Bytes of all blobs that were there at the last look, within `renewal_interval`.
    pub(crate) fn blob_bytes(&self) -> u64 {
        self.0.blob_bytes.load(Ordering::Relaxed)
    }

    /// The catalogue of a release.
    ///
    /// # Errors
    /// Where there is no such release, or it cannot be read.
    pub async fn catalogue(&self, release: &Label) -> Result<Catalogue, ContentError> {
        let current = self.current()?;
        let blob = current.target(&catalogue_target(release));
        let blob = blob.ok_or_else(|| ContentError::NoRelease(release.clone()))?;
        self.read_catalogue(release, &blob).await
    }

    /// Takes a blob, which is there once this ends.
    ///
    /// # Errors
    /// Where the bytes are not what the name says, too many, or break off.
    pub async fn take_blob<E>(
        &self,
        blob: BlobHash,
        body: impl futures_util::Stream<Item = Result<bytes::Bytes, E>> + Unpin + Send,
    ) -> Result<BlobFacts, ContentError> {
        let max = self.0.section.blob_max.as_u64();
        Ok(self.0.blobs.put(blob, max, body).await?)
    }

    /// Whether devices are given a blob: one that was brought and is in no release yet is nobody's.
    #[must_use]
    pub fn is_given(&self, blob: &BlobHash) -> bool {
        self.0.given.load().contains(blob)
    }

    fn current(&self) -> Result<Arc<Repository>, ContentError> {
        self.0.current.load_full().ok_or(ContentError::NotBegun)
    }

    /// Writes a state with what belongs to it; then everybody sees it.
    async fn keep(
        &self,
        following: Repository,
        audit: Option<(Actor, Audit)>,
        put: impl FnOnce(&Transaction<'_>) -> Result<(), LedgerError> + Send + 'static,
    ) -> Result<u64, ContentError> {
        let before = self.0.current.load_full();
        let files = following.files().clone();
        let at = self.0.clock.wall();
        let write = move |tx: &Transaction<'_>| {
            let known = |name: &str| before.as_ref().and_then(|it| it.files().get(name));
            for (name, bytes) in &files {
                if known(name) != Some(bytes) {
                    rows::put_file(tx, name, bytes)?;
                }
            }
            let gone = before.iter().flat_map(|it| it.files().keys());
            for name in gone.filter(|name| !files.contains_key(*name)) {
                rows::remove_file(tx, name)?;
            }
            put(tx)?;
            match audit {
                Some((actor, audit)) => audit::append(tx, &audit.record(at, &actor)).map(drop),
                None => Ok(()),
            }
        };
        self.0.store.decide(write).await?;
        let revision = following.revision();
        // Before anybody hears of it. What was named stays: who began to fetch it gets the rest.
        let mut given = named(&following);
        given.extend(self.0.given.load().iter());
        self.0.given.store(Arc::new(given));
        self.0.current.store(Some(Arc::new(following)));
        self.0.revision.send_replace(revision);
        Ok(revision)
    }

    async fn check(&self, needed: &Needed) -> Result<(), ContentError> {
        let missing = || ContentError::Blob {
            target: needed.target.clone(),
            blob: needed.blob,
        };
        if self.0.blobs.size(&needed.blob).await? != Some(needed.size) {
            return Err(missing());
        }
        let Some(blocks) = needed.blocks else {
            return Ok(());
        };
        let list = self
            .0
            .blobs
            .blocks(&needed.blob)
            .await?
            .ok_or_else(missing)?;
        use sha2::{Digest as _, Sha256};
        match BlobHash::new(Sha256::digest(&list).into()) == blocks {
            true => Ok(()),
            false => Err(missing()),
        }
    }

    async fn read_catalogue(
        &self,
        release: &Label,
        blob: &BlobHash,
    ) -> Result<Catalogue, ContentError> {
        let unread = |reason: String| ContentError::Catalogue {
            release: release.clone(),
            reason,
        };
        let bytes = self.read_blob(blob, CATALOGUE_BYTES_MAX).await?;
        let bytes = bytes.ok_or_else(|| unread("it is not here, or too large".to_owned()))?;
        let catalogue: Catalogue =
            serde_json::from_slice(&bytes).map_err(|it| unread(it.to_string()))?;
        match &catalogue.metadata.identifier == release {
            true => Ok(catalogue),
            false => Err(unread(format!(
                "it is that of {}",
                catalogue.metadata.identifier
            ))),
        }
    }

    /// A blob whole, where it is there and not larger.
    async fn read_blob(&self, blob: &BlobHash, max: u64) -> Result<Option<Vec<u8>>, ContentError> {
        let Some(size) = self.0.blobs.size(blob).await?.filter(|size| *size <= max) else {
            return Ok(None);
        };
        let parts: Vec<bytes::Bytes> = self
            .0
            .blobs
            .read(blob, 0..size)
            .await?
            .try_collect()
            .await?;
        Ok(Some(parts.concat()))
    }

    /// Puts a document of ours among the blobs.
    async fn put_document<T: serde::Serialize>(
        &self,
        document: &T,
    ) -> Result<BlobHash, ContentError> {
        let (blob, _) = self
            .0
            .blobs
            .put_bytes(lujiang_content::document(document))
            .await?;
        Ok(blob)
    }

    /// How long a device is told to wait where too many fetch at once.
    pub(crate) fn retry_after(&self) -> Duration {
        self.0.section.retry_after
    }
}

impl Inner {
    /// What one look at all blobs found. Relaxed: a number for a monitor orders nothing.
    fn measured(&self, there: &BTreeMap<BlobHash, u64>) {
        self.blob_bytes
            .store(there.values().sum(), Ordering::Relaxed);
    }
}

/// Every blob that is signed in a state.
fn named(repository: &Repository) -> BTreeSet<BlobHash> {
    repository.needed().into_iter().map(|it| it.blob).collect()
}

/// What is recorded of a step.
struct Audit {
    action: &'static str,
    subject: String,
    before: Option<Value>,
    after: Option<Value>,
}

impl Audit {
    fn record(self, at: Timestamp, actor: &Actor) -> AuditRecord {
        AuditRecord {
            at,
            actor: actor.as_str().to_owned(),
            action: self.action.to_owned(),
            subject: self.subject,
            before: self.before,
            after: self.after,
        }
    }
}

/// Reads off the runtime's threads.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    let read = tokio::task::spawn_blocking(read).await;
    read.unwrap_or_else(|_| Err(LedgerError::Database("the gateway is stopping".to_owned())))
}
