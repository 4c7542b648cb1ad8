//! A ledger in memory, and how its entries are made.

use jiff::SignedDuration;
use lujiang_wire::{
    Boot, Event, EventId, Fact, Flag, Moment, OutboxDropped, Place, Uptime, VisitCounted,
};
use tempfile::TempDir;

use super::*;
use crate::entry::{FactTime, QuarantineReason, TimeQuality, Verdict};

/// A ledger in memory.
#[derive(Clone, Default)]
pub(super) struct Entries {
    pub(super) list: Vec<Entry>,
    sequences: BTreeMap<String, u64>,
}

/// Views and their folder, in the order to drop them.
pub(super) struct InFolder(
    Views,
    #[expect(dead_code, reason = "removed at its drop")] TempDir,
);

impl std::ops::Deref for InFolder {
    type Target = Views;

    fn deref(&self) -> &Views {
        &self.0
    }
}

/// A counted period to be.
pub(super) struct Visit<'a> {
    pub(super) device: &'a str,
    pub(super) period: (Timestamp, Timestamp),
    pub(super) entered: u64,
    pub(super) flags: &'a [Flag],
    pub(super) quality: TimeQuality,
    pub(super) correction: SignedDuration,
    pub(super) received: Timestamp,
    pub(super) place: Option<(&'a Epoch, u64)>,
}

pub(super) fn visit(device: &str, period: (Timestamp, Timestamp), entered: u64) -> Visit<'_> {
    Visit {
        device,
        period,
        entered,
        flags: &[],
        quality: TimeQuality::Synced,
        correction: SignedDuration::ZERO,
        received: period.1,
        place: None,
    }
}

impl Entries {
    pub(super) fn visit(
        &mut self,
        device: &str,
        period: (Timestamp, Timestamp),
        n: u64,
        flags: &[Flag],
    ) {
        self.visit_of(Visit {
            flags,
            ..visit(device, period, n)
        });
    }

    pub(super) fn numbered(&mut self, device: &str, epoch: &Epoch, number: u64) {
        let start = at("2026-11-10T08:00:00+08:00");
        self.visit_of(Visit {
            place: Some((epoch, number)),
            ..visit(device, (start, start + SignedDuration::from_mins(1)), 1)
        });
    }

    pub(super) fn visit_of(&mut self, visit: Visit<'_>) {
        let fact = Fact::VisitCounted(VisitCounted {
            from: visit.period.0,
            to: visit.period.1,
            entered: visit.entered,
            left: visit.entered / 2,
            raw: None,
            flags: visit.flags.to_vec(),
        });
        let next = self.sequences.entry(visit.device.to_owned()).or_default();
        *next += 1;
        let own = (&Epoch::from_bits(77), *next);
        let (epoch, number) = visit.place.unwrap_or(own);
        let place = place(epoch, Stream::Visit, number);
        let time = FactTime {
            correction: visit.correction,
            quality: visit.quality,
        };
        self.accept(visit.device, place, fact, time, visit.received);
    }

    pub(super) fn dropped(
        &mut self,
        device: &str,
        epoch: &Epoch,
        number: u64,
        (from, to): (u64, u64),
    ) {
        let fact = Fact::OutboxDropped(OutboxDropped {
            stream: Stream::Visit,
            from,
            to,
            reason: "space".to_owned(),
        });
        let time = FactTime {
            correction: SignedDuration::ZERO,
            quality: TimeQuality::Synced,
        };
        let received = at("2026-11-10T08:00:00+08:00");
        let place = place(epoch, Stream::Receipt, number);
        self.accept(device, place, fact, time, received);
    }

    /// A fact that a device with a right clock wrote as it was received.
    pub(super) fn accept(
        &mut self,
        device: &str,
        place: Place,
        fact: Fact,
        time: FactTime,
        received: Timestamp,
    ) {
        self.accept_of((device, place), fact, (received, time), received);
    }

    /// A fact of a device at a place, with its time by that device's clock and how that is dated.
    pub(super) fn accept_of(
        &mut self,
        (device, place): (&str, Place),
        fact: Fact,
        (device_time, time): (Timestamp, FactTime),
        received: Timestamp,
    ) {
        let device: DeviceId = device.parse().unwrap();
        let moment = Moment {
            boot: "boot".parse::<Boot>().unwrap(),
            uptime: Uptime::new(Duration::from_secs(1)),
        };
        let event = Event::of_agent(device.clone(), place.clone(), moment, device_time, fact);
        let crc = crc32c::crc32c(event.to_json().as_bytes());
        self.push(
            device,
            Some(place),
            received,
            crc,
            |event| Verdict::Accepted { event, time },
            event,
        );
    }

    fn push(
        &mut self,
        device: DeviceId,
        place: Option<Place>,
        received: Timestamp,
        crc: u32,
        verdict: impl FnOnce(Box<Event>) -> Verdict,
        event: Event,
    ) {
        self.list.push(Entry {
            number: self.next(),
            crc,
            device,
            place,
            received,
            verdict: verdict(Box::new(event)),
        });
    }

    pub(super) fn quarantined(
        &mut self,
        device: &str,
        at_place: Option<(&Epoch, u64)>,
        reason: QuarantineReason,
    ) {
        self.list.push(Entry {
            number: self.next(),
            crc: 4711,
            device: device.parse().unwrap(),
            place: at_place.map(|(epoch, number)| place(epoch, Stream::Visit, number)),
            received: at("2026-11-10T08:00:00+08:00"),
            verdict: Verdict::Quarantined { reason },
        });
    }

    fn next(&self) -> EntryNumber {
        EntryNumber(i64::try_from(self.list.len()).unwrap() + 1)
    }

    /// Views in a folder of their own that goes with them.
    pub(super) fn views(&self, places: Places) -> InFolder {
        let folder = tempfile::tempdir().unwrap();
        InFolder(self.views_at(folder.path(), places), folder)
    }

    pub(super) fn views_at(&self, dir: &Path, places: Places) -> Views {
        let places = Arc::new(places);
        let source: PlacesSource = Arc::new(move || places.clone());
        let reader = Arc::new(Mutex::new(self.clone()));
        let views = Views::open(dir, reader, source, section(1_000)).unwrap();
        views.catch_up(&CancellationToken::new()).unwrap();
        views
    }
}

impl LedgerReader for Mutex<Entries> {
    fn head(&self) -> Result<Head, LedgerError> {
        Ok(head_of(&self.lock().unwrap().list))
    }

    fn entries_after(&self, after: EntryNumber, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        let after = usize::try_from(after.0).unwrap();
        let ledger = self.lock().unwrap();
        Ok(ledger
            .list
            .iter()
            .skip(after)
            .take(limit)
            .cloned()
            .collect())
    }

    fn crc_of(&self, number: EntryNumber) -> Result<Option<u32>, LedgerError> {
        let ledger = self.lock().unwrap();
        let found = ledger.list.iter().find(|entry| entry.number == number);
        Ok(found.map(|entry| entry.crc))
    }

    fn counted_before(
        &self,
        entry: EntryNumber,
        device: &DeviceId,
        fact: &EventId,
    ) -> Result<Option<Entry>, LedgerError> {
        let ledger = self.lock().unwrap();
        let is_it = |e: &&Entry| {
            let counted = e.verdict.counted();
            e.device == *device && counted.is_some_and(|(event, _)| event.id == *fact)
        };
        let mut before = ledger.list.iter().take_while(|e| e.number < entry);
        Ok(before.find(is_it).cloned())
    }
}
