//! What goes out as a file to a library system without SIP2, and with which export it went.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{DeskFact, fact};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;

/// Facts nobody was told of, and those of which nobody knows since there is no line any more; in
/// the order they happened.
pub(crate) fn exportable(connection: &Connection) -> Result<Vec<DeskFact>, LedgerError> {
    select(
        connection,
        "state IN ('waiting', 'sent') AND exported IS NULL",
        [],
    )
}

/// Facts of an earlier export, in the order of its lines.
pub(crate) fn exported(connection: &Connection, number: i64) -> Result<Vec<DeskFact>, LedgerError> {
    select(connection, "exported = ?1", [number])
}

fn select(
    connection: &Connection,
    which: &str,
    of: impl rusqlite::Params,
) -> Result<Vec<DeskFact>, LedgerError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT number, device, event, item, kind, happened, due, state, outcome, changed, exported
         FROM desk_fact WHERE {which} ORDER BY happened, number",
    ))?;
    let mut rows = statement.query(of)?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        facts.push(fact(row)?);
    }
    Ok(facts)
}

/// Begins an export, and marks what goes out with it, and as of when its line says that it
/// happened; says its number.
pub(crate) fn begin_export(
    connection: &Connection,
    at: Timestamp,
    by: &str,
    form: &str,
    facts: &[(EntryNumber, Timestamp)],
) -> Result<i64, LedgerError> {
    connection.execute(
        "INSERT INTO desk_export (at, by, form) VALUES (?1, ?2, ?3)",
        params![at.as_microsecond(), by, form],
    )?;
    let number = connection.last_insert_rowid();
    for (fact, at) in facts {
        connection
            .prepare_cached("UPDATE desk_fact SET exported = ?2, happened = ?3 WHERE number = ?1")?
            .execute(params![fact.0, number, at.as_microsecond()])?;
    }
    Ok(number)
}

/// The form of an earlier export.
pub(crate) fn export_form(
    connection: &Connection,
    number: i64,
) -> Result<Option<String>, LedgerError> {
    let form = connection
        .query_row(
            "SELECT form FROM desk_export WHERE number = ?1",
            [number],
            |row| row.get(0),
        )
        .optional()?;
    Ok(form)
}

/// Exports that were first made before this, with their forms.
pub(crate) fn exports_before(
    connection: &Connection,
    before: Timestamp,
) -> Result<Vec<(i64, String)>, LedgerError> {
    let mut statement =
        connection.prepare_cached("SELECT number, form FROM desk_export WHERE at < ?1")?;
    let mut rows = statement.query([before.as_microsecond()])?;
    let mut exports = Vec::new();
    while let Some(row) = rows.next()? {
        exports.push((row.get(0)?, row.get(1)?));
    }
    Ok(exports)
}
