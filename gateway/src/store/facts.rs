//! A transaction of the ledger, on SQLite.

use jiff::Timestamp;
use lujiang_wire::{
    Boot, ClockReport, DeviceId, Epoch, EventId, LedgerId, Place, Receipts, Stream,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::entry::EntryNumber;
use crate::ledger::{
    Aside, AtPlace, Decided, Digest, Draft, LedgerError, LedgerTransaction, Measurement, Outcome,
    QuarantineUse, Quarantined, Record, SealedPerson, correction_micros, ruling_json,
};
use crate::store::rows::signed;
use crate::store::{clock, quarantine, receipts, rows};

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

    fn at_place(
        &mut self,
        device: &DeviceId,
        place: &Place,
        digest: Digest,
    ) -> Result<AtPlace, LedgerError> {
        let is_same: Option<bool> = self
            .tx
            .prepare_cached(
                "SELECT max(digest = ?5) FROM fact
                 WHERE device = ?1 AND epoch = ?2 AND stream = ?3 AND sequence = ?4",
            )?
            .query_row(
                params![
                    device.as_str(),
                    place.epoch.as_str(),
                    place.stream.as_str(),
                    signed(place.sequence.get()),
                    digest.0,
                ],
                |row| row.get(0),
            )?;
        Ok(match is_same {
            None => AtPlace::Nothing,
            Some(true) => AtPlace::Same,
            Some(false) => AtPlace::Other,
        })
    }

    fn counted_at(
        &mut self,
        device: &DeviceId,
        place: &Place,
    ) -> Result<Option<EntryNumber>, LedgerError> {
        let number = self
            .tx
            .prepare_cached(
                "SELECT number FROM fact
                 WHERE device = ?1 AND epoch = ?2 AND stream = ?3 AND sequence = ?4
                   AND verdict IN ('accepted', 'admitted')
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
        Ok(number.map(EntryNumber))
    }

    fn counted_as(
        &mut self,
        device: &DeviceId,
        id: &EventId,
    ) -> Result<Option<EntryNumber>, LedgerError> {
        let number = self
            .tx
            .prepare_cached(
                "SELECT f.number FROM seen s JOIN fact f ON f.number = s.entry
                 WHERE s.device = ?1 AND s.id = ?2 AND f.verdict IN ('accepted', 'admitted')",
            )?
            .query_row(params![device.as_str(), id.as_str()], |row| row.get(0))
            .optional()?;
        Ok(number.map(EntryNumber))
    }

    fn append(&mut self, draft: Draft) -> Result<EntryNumber, LedgerError> {
        let mut record = Record {
            number: EntryNumber(self.last + 1),
            device: draft.device,
            received: draft.received,
            place: draft.place,
            outcome: draft.outcome,
            digest: draft.digest,
            crc: 0,
        };
        record.crc = record.checksum();
        let (body, time) = record.outcome.counted().unzip();
        let ruling = match &record.outcome {
            Outcome::Admitted { ruling, .. } => Some(ruling_json(ruling)),
            Outcome::Accepted { .. } | Outcome::Quarantined { .. } => None,
        };
        let place = record.place.as_ref();
        self.tx
            .prepare_cached(
                "INSERT INTO fact (number, device, received, epoch, stream, sequence, verdict,
                                   body, correction, quality, digest, crc, ruling)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                record.number.0,
                record.device.as_str(),
                record.received.as_microsecond(),
                place.map(|place| place.epoch.as_str()),
                place.map(|place| place.stream.as_str()),
                place.map(|place| signed(place.sequence.get())),
                record.outcome.name(),
                body,
                time.map(|time| correction_micros(time.correction)),
                time.map(|time| time.quality.as_str()),
                record.digest.0,
                record.crc,
                ruling,
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

    fn take_id(
        &mut self,
        device: &DeviceId,
        id: &EventId,
        digest: Digest,
        entry: EntryNumber,
    ) -> Result<(), LedgerError> {
        self.tx
            .prepare_cached(
                "INSERT INTO seen (device, id, digest, entry) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (device, id)
                 DO UPDATE SET digest = excluded.digest, entry = excluded.entry",
            )?
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
        quarantine::is_aside(self.tx, device, raw)
    }

    fn quarantine_use(&mut self, device: &DeviceId) -> Result<QuarantineUse, LedgerError> {
        quarantine::used(self.tx, device)
    }

    fn keep_aside(
        &mut self,
        entry: EntryNumber,
        device: &DeviceId,
        received: Timestamp,
        aside: &Aside,
    ) -> Result<(), LedgerError> {
        quarantine::keep(self.tx, entry, device, received, aside)
    }

    fn quarantined(&mut self, entry: EntryNumber) -> Result<Option<Quarantined>, LedgerError> {
        quarantine::element(self.tx, entry)
    }

    fn decide(&mut self, entry: EntryNumber, decided: &Decided) -> Result<(), LedgerError> {
        quarantine::decide(self.tx, entry, decided)
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
                 DO UPDATE SET through = excluded.through, last = max(last, excluded.last)",
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
        clock::keep(self.tx, device, report)
    }

    fn measurement(
        &mut self,
        device: &DeviceId,
        boot: &Boot,
    ) -> Result<Option<Measurement>, LedgerError> {
        clock::of_boot(self.tx, device, boot)
    }
}
