//! A transaction of the ledger, on SQLite.

use jiff::Timestamp;
use lujiang_wire::{
    Boot, ClockReport, DeviceId, Epoch, EventId, LedgerId, Place, Receipts, Stream, Uptime,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::entry::EntryNumber;
use crate::ledger::{
    ACCEPTED, Aside, Digest, Draft, LedgerError, LedgerTransaction, Measurement, Outcome,
    QuarantineUse, Record, SealedPerson, correction_micros,
};
use crate::store::{receipts, rows};

/// Boots of a device whose measurement is kept; an outbox is delivered long before that.
const BOOTS_KEPT: i64 = 1_000;

/// The transaction, and the number of the last entry within it.
pub(crate) struct SqliteTransaction<'a> {
    tx: &'a Transaction<'a>,
    ledger: LedgerId,
    last: i64,
}

impl<'a> SqliteTransaction<'a> {
    pub(crate) fn new(tx: &'a Transaction<'a>, ledger: LedgerId) -> Result<Self, LedgerError> {
        let last = rows::head(tx)?.number.0;
        Ok(Self { tx, ledger, last })
    }
}

impl LedgerTransaction for SqliteTransaction<'_> {
    fn digest_of_id(
        &mut self,
        device: &DeviceId,
        id: &EventId,
    ) -> Result<Option<Digest>, LedgerError> {
        let digest: Option<[u8; 32]> = self
            .tx
            .prepare_cached("SELECT digest FROM seen WHERE device = ?1 AND id = ?2")?
            .query_row(params![device.as_str(), id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(digest.map(Digest))
    }

    fn digest_of_place(
        &mut self,
        device: &DeviceId,
        place: &Place,
    ) -> Result<Option<Digest>, LedgerError> {
        let digest: Option<[u8; 32]> = self
            .tx
            .prepare_cached(
                "SELECT digest FROM fact
                 WHERE device = ?1 AND epoch = ?2 AND stream = ?3 AND sequence = ?4
                 ORDER BY number LIMIT 1",
            )?
            .query_row(
                params![
                    device.as_str(),
                    place.epoch.as_str(),
                    place.stream.as_str(),
                    signed(place.sequence.get()),
                ],
                |row| row.get(0),
            )
            .optional()?;
        Ok(digest.map(Digest))
    }

    fn append(&mut self, draft: &Draft) -> Result<EntryNumber, LedgerError> {
        let mut record = Record {
            number: EntryNumber(self.last + 1),
            device: draft.device.clone(),
            received: draft.received,
            place: draft.place.clone(),
            outcome: draft.outcome.clone(),
            digest: draft.digest,
            crc: 0,
        };
        record.crc = record.checksum();
        let (verdict, body, time) = match &record.outcome {
            Outcome::Accepted { body, time } => (ACCEPTED, Some(body), Some(time)),
            Outcome::Quarantined { reason } => (reason.as_str(), None, None),
        };
        let place = record.place.as_ref();
        self.tx
            .prepare_cached(
                "INSERT INTO fact (number, device, received, epoch, stream, sequence, verdict,
                                   body, correction, quality, digest, crc)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                record.number.0,
                record.device.as_str(),
                record.received.as_microsecond(),
                place.map(|place| place.epoch.as_str()),
                place.map(|place| place.stream.as_str()),
                place.map(|place| signed(place.sequence.get())),
                verdict,
                body,
                time.map(|time| correction_micros(time.correction)),
                time.map(|time| time.quality.as_str()),
                record.digest.0,
                record.crc,
            ])?;
        self.last = record.number.0;
        Ok(record.number)
    }

    fn keep_id(
        &mut self,
        device: &DeviceId,
        id: &EventId,
        digest: Digest,
        entry: EntryNumber,
    ) -> Result<(), LedgerError> {
        self.tx
            .prepare_cached("INSERT INTO seen (device, id, digest, entry) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![device.as_str(), id.as_str(), digest.0, entry.0])?;
        Ok(())
    }

    fn keep_person(&mut self, fact: EntryNumber, person: &SealedPerson) -> Result<(), LedgerError> {
        self.tx
            .prepare_cached("INSERT INTO person (fact, sealed, kid) VALUES (?1, ?2, ?3)")?
            .execute(params![fact.0, person.sealed, person.kid])?;
        Ok(())
    }

    fn is_aside(&mut self, device: &DeviceId, raw: Digest) -> Result<bool, LedgerError> {
        let found = self
            .tx
            .prepare_cached("SELECT 1 FROM quarantine WHERE device = ?1 AND digest = ?2")?
            .exists(params![device.as_str(), raw.0])?;
        Ok(found)
    }

    fn quarantine_use(&mut self, device: &DeviceId) -> Result<QuarantineUse, LedgerError> {
        let (rows, bytes): (i64, i64) = self
            .tx
            .prepare_cached(
                "SELECT count(*), coalesce(sum(bytes), 0) FROM quarantine WHERE device = ?1",
            )?
            .query_row([device.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(QuarantineUse {
            rows: rows.unsigned_abs(),
            bytes: bytes.unsigned_abs(),
        })
    }

    fn keep_aside(
        &mut self,
        entry: EntryNumber,
        device: &DeviceId,
        received: Timestamp,
        aside: &Aside,
    ) -> Result<(), LedgerError> {
        self.tx
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

    fn through(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
    ) -> Result<Option<u64>, LedgerError> {
        let through: Option<i64> = self
            .tx
            .prepare_cached(
                "SELECT through FROM settled WHERE device = ?1 AND epoch = ?2 AND stream = ?3",
            )?
            .query_row(
                params![device.as_str(), epoch.as_str(), stream.as_str()],
                |row| row.get(0),
            )
            .optional()?;
        Ok(through.map(i64::unsigned_abs))
    }

    fn settle(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        through: u64,
        last: EntryNumber,
    ) -> Result<(), LedgerError> {
        self.tx
            .prepare_cached(
                "INSERT INTO settled (device, epoch, stream, through, last)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (device, epoch, stream)
                 DO UPDATE SET through = excluded.through, last = excluded.last",
            )?
            .execute(params![
                device.as_str(),
                epoch.as_str(),
                stream.as_str(),
                signed(through),
                last.0,
            ])?;
        Ok(())
    }

    fn run_end(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        after: u64,
    ) -> Result<u64, LedgerError> {
        let mut statement = self.tx.prepare_cached(
            "SELECT sequence FROM fact
             WHERE device = ?1 AND epoch = ?2 AND stream = ?3 AND sequence > ?4
             ORDER BY sequence",
        )?;
        let mut rows = statement.query(params![
            device.as_str(),
            epoch.as_str(),
            stream.as_str(),
            signed(after),
        ])?;
        let mut end = after;
        while let Some(row) = rows.next()? {
            let sequence = row.get::<_, i64>(0)?.unsigned_abs();
            // A conflict stands at a place that is already taken: the same number twice.
            if sequence == end {
                continue;
            }
            if sequence != end + 1 {
                break;
            }
            end = sequence;
        }
        Ok(end)
    }

    fn give_up(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        range: (u64, u64),
        entry: EntryNumber,
    ) -> Result<(), LedgerError> {
        self.tx
            .prepare_cached(
                "INSERT INTO given_up (device, epoch, stream, first, through, entry)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                device.as_str(),
                epoch.as_str(),
                stream.as_str(),
                signed(range.0),
                signed(range.1),
                entry.0,
            ])?;
        Ok(())
    }

    fn given_up_through(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        number: u64,
    ) -> Result<Option<u64>, LedgerError> {
        let through: Option<i64> = self
            .tx
            .prepare_cached(
                "SELECT max(through) FROM given_up
                 WHERE device = ?1 AND epoch = ?2 AND stream = ?3
                   AND first <= ?4 AND through >= ?4",
            )?
            .query_row(
                params![
                    device.as_str(),
                    epoch.as_str(),
                    stream.as_str(),
                    signed(number),
                ],
                |row| row.get(0),
            )?;
        Ok(through.map(i64::unsigned_abs))
    }

    fn receipts(&mut self, device: &DeviceId) -> Result<Option<Receipts>, LedgerError> {
        receipts::of(self.tx, &self.ledger, device)
    }

    fn keep_measurement(
        &mut self,
        device: &DeviceId,
        report: &ClockReport,
    ) -> Result<(), LedgerError> {
        let newest: i64 = self
            .tx
            .prepare_cached("SELECT coalesce(max(ordinal), 0) FROM clock WHERE device = ?1")?
            .query_row([device.as_str()], |row| row.get(0))?;
        self.tx
            .prepare_cached(
                "INSERT INTO clock (device, boot, ordinal, uptime, time, error_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (device, boot) DO UPDATE SET uptime = excluded.uptime,
                     time = excluded.time, error_ms = excluded.error_ms",
            )?
            .execute(params![
                device.as_str(),
                report.boot.as_str(),
                newest + 1,
                signed(report.uptime.as_millis()),
                report.time.as_microsecond(),
                signed(report.error_ms),
            ])?;
        self.tx
            .prepare_cached("DELETE FROM clock WHERE device = ?1 AND ordinal <= ?2")?
            .execute(params![device.as_str(), newest - BOOTS_KEPT])?;
        Ok(())
    }

    fn measurement(
        &mut self,
        device: &DeviceId,
        boot: &Boot,
    ) -> Result<Option<Measurement>, LedgerError> {
        let found: Option<(i64, i64, i64, bool)> = self
            .tx
            .prepare_cached(
                "SELECT uptime, time, error_ms,
                        ordinal = (SELECT max(ordinal) FROM clock WHERE device = ?1)
                 FROM clock WHERE device = ?1 AND boot = ?2",
            )?
            .query_row(params![device.as_str(), boot.as_str()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((uptime, time, error_ms, is_newest_boot)) = found else {
            return Ok(None);
        };
        let report = ClockReport {
            boot: boot.clone(),
            uptime: Uptime::from_millis(uptime.unsigned_abs())
                .ok_or_else(|| broken("clock", "uptime", &uptime.to_string()))?,
            time: Timestamp::from_microsecond(time)
                .map_err(|_| broken("clock", "time", &time.to_string()))?,
            error_ms: error_ms.unsigned_abs(),
        };
        Ok(Some(Measurement {
            report,
            is_newest_boot,
        }))
    }
}

/// A number as SQLite holds it; what does not fit is cut (an error bound of a clock may not).
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn broken(table: &str, column: &str, found: &str) -> LedgerError {
    LedgerError::Database(format!("{table}.{column} holds {found:?}"))
}
