//! Rows of the fact table, to records and back.

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{DeviceId, EventId, Place, Sequence};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::entry::{Entry, EntryNumber, FactTime};
use crate::ledger::{ACCEPTED, ADMITTED, quality, reason};
use crate::ledger::{Digest, Head, LedgerError, Outcome, Record};
use crate::store::readers::Readers;

/// The columns a record is read from, in the order [`record`] expects.
const COLUMNS: &str = "number, device, received, epoch, stream, sequence, verdict, body, \
                       correction, quality, digest, crc, ruling";

/// The last entry.
pub(crate) fn head(connection: &Connection) -> Result<Head, LedgerError> {
    let head = connection
        .prepare_cached("SELECT number, crc FROM fact ORDER BY number DESC LIMIT 1")?
        .query_row([], |row| {
            Ok(Head {
                number: EntryNumber(row.get(0)?),
                crc: row.get(1)?,
            })
        })
        .optional()?;
    Ok(head.unwrap_or(Head {
        number: EntryNumber::NONE,
        crc: 0,
    }))
}

/// Up to `limit` entries after `after`, in order, each proved to be what was written and the
/// numbers to be without a hole.
pub(crate) fn entries_after(
    readers: &Readers,
    after: EntryNumber,
    limit: usize,
) -> Result<Vec<Entry>, LedgerError> {
    let records = readers.read(|connection| records_after(connection, after, limit))?;
    let mut entries = Vec::with_capacity(records.len());
    let mut expected = after.0;
    for record in records {
        expected += 1;
        if record.number.0 != expected {
            return Err(LedgerError::Damaged {
                number: expected,
                found: "it is missing".to_owned(),
            });
        }
        entries.push(record.into_entry()?);
    }
    Ok(entries)
}

/// Up to `limit` records after `after`, in order, unchecked.
fn records_after(
    connection: &Connection,
    after: EntryNumber,
    limit: usize,
) -> Result<Vec<Record>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM fact WHERE number > ?1 ORDER BY number LIMIT ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![after.0, limit])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(record(row)?);
    }
    Ok(records)
}

/// All records in order.
pub(crate) fn all_records() -> String {
    format!("SELECT {COLUMNS} FROM fact ORDER BY number")
}

/// The stored checksum of one entry.
pub(crate) fn crc_of(
    connection: &Connection,
    number: EntryNumber,
) -> Result<Option<u32>, LedgerError> {
    let crc = connection
        .prepare_cached("SELECT crc FROM fact WHERE number = ?1")?
        .query_row([number.0], |row| row.get(0))
        .optional()?;
    Ok(crc)
}

/// What counted as this fact of this device before an entry: an agent's stands at its place, a
/// plain device's is known by its id.
pub(crate) fn counted_before(
    readers: &Readers,
    entry: EntryNumber,
    device: &DeviceId,
    fact: &EventId,
) -> Result<Option<Entry>, LedgerError> {
    const COUNTS: &str = "verdict IN ('accepted', 'admitted') AND number < ?1 AND device = ?2";
    let found = readers.read(|connection| {
        let found = match fact.place() {
            Some(place) => connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM fact WHERE {COUNTS}
                     AND epoch = ?3 AND stream = ?4 AND sequence = ?5 LIMIT 1"
                ))?
                .query_row(
                    params![
                        entry.0,
                        device.as_str(),
                        place.epoch.as_str(),
                        place.stream.as_str(),
                        signed(place.sequence.get()),
                    ],
                    |row| Ok(record(row)),
                ),
            None => connection
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM fact WHERE {COUNTS}
                     AND number = (SELECT entry FROM seen WHERE device = ?2 AND id = ?3)"
                ))?
                .query_row(params![entry.0, device.as_str(), fact.as_str()], |row| {
                    Ok(record(row))
                }),
        };
        found.optional()?.transpose()
    })?;
    found.map(Record::into_entry).transpose()
}

/// Reads a record; a value that no record of ours can have is damage.
pub(crate) fn record(row: &Row<'_>) -> Result<Record, LedgerError> {
    let number: i64 = row.get(0)?;
    let damaged = |found: String| LedgerError::Damaged { number, found };
    let unreadable = |error: rusqlite::Error| damaged(format!("a column of it: {error}"));
    let text = |column: usize| -> Result<&str, LedgerError> {
        let value = row.get_ref(column).map_err(unreadable)?;
        let text = value.as_str();
        text.map_err(|error| damaged(format!("column {column} of it: {error}")))
    };
    let device = text(1)?;
    let received: i64 = row.get(2).map_err(unreadable)?;
    let time = || -> Result<FactTime, LedgerError> {
        let quality_name = text(9)?;
        Ok(FactTime {
            correction: SignedDuration::from_micros(row.get(8).map_err(unreadable)?),
            quality: quality(quality_name)
                .ok_or_else(|| damaged(format!("its time quality is {quality_name:?}")))?,
        })
    };
    let outcome = match text(6)? {
        ACCEPTED => Outcome::Accepted {
            body: row.get(7).map_err(unreadable)?,
            time: time()?,
        },
        ADMITTED => Outcome::Admitted {
            body: row.get(7).map_err(unreadable)?,
            time: time()?,
            ruling: serde_json::from_str(text(12)?)
                .map_err(|error| damaged(format!("its ruling: {error}")))?,
        },
        other => Outcome::Quarantined {
            reason: reason(other).ok_or_else(|| damaged(format!("its verdict is {other:?}")))?,
        },
    };
    Ok(Record {
        number: EntryNumber(number),
        device: device
            .parse()
            .map_err(|_| damaged(format!("its device is {device:?}")))?,
        received: Timestamp::from_microsecond(received)
            .map_err(|_| damaged(format!("its receipt is {received}")))?,
        place: place(row, number)?,
        outcome,
        digest: Digest(
            row.get(10)
                .map_err(|_| damaged("its digest is not 32 bytes".to_owned()))?,
        ),
        crc: row.get(11).map_err(unreadable)?,
    })
}

/// A number as SQLite holds it; what does not fit is cut (an error bound of a clock may not).
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The place in the columns 3 to 5, epoch, stream and sequence.
pub(crate) fn place(row: &Row<'_>, number: i64) -> Result<Option<Place>, LedgerError> {
    let damaged = |found: String| LedgerError::Damaged { number, found };
    let unreadable = |error: rusqlite::Error| damaged(format!("its place: {error}"));
    let epoch: Option<String> = row.get(3).map_err(unreadable)?;
    let stream: Option<String> = row.get(4).map_err(unreadable)?;
    let sequence: Option<i64> = row.get(5).map_err(unreadable)?;
    let (epoch, stream, sequence) = match (epoch, stream, sequence) {
        (None, None, None) => return Ok(None),
        (Some(epoch), Some(stream), Some(sequence)) => (epoch, stream, sequence),
        _ => return Err(damaged("its place is not whole".to_owned())),
    };
    let sequence = u64::try_from(sequence).ok().and_then(Sequence::new);
    let wrong = || damaged("its place is none".to_owned());
    Ok(Some(Place {
        epoch: epoch.parse().map_err(|_| wrong())?,
        stream: stream.parse().map_err(|_| wrong())?,
        sequence: sequence.ok_or_else(wrong)?,
    }))
}
