//! The SQLite store: facts, decisions and persons in one database. The only writer is one
//! thread, "ledger-writer"; readers have their own connections and never block it.
//!
//! What a database must do to be a ledger is said in [`crate::ledger`]; nothing outside this
//! folder names a type of SQLite, except closures handed to [`Store::decide`] and
//! [`Store::read`].

pub mod audit;
pub(crate) mod authority;
mod clock;
pub(crate) mod content;
pub(crate) mod drafts;
mod error;
mod facts;
mod file;
pub mod loans;
pub(crate) mod papers;
pub(crate) mod past_stops;
pub(crate) mod people;
pub mod persons;
pub(crate) mod presence;
pub mod quarantine;
pub(crate) mod readers;
mod receipts;
pub(crate) mod registry;
pub(crate) mod rollouts;
pub(crate) mod rows;
pub(crate) mod scan;
pub(crate) mod schema;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{DeviceId, EventId, LedgerId, Receipts};
use tokio::sync::watch;

pub use crate::store::file::LedgerFile;
pub use crate::store::persons::{Erased, Erasure};
pub use crate::store::quarantine::{Decision, QuarantineQuery, QuarantineRow};

use crate::entry::{Entry, EntryNumber};
use crate::ledger::{Head, Ledger, LedgerError, LedgerReader, LedgerTransaction};
use crate::registry::Actor;
use crate::ruling::RulingReason;
use crate::store::facts::SqliteTransaction;
use crate::store::quarantine::OpenAsides;
use crate::store::readers::Readers;
use crate::store::writer::Writer;

/// Attempts to empty the log after an erasure; together a second, longer than any page is read.
const EMPTYING_MAX: u32 = 10;

/// Between two of them; facts are kept meanwhile.
const EMPTY_AGAIN: Duration = Duration::from_millis(100);

/// How a commit reaches the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Every commit is synced before it is acknowledged.
    #[default]
    Full,
    /// Never synced. A planted fault: the durability suite must turn red with it.
    Off,
}

/// When a payload is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acknowledge {
    /// When its verdict is on disk.
    #[default]
    AfterCommit,
    /// At once. A planted fault: the durability suite must turn red with it.
    BeforeCommit,
}

/// How a store is opened. Everything but the default is a fault to plant in a test; no
/// configuration and no command line reaches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreOptions {
    /// How a commit reaches the disk.
    pub synchronous: Synchronous,
    /// When a payload is acknowledged.
    pub acknowledge: Acknowledge,
}

/// A handle on the store; clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    options: StoreOptions,
    ledger: LedgerId,
    head: watch::Receiver<Head>,
    writer: Writer,
    readers: Readers,
}

