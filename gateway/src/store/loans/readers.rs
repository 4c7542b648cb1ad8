//! The sealed readers beside facts, as the desk needs them and lets go of them.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::timestamp;
use crate::entry::EntryNumber;
use crate::ledger::{LedgerError, SealedPerson};

/// The sealed reader of a fact; none where there is none, or it was erased.
pub(crate) fn person(
    connection: &Connection,
    fact: EntryNumber,
) -> Result<Option<SealedPerson>, LedgerError> {
    let person = connection
        .prepare_cached("SELECT sealed, kid FROM person WHERE fact = ?1 AND sealed IS NOT NULL")?
        .query_row([fact.0], |row| {
            Ok(SealedPerson {
                sealed: row.get(0)?,
                kid: row.get(1)?,
            })
        })
        .optional()?;
    Ok(person)
}

/// When a fact happened, as far as the desk knows it.
pub(crate) fn happened(
    connection: &Connection,
    fact: EntryNumber,
) -> Result<Option<Timestamp>, LedgerError> {
    let at: Option<i64> = connection
        .prepare_cached("SELECT happened FROM desk_fact WHERE number = ?1")?
        .query_row([fact.0], |row| row.get(0))
        .optional()?;
    at.map(timestamp).transpose()
}

/// Erases the sealed reader of a fact, and keeps who it was to nobody but the year.
pub(crate) fn put_pseudonym(
    connection: &Connection,
    fact: EntryNumber,
    pseudonym: Option<[u8; 32]>,
) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "UPDATE person SET sealed = NULL, pseudonym = coalesce(?2, pseudonym)
             WHERE fact = ?1",
        )?
        .execute(params![fact.0, pseudonym])?;
    Ok(())
}

/// Erases the sealed readers of everything received before this; says of how many.
pub(crate) fn erase_readers(
    connection: &Connection,
    before: Timestamp,
) -> Result<u64, LedgerError> {
    let erased = connection.execute(
        "UPDATE person SET sealed = NULL
         WHERE sealed IS NOT NULL
           AND (SELECT received FROM fact WHERE number = person.fact) < ?1",
        [before.as_microsecond()],
    )?;
    Ok(erased as u64)
}
