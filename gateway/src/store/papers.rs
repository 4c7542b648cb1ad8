//! The rows behind the papers of devices: the list of blocked readers, sealed, and the stops
//! planned for the bus. Each function is one statement; its audit record is the caller's business.

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Label, PlannedStop};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::registry::timestamp;
use crate::ledger::LedgerError;
use crate::papers::stops::Plan;

/// What version 3 of the tables adds. Times are microseconds since 1970.
pub(crate) const THIRD: &str = "
CREATE TABLE blocked (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    revision TEXT NOT NULL,      -- random; another list has another
    as_of    INTEGER NOT NULL,   -- when the library system said so
    imported INTEGER NOT NULL,
    readers  INTEGER NOT NULL,
    kid      TEXT NOT NULL,      -- the desk's key they are sealed to
    sealed   BLOB NOT NULL
) STRICT;
CREATE TABLE planned_stop (
    stop     TEXT PRIMARY KEY,
    date     TEXT NOT NULL,      -- in the library's time zone
    unit     TEXT NOT NULL,
    occasion TEXT,
    place    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What version 8 of the tables adds.
pub(crate) const EIGHTH: &str = "
ALTER TABLE planned_stop ADD COLUMN device TEXT;  -- the bus it is for; null for every bus
";

/// What is said of the list of blocked readers without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockedHead {
    pub(crate) revision: String,
    pub(crate) as_of: Timestamp,
    pub(crate) imported: Timestamp,
    pub(crate) readers: u64,
    pub(crate) kid: String,
}

/// The list of blocked readers, if one was ever imported.
pub(crate) fn blocked_head(connection: &Connection) -> Result<Option<BlockedHead>, LedgerError> {
    let sql = "SELECT revision, as_of, imported, readers, kid FROM blocked";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some(BlockedHead {
        revision: row.get(0)?,
        as_of: timestamp(row.get(1)?)?,
        imported: timestamp(row.get(2)?)?,
        readers: row.get::<_, i64>(3)?.unsigned_abs(),
        kid: row.get(4)?,
    }))
}

/// Its readers, sealed.
pub(crate) fn blocked_sealed(connection: &Connection) -> Result<Option<Vec<u8>>, LedgerError> {
    let sql = "SELECT sealed FROM blocked";
    let sealed = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(sealed)
}

/// Puts a list in the place of the one before.
pub(crate) fn put_blocked(
    connection: &Connection,
    head: &BlockedHead,
    sealed: &[u8],
) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO blocked (one, revision, as_of, imported, readers, kid, sealed)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (one) DO UPDATE SET
             revision = excluded.revision, as_of = excluded.as_of,
             imported = excluded.imported, readers = excluded.readers,
             kid = excluded.kid, sealed = excluded.sealed",
        params![
            head.revision,
            head.as_of.as_microsecond(),
            head.imported.as_microsecond(),
            super::rows::signed(head.readers),
            head.kid,
            sealed,
        ],
    )?;
    Ok(())
}

/// All planned stops, the earliest first.
pub(crate) fn stops(connection: &Connection) -> Result<Vec<Plan>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT stop, date, unit, occasion, place, device FROM planned_stop ORDER BY date, stop",
    )?;
    let mut rows = statement.query([])?;
    let mut stops = Vec::new();
    while let Some(row) = rows.next()? {
        stops.push(plan(row)?);
    }
    Ok(stops)
}

/// Adds a stop; whether there was none of that name.
pub(crate) fn add_stop(connection: &Connection, plan: &Plan) -> Result<bool, LedgerError> {
    let stop = &plan.stop;
    let added = connection.execute(
        "INSERT INTO planned_stop (stop, date, unit, occasion, place, device)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (stop) DO NOTHING",
        params![
            stop.stop.as_str(),
            stop.date.to_string(),
            stop.unit.as_str(),
            stop.occasion.as_ref().map(Label::as_str),
            stop.place.as_str(),
            plan.device.as_ref().map(DeviceId::as_str),
        ],
    )?;
    Ok(added > 0)
}

/// Removes a stop, and says what it was.
pub(crate) fn remove_stop(
    connection: &Connection,
    name: &Label,
) -> Result<Option<Plan>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM planned_stop WHERE stop = ?1
         RETURNING stop, date, unit, occasion, place, device",
    )?;
    let mut rows = statement.query([name.as_str()])?;
    match rows.next()? {
        Some(row) => plan(row).map(Some),
        None => Ok(None),
    }
}

fn plan(row: &Row<'_>) -> Result<Plan, LedgerError> {
    let label = |text: String| text.parse::<Label>().map_err(|error| not_ours(&error));
    let date: String = row.get(1)?;
    let device: Option<String> = row.get(5)?;
    Ok(Plan {
        stop: PlannedStop {
            stop: label(row.get(0)?)?,
            date: date.parse().map_err(|error| not_ours(&error))?,
            unit: label(row.get(2)?)?,
            occasion: row.get::<_, Option<String>>(3)?.map(label).transpose()?,
            place: label(row.get(4)?)?,
        },
        device: device.map(super::registry::id).transpose()?,
    })
}

fn not_ours(error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Database(format!("a planned stop is none: {error}"))
}
