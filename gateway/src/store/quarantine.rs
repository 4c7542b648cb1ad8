//! Pages of the quarantine: what is shown of it; the sealed bytes stay where they are.

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rusqlite::{Connection, params};

use crate::entry::{EntryNumber, QuarantineReason};
use crate::ledger::{LedgerError, reason};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineQuery {
    /// Only of this device.
    pub device: Option<DeviceId>,
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
}

pub(crate) fn page(
    connection: &Connection,
    query: &QuarantineQuery,
) -> Result<Vec<QuarantineRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, device, received, event_type, reason, error_place, expected, excerpt,
                bytes
         FROM quarantine
         WHERE (?1 IS NULL OR device = ?1) AND number < ?2
         ORDER BY number DESC LIMIT ?3",
    )?;
    let device = query.device.as_ref().map(DeviceId::as_str);
    let before = query.before.map_or(i64::MAX, |number| number.0);
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![device, before, limit])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        let damaged = |found: String| LedgerError::Damaged { number, found };
        let device: String = row.get(1)?;
        let reason_name: String = row.get(4)?;
        page.push(QuarantineRow {
            number: EntryNumber(number),
            device: device
                .parse()
                .map_err(|_| damaged(format!("its device is {device:?}")))?,
            received: Timestamp::from_microsecond(row.get(2)?)
                .map_err(|error| damaged(error.to_string()))?,
            event_type: row.get(3)?,
            reason: reason(&reason_name)
                .ok_or_else(|| damaged(format!("its reason is {reason_name:?}")))?,
            error_place: row.get(5)?,
            expected: row.get(6)?,
            excerpt: row.get(7)?,
            bytes: row.get::<_, i64>(8)?.unsigned_abs(),
        });
    }
    Ok(page)
}
