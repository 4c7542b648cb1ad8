//! A ledger file, read beside whoever writes it, or with nobody writing at all.

use std::path::Path;

use lujiang_wire::{DeviceId, EventId, LedgerId};

use crate::entry::{Entry, EntryNumber};
use crate::ledger::{Head, LedgerError, LedgerReader};
use crate::store::readers::Readers;
use crate::store::{rows, schema};

/// A ledger, for reading alone.
pub struct LedgerFile {
    ledger: LedgerId,
    readers: Readers,
}

impl LedgerFile {
    /// Opens a ledger for reading; it must be there.
    ///
    /// # Errors
    /// Where there is none, or none of ours.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let readers = Readers::new(path);
        let ledger = readers.read(schema::checked)?;
        Ok(Self { ledger, readers })
    }

    /// The name of this ledger.
    #[must_use]
    pub fn ledger_id(&self) -> LedgerId {
        self.ledger.clone()
    }
}

impl LedgerReader for LedgerFile {
    fn head(&self) -> Result<Head, LedgerError> {
        self.readers.read(rows::head)
    }

    fn entries_after(&self, after: EntryNumber, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        rows::entries_after(&self.readers, after, limit)
    }

    fn crc_of(&self, number: EntryNumber) -> Result<Option<u32>, LedgerError> {
        self.readers
            .read(|connection| rows::crc_of(connection, number))
    }

    fn counted_before(
        &self,
        entry: EntryNumber,
        device: &DeviceId,
        fact: &EventId,
    ) -> Result<Option<Entry>, LedgerError> {
        rows::counted_before(&self.readers, entry, device, fact)
    }
}
