//! The quarantine: elements kept aside, the pages that show them, and what people decided on
//! them. The sealed bytes stay where they are but for whoever opens an element.

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rusqlite::{Connection, Row, params};

use crate::entry::{EntryNumber, QuarantineReason};
use crate::ledger::{Aside, Decided, Digest, LedgerError, QuarantineUse, Quarantined, reason};
use crate::ruling::AsideState;
use crate::store::rows::{self, signed};

/// What version 2 of the tables adds: what people decided on an element. The decision that lets
/// one in is also an entry of the ledger, whose `ruling` says who, when, why and on what.
pub(crate) const SECOND: &str = "
ALTER TABLE fact ADD COLUMN ruling TEXT;           -- JSON; of admitted entries alone
ALTER TABLE quarantine ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE quarantine ADD COLUMN ruled INTEGER;   -- microseconds since 1970
ALTER TABLE quarantine ADD COLUMN ruled_by TEXT;
ALTER TABLE quarantine ADD COLUMN ruled_why TEXT;
ALTER TABLE quarantine ADD COLUMN admitted INTEGER; -- the entry that counts in its place
DROP INDEX quarantine_device;
CREATE INDEX quarantine_device ON quarantine (device, number);
CREATE INDEX quarantine_open ON quarantine (device, bytes) WHERE state = 'open';
";

/// A question for quarantined elements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuarantineQuery {
    /// Only of this device.
    pub device: Option<DeviceId>,
    /// Only those kept aside for this.
    pub reason: Option<QuarantineReason>,
    /// Only those that stand so.
    pub state: Option<AsideState>,
    /// Only entries before this one.
    pub before: Option<EntryNumber>,
    /// At most this many.
    pub limit: usize,
}

/// What is shown of a quarantined element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Its entry.
    pub number: EntryNumber,
    /// Whose connection it came over.
    pub device: DeviceId,
    /// When the door read it.
    pub received: Timestamp,
    /// The `type`, where it could be read.
    pub event_type: Option<String>,
    /// Why.
    pub reason: QuarantineReason,
    /// The attribute, or the path within `data`; empty for the whole.
    pub error_place: String,
    /// What was expected there; nothing of what was found.
    pub expected: String,
    /// The structure of the element without its values.
    pub excerpt: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where it stands.
    pub state: AsideState,
    /// What was decided, unless it is open.
    pub decision: Option<Decision>,
    /// Whether its bytes were erased.
    pub is_erased: bool,
}

/// A decision, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// The entry that counts in its place, where one does.
    pub admitted: Option<EntryNumber>,
}

/// A page, newest first.
pub(crate) fn page(
    connection: &Connection,
    query: &QuarantineQuery,
) -> Result<Vec<QuarantineRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, device, received, event_type, reason, error_place, expected, excerpt,
                bytes, state, ruled, ruled_by, ruled_why, admitted, length(sealed) = 0
         FROM quarantine
         WHERE (?1 IS NULL OR device = ?1) AND (?2 IS NULL OR reason = ?2)
           AND (?3 IS NULL OR state = ?3) AND number < ?4
         ORDER BY number DESC LIMIT ?5",
    )?;
    let device = query.device.as_ref().map(DeviceId::as_str);
    let reason = query.reason.map(QuarantineReason::as_str);
    let state = query.state.map(AsideState::as_str);
    let before = query.before.map_or(i64::MAX, |number| number.0);
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![device, reason, state, before, limit])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(shown(row)?);
    }
    Ok(page)
}

fn shown(row: &Row<'_>) -> Result<QuarantineRow, LedgerError> {
    let number: i64 = row.get(0)?;
    let damaged = |found: String| LedgerError::Damaged { number, found };
    let device: String = row.get(1)?;
    let reason_name: String = row.get(4)?;
    let decision = match row.get::<_, Option<i64>>(10)? {
        None => None,
        Some(at) => Some(Decision {
            at: time(at, number)?,
            by: row.get(11)?,
            why: row.get(12)?,
            admitted: row.get::<_, Option<i64>>(13)?.map(EntryNumber),
        }),
    };
    Ok(QuarantineRow {
        number: EntryNumber(number),
        device: device
            .parse()
            .map_err(|_| damaged(format!("its device is {device:?}")))?,
        received: time(row.get(2)?, number)?,
        event_type: row.get(3)?,
        reason: reason(&reason_name)
            .ok_or_else(|| damaged(format!("its reason is {reason_name:?}")))?,
        error_place: row.get(5)?,
        expected: row.get(6)?,
        excerpt: row.get(7)?,
        bytes: row.get::<_, i64>(8)?.unsigned_abs(),
        state: state(&row.get::<_, String>(9)?, number)?,
        decision,
        is_erased: row.get(14)?,
    })
}

