//! The ledger: facts, append-only, each judged once. What a database must do to be one.

use crate::entry::{Entry, EntryNumber};

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
}

/// Why a ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// No room on the disk; nothing was committed.
    #[error("no room on the disk")]
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
