//! Drafts of releases: files that somebody brings from a browser, kept in the data folder until
//! they are read, checked and shown, and until somebody signs them where the vault is.
//!
//! Nothing is signed here: the keys are off-line. `content publish --draft` reads these very files
//! and makes the release of them as it does of any folder; that it is published is seen by the
//! release of that name. Which files belong to a draft its row says; what else lies in its folder
//! goes at the next start. A file is there whole or not at all.

pub mod dto;
mod name;
mod stored;
mod tidy;
mod understanding;
mod upload;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as StdMutex};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_config::ContentSection;
use lujiang_content::FolderError;
use lujiang_wire::{Clock, Label};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore};

use crate::content::{Content, ContentError};
use crate::data_dir::{DataDirError, DataPaths, make_folder};
use crate::ledger::LedgerError;
use crate::registry::{Actor, Registry};
use crate::store::audit::{self, AuditRecord};
use crate::store::{Store, drafts as rows};

pub use name::{DraftId, FileKind, FileName, NameError};
pub use stored::StoredDraft;
use understanding::Understood;

/// Files that are brought at once; more wait for their turn.
const UPLOADS_MAX: usize = 4;

/// The drafts; clones share them.
#[derive(Clone)]
pub struct Drafts(Arc<Inner>);

struct Inner {
    store: Store,
    paths: DataPaths,
    content: Content,
    registry: Registry,
    zone: TimeZone,
    clock: Arc<dyn Clock>,
    section: ContentSection,
    /// One change after another.
    steps: Mutex<()>,
    uploads: Semaphore,
    /// One draft is read at a time: a PDF is held whole.
    reading: Mutex<()>,
    /// What was understood of each, of what it was then.
    understood: StdMutex<BTreeMap<DraftId, Understood>>,
}

/// Why something about a draft cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// No such draft.
    #[error("no draft {0}")]
    NoDraft(DraftId),
    /// No such file.
    #[error("the draft has no file {0}")]
    NoFile(String),
    /// Too many drafts.
    #[error("there are {0} drafts already (content.drafts_max): publish or discard one")]
    TooMany(usize),
    /// The release is there.
    #[error("there is a release {0} already: name another")]
    Release(Label),
    /// Too many files.
    #[error("a draft has at most {0} files (content.draft_files_max)")]
    Files(usize),
    /// Too large a file, or too little room left in the draft.
    #[error(
        "{name} is larger than the {max} bytes that are left for it (content.blob_max, content.draft_max)"
    )]
    Large {
        /// The file.
        name: String,
        /// Bytes it may have.
        max: u64,
    },
    /// A second list of licences.
    #[error("{0} holds the licences already: remove it first")]
    TwoLicences(String),
    /// A file that did not come whole.
    #[error("{name} broke off after {bytes} bytes: bring it again")]
    BrokeOff {
        /// The file.
        name: String,
        /// Bytes that came.
        bytes: u64,
    },
    /// A file or folder fails.
    #[error("{path} cannot be read or written")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The folder of a draft cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A folder cannot be made.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// The releases cannot be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The ledger's file fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What drafts work with.
pub struct DraftRooms {
    /// Rows and audit.
    pub store: Store,
    /// Where files lie.
    pub paths: DataPaths,
    /// The releases there are.
    pub content: Content,
    /// Kiosks and sites.
    pub registry: Registry,
    /// The library's.
    pub zone: TimeZone,
    /// The gateway's.
    pub clock: Arc<dyn Clock>,
}

impl Drafts {
    /// Opens what there is; what belongs to no draft goes. Reads files.
    ///
    /// # Errors
    /// Where the folder or the rows cannot be read.
    pub fn open(rooms: DraftRooms, section: ContentSection) -> Result<Self, DraftError> {
        let drafts = Self(Arc::new(Inner {
            store: rooms.store,
            paths: rooms.paths,
            content: rooms.content,
            registry: rooms.registry,
            zone: rooms.zone,
            clock: rooms.clock,
            section,
            steps: Mutex::new(()),
            uploads: Semaphore::new(UPLOADS_MAX),
            reading: Mutex::new(()),
            understood: StdMutex::default(),
        }));
        drafts.sweep()?;
        Ok(drafts)
    }

    /// What a draft may be.
    #[must_use]
    pub fn section(&self) -> &ContentSection {
        &self.0.section
    }