/// Whether these bytes of this device are kept, whatever was decided on them.
pub(crate) fn is_aside(
    connection: &Connection,
    device: &DeviceId,
    raw: Digest,
) -> Result<bool, LedgerError> {
    let found = connection
        .prepare_cached("SELECT 1 FROM quarantine WHERE device = ?1 AND digest = ?2")?
        .exists(params![device.as_str(), raw.0])?;
    Ok(found)
}

/// How much is open of a device.
pub(crate) fn used(
    connection: &Connection,
    device: &DeviceId,
) -> Result<QuarantineUse, LedgerError> {
    let (rows, bytes): (i64, i64) = connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM quarantine
             WHERE device = ?1 AND state = 'open'",
        )?
        .query_row([device.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(QuarantineUse {
        rows: rows.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
    })
}

/// What nobody has decided on of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OpenAsides {
    /// Elements.
    pub(crate) rows: u64,
    /// Of these, ids or places used before with other content.
    pub(crate) id_conflicts: u64,
}

/// Counts what is open of a device.
pub(crate) fn open_of(
    connection: &Connection,
    device: &DeviceId,
) -> Result<OpenAsides, LedgerError> {
    let (rows, id_conflicts): (i64, i64) = connection
        .prepare_cached(
            "SELECT count(*), coalesce(sum(reason = 'id-conflict'), 0) FROM quarantine
             WHERE device = ?1 AND state = 'open'",
        )?
        .query_row([device.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(OpenAsides {
        rows: rows.unsigned_abs(),
        id_conflicts: id_conflicts.unsigned_abs(),
    })
}

/// Keeps an element beside its entry.
pub(crate) fn keep(
    connection: &Connection,
    entry: EntryNumber,
    device: &DeviceId,
    received: Timestamp,
    aside: &Aside,
) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO quarantine (number, device, received, event_type, reason,
                                     error_place, expected, excerpt, bytes, digest, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            entry.0,
            device.as_str(),
            received.as_microsecond(),
            aside.event_type,
            aside.reason.as_str(),
            aside.error_place,
            aside.expected,
            aside.excerpt,
            signed(aside.bytes),
            aside.raw.0,
            aside.sealed,
        ])?;
    Ok(())
}

/// An element, for whoever decides on it.
pub(crate) fn element(
    connection: &Connection,
    entry: EntryNumber,
) -> Result<Option<Quarantined>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT q.device, q.received, q.state, f.epoch, f.stream, f.sequence, q.sealed
         FROM quarantine q JOIN fact f ON f.number = q.number WHERE q.number = ?1",
    )?;
    let mut rows = statement.query([entry.0])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let number = entry.0;
    let device: String = row.get(0)?;
    Ok(Some(Quarantined {
        device: device.parse().map_err(|_| LedgerError::Damaged {
            number,
            found: format!("its device is {device:?}"),
        })?,
        received: time(row.get(1)?, number)?,
        state: state(&row.get::<_, String>(2)?, number)?,
        place: rows::place(row, number)?,
        sealed: row.get(6)?,
    }))
}

/// Writes down what was decided.
pub(crate) fn decide(
    connection: &Connection,
    entry: EntryNumber,
    decided: &Decided,
) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "UPDATE quarantine SET state = ?2, ruled = ?3, ruled_by = ?4, ruled_why = ?5,
                                   admitted = ?6 WHERE number = ?1",
        )?
        .execute(params![
            entry.0,
            decided.state.as_str(),
            decided.at.as_microsecond(),
            decided.by,
            decided.why.as_str(),
            decided.admitted.map(|admitted| admitted.0),
        ])?;
    Ok(())
}

fn state(name: &str, number: i64) -> Result<AsideState, LedgerError> {
    name.parse()
        .map_err(|found| LedgerError::Damaged { number, found })
}

fn time(micros: i64, number: i64) -> Result<Timestamp, LedgerError> {
    Timestamp::from_microsecond(micros).map_err(|error| LedgerError::Damaged {
        number,
        found: error.to_string(),
    })
}
