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

/// Which records are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Only of this actor.
    pub actor: Option<String>,
    /// Only this action (`device.add`), or all of this kind (`device`).
    pub action: Option<String>,
    /// Only records before this number.
    pub before: Option<i64>,
    /// How many at most.
    pub limit: usize,
}

/// A record and its number.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its number; numbers only grow.
    pub number: i64,
    /// The record.
    pub record: AuditRecord,
}

/// The newest records, newest first.
///
/// # Errors
/// Where the database fails, or a record is not what was written.
pub fn newest(connection: &Connection, limit: u32) -> Result<Vec<AuditRecord>, LedgerError> {
    let query = AuditQuery {
        limit: limit as usize,
        ..AuditQuery::default()
    };
    let rows = page(connection, &query)?;
    Ok(rows.into_iter().map(|row| row.record).collect())
}

/// A page of the records, newest first.
///
/// # Errors
/// Where the database fails, or a record is not what was written.
pub fn page(connection: &Connection, query: &AuditQuery) -> Result<Vec<AuditRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, at, actor, action, subject, before, after FROM audit
         WHERE number < ?1 AND (?2 IS NULL OR actor = ?2)
           AND (?3 IS NULL OR action = ?3 OR substr(action, 1, length(?3) + 1) = ?3 || '.')
         ORDER BY number DESC LIMIT ?4",
    )?;
    let mut rows = statement.query(params![
        query.before.unwrap_or(i64::MAX),
        query.actor,
        query.action,
        i64::try_from(query.limit).unwrap_or(i64::MAX),
    ])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let record = AuditRecord {
            at: super::registry::timestamp(row.get(1)?)?,
            actor: row.get(2)?,
            action: row.get(3)?,
            subject: row.get(4)?,
            before: json(row.get(5)?)?,
            after: json(row.get(6)?)?,
        };
        let number = row.get(0)?;
        page.push(AuditRow { number, record });
    }
    Ok(page)
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
