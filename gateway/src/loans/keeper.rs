//! Keeps what the desk says to keep, within one transaction: the item's row, how far its facts
//! have come, and of settled facts' readers no more than the year's pseudonym.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};

use super::Loans;
use crate::desk::{Abilities, Keep, Settled};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;
use crate::store::loans as rows;

/// What keeping something changed beside the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// What devices are told is disputed of their facts.
    pub(super) is_dispute_moved: bool,
    /// A sealed reader was erased: the log still holds it.
    pub(super) is_reader_erased: bool,
}

impl Kept {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            is_dispute_moved: self.is_dispute_moved || other.is_dispute_moved,
            is_reader_erased: self.is_reader_erased || other.is_reader_erased,
        }
    }
}

impl Loans {
    pub(super) fn keep(&self, tx: &Transaction<'_>, keep: &Keep) -> Result<Kept, LedgerError> {
        let now = self.now();
        let before = rows::disputes(tx, &keep.record.item)?;
        rows::keep(tx, &keep.record, keep.rest, &keep.settled, now)?;
        let mut kept = Kept {
            is_dispute_moved: rows::disputes(tx, &keep.record.item)? != before,
            is_reader_erased: false,
        };
        for settlement in &keep.settled {
            // Of what was undone before it was heard of there is no row of its own.
            let mut recent = keep.record.recent.iter();
            let past = recent.find(|past| past.number == settlement.number);
            let past = past.map(|past| past.when.latest());
            let happened = rows::happened(tx, settlement.number)?
                .or(past)
                .unwrap_or(now);
            // The same export again is the same file: its readers stay until their time is over.
            if settlement.settled != Settled::Exported {
                kept.is_reader_erased |= self.let_go_of_reader(tx, settlement.number, happened)?;
            }
        }
        Ok(kept)
    }

    /// Tells devices what is disputed, and empties the log of erased readers.
    pub(super) async fn tidy(&self, kept: Kept) {
        if kept.is_dispute_moved {
            self.0.papers.changed();
        }
        if kept.is_reader_erased {
            // Where somebody reads an older state it goes with the next one, or at the end.
            if let Err(error) = self.0.store.empty_log().await {
                tracing::warn!(%error, "the log still holds erased readers");
            }
        }
    }

    pub(super) fn keep_abilities(
        &self,
        tx: &Transaction<'_>,
        abilities: &Abilities,
    ) -> Result<(), LedgerError> {
        rows::set_abilities(tx, &self.library_system(), abilities)
    }

    /// What this library system has been found able to answer.
    pub(super) fn abilities(&self, connection: &Connection) -> Result<Abilities, LedgerError> {
        rows::abilities(connection, &self.library_system())
    }

    /// Which library system what was found out is about.
    fn library_system(&self) -> String {
        let (ils, make) = (&self.0.section.ils, self.profile());
        let host = ils.host.as_deref().unwrap_or_default();
        format!("{make:?} at {host}:{}", ils.port)
    }

    /// Erases the sealed reader of a fact; the year's pseudonym stays, where it can be made.
    fn let_go_of_reader(
        &self,
        tx: &Transaction<'_>,
        fact: EntryNumber,
        happened: Timestamp,
    ) -> Result<bool, LedgerError> {
        let Some(person) = rows::person(tx, fact)? else {
            return Ok(false);
        };
        let pseudonym = match self.0.seals.open_person(&person) {
            Ok(reader) => {
                let (inner, retention) = (&self.0, self.0.section.pseudonym_retention);
                let made =
                    (inner.pseudonyms).of(&reader, happened, self.now(), retention, &inner.zone);
                made.map_err(|error| LedgerError::Database(format!("a pseudonym: {error}")))?
            }
            // Sealed to a key that is gone: nobody will ever know who it was.
            Err(_) => None,
        };
        rows::put_pseudonym(tx, fact, pseudonym)?;
        Ok(true)
    }
}
