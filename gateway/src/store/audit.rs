//! The audit records: who changed what and when, written in the transaction that changes it.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::ledger::LedgerError;

/// The table; rows are only ever added.
pub(crate) const TABLES: &str = "
CREATE TABLE audit (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL, -- microseconds since 1970, the gateway's clock
    actor   TEXT NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT NOT NULL,
    before  TEXT,             -- JSON, without secrets
    after   TEXT              -- JSON, without secrets
) STRICT;
";

/// One change. It holds no secret: not even the hash of one.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done, as `device.add`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
}

/// Adds a record and says its number; numbers only grow.
///
/// # Errors
/// Where the database fails.
pub fn append(connection: &Connection, record: &AuditRecord) -> Result<i64, LedgerError> {
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    connection
        .prepare_cached(
            "INSERT INTO audit (at, actor, action, subject, before, after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            record.at.as_microsecond(),
            record.actor,
            record.action,
            record.subject,
            text(&record.before),
            text(&record.after),
        ])?;
    Ok(connection.last_insert_rowid())
}

/// The newest records, newest first.
///
/// # Errors
/// Where the database fails, or a record is not what was written.
pub fn newest(connection: &Connection, limit: u32) -> Result<Vec<AuditRecord>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT at, actor, action, subject, before, after FROM audit
         ORDER BY number DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([limit])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(AuditRecord {
            at: super::registry::timestamp(row.get(0)?)?,
            actor: row.get(1)?,
            action: row.get(2)?,
            subject: row.get(3)?,
            before: json(row.get(4)?)?,
            after: json(row.get(5)?)?,
        });
    }
    Ok(records)
}

fn json(text: Option<String>) -> Result<Option<Value>, LedgerError> {
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(|error| LedgerError::Database(format!("an audit record is not JSON: {error}")))
}

/// The number of the newest record; 0 where there is none.
///
/// # Errors
/// Where the database fails.
pub(crate) fn last_number(connection: &Connection) -> Result<i64, LedgerError> {
    let last = "SELECT coalesce(max(number), 0) FROM audit";
    Ok(connection.query_row(last, [], |row| row.get(0))?)
}
