//! The ledger: facts, append-only, each judged once. What a database must do to be one.
//!
//! [`LedgerTransaction`] is what intake needs within one transaction, [`LedgerReader`] what
//! folds need, [`Ledger`] both; `conformance` is the suite every implementation passes.

// Claims are made by panicking; nothing that runs for people is built with them.
#[cfg(any(test, feature = "conformance"))]
#[expect(clippy::unwrap_used, reason = "a claim that cannot be made has failed")]
pub mod conformance;
pub mod export;
mod record;
mod transaction;
pub mod verify;

use lujiang_wire::{DeviceId, EventId, LedgerId};

use crate::entry::{Entry, EntryNumber};
use crate::store::{QuarantineQuery, QuarantineRow};

pub(crate) use crate::ledger::record::{
    ACCEPTED, ADMITTED, correction_micros, quality, reason, ruling_json,
};
pub use crate::ledger::record::{Digest, Outcome, Record};
pub use crate::ledger::transaction::{
    Aside, AtPlace, Decided, Draft, LedgerTransaction, Measurement, QuarantineUse, Quarantined,
    SealedPerson,
};

/// Where the ledger stands: its last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the last entry; [`EntryNumber::NONE`] where there is none.
    pub number: EntryNumber,
    /// CRC32C of its record; 0 where there is none.
    pub crc: u32,
}

/// Reads a ledger. Readers never block the writer.
pub trait LedgerReader: Send + Sync + 'static {
    /// The last entry.
    ///
    /// # Errors
    /// Where the database cannot be read.
    fn head(&self) -> Result<Head, LedgerError>;

    /// Up to `limit` entries after `after`, in order.
    ///
    /// # Errors
    /// Where the database cannot be read, or a record fails its CRC.
    fn entries_after(&self, after: EntryNumber, limit: usize) -> Result<Vec<Entry>, LedgerError>;

    /// The CRC of one entry's record, if there is such an entry.
    ///
    /// # Errors
    /// Where the database cannot be read.
    fn crc_of(&self, number: EntryNumber) -> Result<Option<u32>, LedgerError>;

    /// What counted as this fact of this device before an entry, if anything did.
    ///
    /// # Errors
    /// Where the database cannot be read, or the record fails its CRC.
    fn counted_before(
        &self,
        entry: EntryNumber,
        device: &DeviceId,
        fact: &EventId,
    ) -> Result<Option<Entry>, LedgerError>;
}

/// A ledger, whole.
pub trait Ledger: LedgerReader {
    /// Runs a transaction that nobody else's writes come between: when this returns `Ok` all of
    /// it is on disk, when it returns an error nothing of it ever happened.
    ///
    /// # Errors
    /// What the closure says, or why nothing could be committed.
    fn transact<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut dyn LedgerTransaction) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError>;

    /// The name of this ledger.
    fn ledger_id(&self) -> LedgerId;

    /// A page of the quarantine, newest first.
    ///
    /// # Errors
    /// Where the database cannot be read.
    fn quarantine(&self, query: &QuarantineQuery) -> Result<Vec<QuarantineRow>, LedgerError>;
}

/// Why a ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No room on the disk, or it takes no writes; nothing was committed.
    #[error("the disk has no room or takes no writes")]
    Full,
    /// The database failed; nothing was committed.
    #[error("the database failed: {0}")]
    Database(String),
    /// A record is not what was written.
    #[error("entry {number}: {found}")]
    Damaged {
        /// Its number.
        number: i64,
        /// What is wrong with it.
        found: String,
    },
}