    /// The drafts there are.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn all(&self) -> Result<BTreeMap<DraftId, StoredDraft>, DraftError> {
        let drafts = self.clone();
        blocking(move || drafts.read()).await
    }

    /// One of them.
    ///
    /// # Errors
    /// Where there is none of that id.
    pub async fn one(&self, id: &DraftId) -> Result<StoredDraft, DraftError> {
        let mut all = self.all().await?;
        all.remove(id)
            .ok_or_else(|| DraftError::NoDraft(id.clone()))
    }

    /// Begins a draft of a release of this name.
    ///
    /// # Errors
    /// Where there is such a release, or too many drafts.
    pub async fn begin(&self, release: Label, actor: &Actor) -> Result<DraftId, DraftError> {
        let _one = self.0.steps.lock().await;
        if self.0.content.releases().contains(&release) {
            return Err(DraftError::Release(release));
        }
        if self.all().await?.len() >= self.0.section.drafts_max {
            return Err(DraftError::TooMany(self.0.section.drafts_max));
        }
        let id = DraftId::new_random();
        make_folder(&self.0.paths.draft_dir(id.as_str()))?;
        let now = self.0.clock.wall();
        let draft = StoredDraft::new(release, actor.as_str().to_owned(), now);
        let after = json!({ "release": draft.release });
        self.keep(
            &id,
            Some(draft),
            "content.draft.begin",
            actor,
            [None, Some(after)],
        )
        .await?;
        Ok(id)
    }

    /// Takes a file out of a draft.
    ///
    /// # Errors
    /// Where it is not there.
    pub async fn remove_file(
        &self,
        id: &DraftId,
        name: &FileName,
        actor: &Actor,
    ) -> Result<(), DraftError> {
        let _one = self.0.steps.lock().await;
        let mut draft = self.one(id).await?;
        let gone = draft.files.remove(name);
        let bytes = gone.ok_or_else(|| DraftError::NoFile(name.as_str().to_owned()))?;
        draft.changed = self.0.clock.wall();
        let before = json!({ "file": name, "bytes": bytes });
        let action = "content.draft.file.remove";
        self.keep(id, Some(draft), action, actor, [Some(before), None])
            .await?;
        let file = self.file(id, name);
        fs::remove_file(&file).map_err(at(&file))
    }

    /// Throws a draft away.
    ///
    /// # Errors
    /// Where there is none of that id.
    pub async fn discard(&self, id: &DraftId, actor: &Actor) -> Result<(), DraftError> {
        let _one = self.0.steps.lock().await;
        self.drop_draft(id, "content.draft.discard", actor).await
    }

    /// When the release a draft is for was published since, if it was.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn published(&self, draft: &StoredDraft) -> Result<Option<Timestamp>, DraftError> {
        let content = self.0.content.clone();
        let releases = blocking(move || Ok(content.release_rows()?)).await?;
        let published = releases.into_iter().find(|row| {
            row.name == draft.release.as_str()
                && row.withdrawn.is_none()
                && row.published >= draft.made
        });
        Ok(published.map(|row| row.published))
    }

    async fn drop_draft(
        &self,
        id: &DraftId,
        action: &'static str,
        actor: &Actor,
    ) -> Result<(), DraftError> {
        let draft = self.one(id).await?;
        let before = json!({ "release": draft.release, "files": draft.files.len() });
        self.keep(id, None, action, actor, [Some(before), None])
            .await?;
        let folder = self.0.paths.draft_dir(id.as_str());
        let removing = folder.clone();
        blocking(move || fs::remove_dir_all(&removing).map_err(at(&removing))).await
    }

    /// Writes a draft, or that it is gone, with its audit record.
    async fn keep(
        &self,
        id: &DraftId,
        draft: Option<StoredDraft>,
        action: &'static str,
        actor: &Actor,
        [before, after]: [Option<Value>; 2],
    ) -> Result<(), DraftError> {
        let record = AuditRecord {
            at: self.0.clock.wall(),
            actor: actor.as_str().to_owned(),
            action: action.to_owned(),
            subject: id.to_string(),
            before,
            after,
        };
        let body = draft.map(|it| serde_json::to_string(&it).expect("a draft is always JSON"));
        let name = id.clone();
        let write = move |tx: &rusqlite::Transaction<'_>| {
            match &body {
                Some(body) => rows::put(tx, name.as_str(), body)?,
                None => rows::remove(tx, name.as_str())?,
            }
            audit::append(tx, &record).map(drop)
        };
        self.0.store.decide(write).await?;
        let mut understood = self.0.understood.lock().expect("nobody falls holding it");
        understood.remove(id);
        Ok(())
    }

    /// The drafts as they are kept. Blocks.
    fn read(&self) -> Result<BTreeMap<DraftId, StoredDraft>, DraftError> {
        let unread = |why: String| LedgerError::Database(format!("a draft cannot be read: {why}"));
        let mut drafts = BTreeMap::new();
        for (id, body) in self.0.store.read(rows::drafts)? {
            let id = id
                .parse()
                .map_err(|error: NameError| unread(error.to_string()))?;
            let draft = StoredDraft::read(&body).map_err(|error| unread(error.to_string()))?;
            drafts.insert(id, draft);
        }
        Ok(drafts)
    }

    fn file(&self, id: &DraftId, name: &FileName) -> PathBuf {
        self.0.paths.draft_dir(id.as_str()).join(name.as_str())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> DraftError + use<> {
    let path = path.to_owned();
    move |source| DraftError::Io { path, source }
}

/// Works off the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DraftError> + Send + 'static,
) -> Result<T, DraftError> {
    let done = tokio::task::spawn_blocking(work).await;
    let stopping = || LedgerError::Database("the gateway is stopping".to_owned()).into();
    done.unwrap_or_else(|_| Err(stopping()))
}
