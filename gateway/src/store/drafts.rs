//! The rows of drafts of releases: one JSON text of a versioned form each. The files they name lie
//! in the data folder; the audit record is the caller's business.

use rusqlite::{Connection, params};

use crate::ledger::LedgerError;

/// What version 7 of the tables adds.
pub(crate) const SEVENTH: &str = "
CREATE TABLE content_draft (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL           -- its name, its files, when it changed: JSON
) STRICT, WITHOUT ROWID;
";

/// All drafts, by id.
pub(crate) fn drafts(connection: &Connection) -> Result<Vec<(String, String)>, LedgerError> {
    let sql = "SELECT id, body FROM content_draft ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts a draft there, or another in its place.
pub(crate) fn put(connection: &Connection, id: &str, body: &str) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO content_draft (id, body) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        params![id, body],
    )?;
    Ok(())
}

/// Takes a draft away.
pub(crate) fn remove(connection: &Connection, id: &str) -> Result<(), LedgerError> {
    connection.execute("DELETE FROM content_draft WHERE id = ?1", [id])?;
    Ok(())
}
