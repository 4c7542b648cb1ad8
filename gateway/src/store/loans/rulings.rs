//! Rulings that can still be taken back.

use jiff::Timestamp;
use lujiang_wire::Label;
use rusqlite::{Connection, Row, params};

use super::{not_ours, timestamp};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;

/// A ruling that can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RulingRow {
    pub(crate) fact: EntryNumber,
    pub(crate) item: Label,
    pub(crate) ruling: String,
    pub(crate) why: String,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
    pub(crate) due: Timestamp,
}

/// Rulings nobody has taken back, the first due first.
pub(crate) fn rulings(connection: &Connection) -> Result<Vec<RulingRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT fact, item, ruling, why, by, at, due FROM desk_ruling ORDER BY due, fact",
    )?;
    let mut rows = statement.query([])?;
    let mut rulings = Vec::new();
    while let Some(row) = rows.next()? {
        rulings.push(ruling(row)?);
    }
    Ok(rulings)
}

pub(crate) fn put_ruling(connection: &Connection, row: &RulingRow) -> Result<bool, LedgerError> {
    let added = connection.execute(
        "INSERT INTO desk_ruling (fact, item, ruling, why, by, at, due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (fact) DO NOTHING",
        params![
            row.fact.0,
            row.item.as_str(),
            row.ruling,
            row.why,
            row.by,
            row.at.as_microsecond(),
            row.due.as_microsecond(),
        ],
    )?;
    Ok(added > 0)
}

/// Takes a ruling off, and says what it was.
pub(crate) fn take_ruling(
    connection: &Connection,
    fact: EntryNumber,
) -> Result<Option<RulingRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM desk_ruling WHERE fact = ?1
         RETURNING fact, item, ruling, why, by, at, due",
    )?;
    let mut rows = statement.query([fact.0])?;
    match rows.next()? {
        Some(row) => ruling(row).map(Some),
        None => Ok(None),
    }
}

fn ruling(row: &Row<'_>) -> Result<RulingRow, LedgerError> {
    let item: String = row.get(1)?;
    Ok(RulingRow {
        fact: EntryNumber(row.get(0)?),
        item: item.parse().map_err(|error| not_ours(&error))?,
        ruling: row.get(2)?,
        why: row.get(3)?,
        by: row.get(4)?,
        at: timestamp(row.get(5)?)?,
        due: timestamp(row.get(6)?)?,
    })
}
