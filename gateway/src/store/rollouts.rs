//! The rows of rollouts: one a rollout, one a device of it, and the place in the ledger up to
//! which facts were looked at. A row is one JSON text of a versioned form of its own; what is
//! written together is one transaction with its audit records.

use lujiang_wire::DeviceId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::audit::{self, AuditRecord};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;

/// What version 5 of the tables adds.
pub(crate) const FIFTH: &str = "
CREATE TABLE rollout (
    number INTEGER PRIMARY KEY,
    body   TEXT NOT NULL         -- plan and state, JSON
) STRICT;
CREATE TABLE rollout_member (
    rollout INTEGER NOT NULL,
    device  TEXT NOT NULL,
    body    TEXT NOT NULL,       -- how far it is, JSON
    told    INTEGER NOT NULL,    -- audit records of it so far
    PRIMARY KEY (rollout, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollout_heard (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    entry INTEGER NOT NULL       -- the last entry of the ledger that was looked at
) STRICT;
CREATE INDEX audit_rollout ON audit (subject, number) WHERE action LIKE 'rollout.%';
";

/// Audit records of one device in one rollout: a device that says something else each second
/// must not fill the audit. Beyond it only its row is kept.
const TOLD_MAX: i64 = 200;

/// What is to be written together.
#[derive(Debug, Clone, Default)]
pub(crate) struct RolloutChange {
    /// The number of the rollout.
    pub(crate) number: u64,
    /// Its plan and state, where they changed.
    pub(crate) body: Option<String>,
    /// Devices whose rows changed; none of a row: it has no part any more.
    pub(crate) members: Vec<(DeviceId, Option<String>)>,
    /// What people and thresholds did.
    pub(crate) records: Vec<AuditRecord>,
    /// What devices did.
    pub(crate) steps: Vec<(DeviceId, AuditRecord)>,
}

/// A rollout as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct RolloutRow {
    pub(crate) number: u64,
    pub(crate) body: String,
    pub(crate) members: Vec<(DeviceId, String)>,
}

/// Writes a change.
pub(crate) fn write(connection: &Connection, change: &RolloutChange) -> Result<(), LedgerError> {
    let number = stored(change.number)?;
    if let Some(body) = &change.body {
        connection.execute(
            "INSERT INTO rollout (number, body) VALUES (?1, ?2)
             ON CONFLICT (number) DO UPDATE SET body = excluded.body",
            params![number, body],
        )?;
    }
    for (device, body) in &change.members {
        match body {
            Some(body) => connection.execute(
                "INSERT INTO rollout_member (rollout, device, body, told) VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT (rollout, device) DO UPDATE SET body = excluded.body",
                params![number, device.as_str(), body],
            )?,
            None => connection.execute(
                "DELETE FROM rollout_member WHERE rollout = ?1 AND device = ?2",
                params![number, device.as_str()],
            )?,
        };
    }
    for record in &change.records {
        audit::append(connection, record)?;
    }
    for (device, record) in &change.steps {
        let may_tell = connection.execute(
            "UPDATE rollout_member SET told = told + 1
             WHERE rollout = ?1 AND device = ?2 AND told < ?3",
            params![number, device.as_str(), TOLD_MAX],
        )?;
        if may_tell > 0 {
            audit::append(connection, record)?;
        }
    }
    Ok(())
}

/// Everything that is kept.
pub(crate) fn load(connection: &Connection) -> Result<Vec<RolloutRow>, LedgerError> {
    let mut statement = connection.prepare("SELECT number, body FROM rollout ORDER BY number")?;
    let mut rows = statement.query([])?;
    let mut rollouts = Vec::new();
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        rollouts.push(RolloutRow {
            number: number.unsigned_abs(),
            body: row.get(1)?,
            members: members(connection, number)?,
        });
    }
    Ok(rollouts)
}

fn members(connection: &Connection, number: i64) -> Result<Vec<(DeviceId, String)>, LedgerError> {
    let mut statement =
        connection.prepare_cached("SELECT device, body FROM rollout_member WHERE rollout = ?1")?;
    let mut rows = statement.query([number])?;
    let mut members = Vec::new();
    while let Some(row) = rows.next()? {
        let device: String = row.get(0)?;
        let device = device.parse();
        let device = device.map_err(|_| LedgerError::Database("a rollout's device".to_owned()))?;
        members.push((device, row.get(1)?));
    }
    Ok(members)
}

/// The last entry that was looked at; none before the first rollout.
pub(crate) fn heard(connection: &Connection) -> Result<Option<EntryNumber>, LedgerError> {
    let sql = "SELECT entry FROM rollout_heard";
    let entry = connection.query_row(sql, [], |row| row.get(0));
    Ok(entry.optional()?.map(EntryNumber))
}

/// Facts were looked at up to this entry.
pub(crate) fn set_heard(connection: &Connection, entry: EntryNumber) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO rollout_heard (one, entry) VALUES (1, ?1)
         ON CONFLICT (one) DO UPDATE SET entry = excluded.entry",
        [entry.0],
    )?;
    Ok(())
}

/// Forgets a rollout that ended long ago; the audit keeps what it did.
pub(crate) fn forget(connection: &Connection, number: u64) -> Result<(), LedgerError> {
    let number = stored(number)?;
    connection.execute("DELETE FROM rollout WHERE number = ?1", [number])?;
    connection.execute("DELETE FROM rollout_member WHERE rollout = ?1", [number])?;
    Ok(())
}

fn stored(number: u64) -> Result<i64, LedgerError> {
    i64::try_from(number).map_err(|_| LedgerError::Database("a rollout's number".to_owned()))
}