impl Store {
    /// Opens the store, making it where there is none, and writes to the disk once.
    ///
    /// # Errors
    /// Where the file is no ledger of ours, or the disk does not take a write.
    pub fn open(path: &Path, options: StoreOptions) -> Result<Self, LedgerError> {
        let opened = Writer::start(path, options)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                options,
                ledger: opened.ledger,
                head: opened.head,
                writer: opened.writer,
                readers: Readers::new(path),
            }),
        })
    }

    /// Runs a decision in a transaction of its own on the writer thread; returns when it is on
    /// disk. An error undoes it.
    ///
    /// # Errors
    /// What the closure says, or why nothing could be committed.
    ///
    /// # Cancel safety
    /// Once queued the decision is carried out, whoever waits for it.
    pub async fn decide<T: Send + 'static>(
        &self,
        f: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.inner.writer.run(f).await
    }

    /// As [`Store::decide`], for callers outside an asynchronous runtime.
    ///
    /// # Errors
    /// As [`Store::decide`].
    pub fn decide_blocking<T: Send + 'static>(
        &self,
        f: impl FnOnce(&rusqlite::Transaction<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.inner.writer.run_blocking(f)
    }

    /// Reads within one snapshot; blocks, so asynchronous callers use `spawn_blocking`.
    ///
    /// # Errors
    /// What the closure says, or why the database could not be read.
    pub fn read<T>(
        &self,
        f: impl FnOnce(&rusqlite::Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        self.inner.readers.read(f)
    }

    /// The name of this ledger, kept by its backups.
    #[must_use]
    pub fn ledger_id(&self) -> LedgerId {
        self.inner.ledger.clone()
    }

    /// Follows the last committed entry.
    #[must_use]
    pub fn head_watch(&self) -> watch::Receiver<Head> {
        self.inner.head.clone()
    }

    /// Where the database lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// How it was opened.
    #[must_use]
    pub(crate) fn options(&self) -> StoreOptions {
        self.inner.options
    }

    /// A page of the quarantine, newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn quarantine(&self, query: &QuarantineQuery) -> Result<Vec<QuarantineRow>, LedgerError> {
        self.read(|connection| quarantine::page(connection, query))
    }

    /// What nobody has decided on of a device's quarantine.
    pub(crate) fn open_asides(&self, device: &DeviceId) -> Result<OpenAsides, LedgerError> {
        self.read(|connection| quarantine::open_of(connection, device))
    }

    /// What the ledger holds of a device's newest life; none where it has nothing with a place.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn receipts(&self, device: &DeviceId) -> Result<Option<Receipts>, LedgerError> {
        self.read(|connection| receipts::of(connection, &self.inner.ledger, device))
    }

    /// Writes to the disk once, to see whether it takes writes again.
    pub(crate) async fn probe(&self) -> Result<(), LedgerError> {
        self.decide(writer::bump).await
    }

    /// Facts and clock measurements on the writer thread: [`Store::decide`] in the words of the
    /// ledger.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut dyn LedgerTransaction) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let ledger = self.ledger_id();
        self.decide(move |tx| f(&mut SqliteTransaction::new(tx, ledger)?))
            .await
    }

    /// As [`Store::write`], with the audit record of what a person did in the same transaction;
    /// none where nothing was done.
    pub(crate) async fn write_audited<T: Send + 'static>(
        &self,
        f: impl FnOnce(
            &mut dyn LedgerTransaction,
        ) -> Result<(T, Option<audit::AuditRecord>), LedgerError>
        + Send
        + 'static,
    ) -> Result<T, LedgerError> {
        let ledger = self.ledger_id();
        self.decide(move |tx| {
            let (value, record) = f(&mut SqliteTransaction::new(tx, ledger)?)?;
            if let Some(record) = record {
                audit::append(tx, &record)?;
            }
            Ok(value)
        })
        .await
    }

    /// Erases persons with the audit record of it, and then empties the log of what it still
    /// holds of them.
    ///
    /// # Errors
    /// Where nothing could be written.
    ///
    /// # Cancel safety
    /// Once queued the erasure is carried out; the log is perhaps not emptied.
    pub async fn erase(
        &self,
        erasure: Erasure,
        why: RulingReason,
        by: &Actor,
        at: Timestamp,
    ) -> Result<Erased, LedgerError> {
        let actor = by.as_str().to_owned();
        let erased = self.decide(move |tx| {
            let erased = persons::erase(tx, &erasure)?;
            let record = audit::AuditRecord {
                at,
                actor,
                action: "person.erase".to_owned(),
                subject: erasure.subject(),
                before: None,
                after: Some(serde_json::json!({
                    "persons": erased.persons, "originals": erased.originals, "why": why,
                })),
            };
            audit::append(tx, &record)?;
            Ok(erased)
        });
        let mut erased = erased.await?;
        for attempt in 0..EMPTYING_MAX {
            if attempt > 0 {
                tokio::time::sleep(EMPTY_AGAIN).await;
            }
            erased.is_log_empty = self.inner.writer.empty_log().await?;
            if erased.is_log_empty {
                break;
            }
        }
        Ok(erased)
    }

    /// Copies the log into the database and leaves nothing in it of what was erased; says whether
    /// that could be: whoever reads an older state needs it.
    pub(crate) async fn empty_log(&self) -> Result<bool, LedgerError> {
        self.inner.writer.empty_log().await
    }

    /// Finishes what is queued and ends the writer thread; later calls are refused. Blocks for
    /// as long as one commit takes.
    pub fn close(self) {
        self.inner.readers.close();
        self.inner.writer.close();
    }
}

impl LedgerReader for Store {
    fn head(&self) -> Result<Head, LedgerError> {
        self.read(rows::head)
    }

    fn entries_after(&self, after: EntryNumber, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        rows::entries_after(&self.inner.readers, after, limit)
    }

    fn crc_of(&self, number: EntryNumber) -> Result<Option<u32>, LedgerError> {
        self.read(|connection| rows::crc_of(connection, number))
    }

    fn counted_before(
        &self,
        entry: EntryNumber,
        device: &DeviceId,
        fact: &EventId,
    ) -> Result<Option<Entry>, LedgerError> {
        rows::counted_before(&self.inner.readers, entry, device, fact)
    }
}

impl Ledger for Store {
    fn transact<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut dyn LedgerTransaction) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let ledger = self.ledger_id();
        self.decide_blocking(move |tx| f(&mut SqliteTransaction::new(tx, ledger)?))
    }

    fn ledger_id(&self) -> LedgerId {
        Self::ledger_id(self)
    }

    fn quarantine(&self, query: &QuarantineQuery) -> Result<Vec<QuarantineRow>, LedgerError> {
        Self::quarantine(self, query)
    }
}

#[cfg(test)]
mod tests;
