//! The judge: gives each element its verdict, once, and writes it down in the same transaction.
//! It knows a [`LedgerTransaction`] and no database.

pub(crate) mod admit;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lujiang_broker::Kept;
use lujiang_wire::{DeviceId, Epoch, Event, EventId, Fact, Place, Stream, VisitCounted};

use crate::entry::{EntryNumber, FactTime, QuarantineReason};
use crate::intake::counters::Tally;
use crate::intake::payload::{Candidate, NotRead, Payload, Reading, Sealed};
use crate::intake::{CommittedGroup, IntakeRules, dating, excerpt};
use crate::ledger::{Aside, AtPlace, Digest, Draft, LedgerError, LedgerTransaction, Outcome};
use crate::seal::Seals;

/// What one transaction made of its payloads.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// One for each payload, in order.
    pub(crate) kept: Vec<Kept>,
    /// For those who are told.
    pub(crate) group: CommittedGroup,
    /// For the metrics.
    pub(crate) tally: Tally,
}

/// Judges and writes.
///
/// # Errors
/// Where the database fails; the transaction must then be undone.
pub(crate) fn judge_group(
    tx: &mut dyn LedgerTransaction,
    rules: &IntakeRules,
    seals: &Seals,
    payloads: &[Payload],
) -> Result<Judgement, LedgerError> {
    let mut judge = Judge::new(tx, rules, seals);
    for payload in payloads {
        let mut kept = Kept::Committed;
        for candidate in &payload.elements {
            match judge.element(payload, candidate)? {
                Made::Repeated => judge.judgement.tally.repeated += 1,
                Made::Accepted | Made::Aside => {}
                Made::NoRoomAside => kept = Kept::QuarantineFull,
            }
        }
        judge.judgement.kept.push(kept);
    }
    judge.settle()?;
    Ok(judge.judgement)
}

/// A stream of one life of a device's outbox.
type Line = (DeviceId, Epoch, Stream);

struct Judge<'a> {
    tx: &'a mut dyn LedgerTransaction,
    rules: &'a IntakeRules,
    seals: &'a Seals,
    /// Streams with a new entry, and the newest of them.
    touched: BTreeMap<Line, EntryNumber>,
    judgement: Judgement,
}

/// What was made of an element.
enum Made {
    Accepted,
    Repeated,
    Aside,
    /// Nothing was written of this element; the device is to send it again.
    NoRoomAside,
}

/// Whether an event is new to the ledger.
enum Standing {
    New,
    Repeat,
    /// The id, or the place, belongs to other content; which attribute says so.
    Taken(&'static str),
}

/// Why an element is kept aside, and what is known of it.
struct Complaint<'a> {
    reason: QuarantineReason,
    place: Option<&'a Place>,
    event_type: Option<String>,
    error_place: String,
    expected: String,
    /// Of the content, where it was understood; a repeat is known by it.
    digest: Option<Digest>,
}

impl<'a> Judge<'a> {
    fn new(tx: &'a mut dyn LedgerTransaction, rules: &'a IntakeRules, seals: &'a Seals) -> Self {
        Self {
            tx,
            rules,
            seals,
            touched: BTreeMap::new(),
            judgement: Judgement::default(),
        }
    }

    fn element(&mut self, payload: &Payload, candidate: &Candidate) -> Result<Made, LedgerError> {
        let sealed = match &candidate.reading {
            Reading::Nothing(not_read) => {
                return self.set_aside(payload, candidate, not_read.into());
            }
            Reading::Event(sealed) => sealed,
        };
        let event = &sealed.event;
        if event.source != payload.device {
            // Its id belongs to another device's names; its place is taken here all the same.
            if let Some(place) = &event.place
                && self.tx.at_place(&payload.device, place, sealed.digest)? == AtPlace::Same
            {
                return Ok(Made::Repeated);
            }
            let complaint = Complaint::new(
                QuarantineReason::ForeignSource,
                sealed,
                "source",
                "/devices/ and the name of the connected device".to_owned(),
            );
            return self.set_aside(payload, candidate, complaint);
        }
        match self.standing(&payload.device, sealed)? {
            Standing::Repeat => Ok(Made::Repeated),
            Standing::Taken(attribute) => {
                let complaint = Complaint::new(
                    QuarantineReason::IdConflict,
                    sealed,
                    attribute,
                    "one that was not used before with other content".to_owned(),
                );
                self.set_aside(payload, candidate, complaint)
            }
            Standing::New => match implausibility(event.fact(), self.rules) {
                Some(expected) => {
                    let complaint =
                        Complaint::new(QuarantineReason::Implausible, sealed, "data", expected);
                    self.set_aside(payload, candidate, complaint)
                }
                None => self.accept(payload, sealed),
            },
        }
    }

    /// Whether the ledger knows this event, its id or its place.
    fn standing(&mut self, device: &DeviceId, sealed: &Sealed) -> Result<Standing, LedgerError> {
        let event = &sealed.event;
        let at_place = match &event.place {
            Some(place) => self.tx.at_place(device, place, sealed.digest)?,
            None => AtPlace::Nothing,
        };
        if at_place == AtPlace::Same {
            return Ok(Standing::Repeat);
        }
        if let Some(found) = self.tx.digest_of_id(device, &event.id)? {
            return Ok(match found == sealed.digest {
                true => Standing::Repeat,
                false => Standing::Taken("id"),
            });
        }
        if at_place == AtPlace::Other {
            return Ok(Standing::Taken("sequence"));
        }
        if let Some(place) = &event.place {
            let number = place.sequence.get();
            let given_up = self
                .tx
                .given_up_through(device, &place.epoch, place.stream, number)?;
            if given_up.is_some() {
                return Ok(Standing::Taken("sequence"));
            }
            let through = self.tx.through(device, &place.epoch, place.stream)?;
            if through.is_some_and(|through| number <= through) {
                // Settled, and the entry itself is in an archive: it was here.
                return Ok(Standing::Repeat);
            }
        }
        // The id may be that of a place, without standing there.
        if let Some(place) = place_of_id(&event.id)
            && event.place.as_ref() != Some(&place)
            && self.tx.at_place(device, &place, sealed.digest)? != AtPlace::Nothing
        {
            return Ok(Standing::Taken("id"));
        }
        Ok(Standing::New)
    }

    fn accept(&mut self, payload: &Payload, sealed: &Sealed) -> Result<Made, LedgerError> {
        let event = &sealed.event;
        let time = self.date(&payload.device, payload.received, event)?;
        let number = self.tx.append(Draft {
            device: payload.device.clone(),
            received: payload.received,
            place: event.place.clone(),
            outcome: Outcome::Accepted {
                body: sealed.body.clone(),
                time,
            },
            digest: sealed.digest,
        })?;
        self.keep_id(&payload.device, sealed, number)?;
        self.touch(&payload.device, event.place.as_ref(), number);
        self.beside(&payload.device, sealed, number, number)?;
        Ok(Made::Accepted)
    }

    /// What stands beside an entry that counts: its person, and the numbers it gives up; and who
    /// is told. `heard` is the entry by which the life of the outbox was heard of.
    fn beside(
        &mut self,
        device: &DeviceId,
        sealed: &Sealed,
        number: EntryNumber,
        heard: EntryNumber,
    ) -> Result<(), LedgerError> {
        let event = &sealed.event;
        if let Some(person) = &sealed.person {
            self.tx.keep_person(number, person)?;
        }
        if let (Fact::OutboxDropped(dropped), Some(place)) = (event.fact(), &event.place) {
            let range = (dropped.from, dropped.to);
            self.tx
                .give_up(device, &place.epoch, dropped.stream, range, number)?;
            let line = (device.clone(), place.epoch.clone(), dropped.stream);
            self.touched.insert(line, heard);
        }
        self.judgement.tally.accepted += 1;
        let told = (device.clone(), sealed.body.clone());
        self.judgement.group.sealed.push(told);
        Ok(())
    }

    fn date(
        &mut self,
        device: &DeviceId,
        received: Timestamp,
        event: &Event,
    ) -> Result<FactTime, LedgerError> {
        if let Some(moment) = &event.moment
            && let Some(measured) = self.tx.measurement(device, &moment.boot)?
        {
            return Ok(dating::by_measurement(event.time, moment.uptime, &measured));
        }
        Ok(dating::without_measurement(event, received, self.rules))
    }

    fn set_aside(
        &mut self,
        payload: &Payload,
        candidate: &Candidate,
        complaint: Complaint<'_>,
    ) -> Result<Made, LedgerError> {
        let raw = self.seals.keyed_digest(&candidate.raw);
        if self.tx.is_aside(&payload.device, raw)? {
            return Ok(Made::Repeated);
        }
        let bytes = candidate.raw.len() as u64;
        let used = self.tx.quarantine_use(&payload.device)?;
        if used.rows >= self.rules.quarantine_rows_max
            || used.bytes + bytes > self.rules.quarantine_bytes_max.as_u64()
        {
            return Ok(Made::NoRoomAside);
        }
        let number = self.tx.append(Draft {
            device: payload.device.clone(),
            received: payload.received,
            place: complaint.place.cloned(),
            outcome: Outcome::Quarantined {
                reason: complaint.reason,
            },
            digest: complaint.digest.unwrap_or(raw),
        })?;
        let aside = Aside {
            event_type: complaint.event_type,
            reason: complaint.reason,
            error_place: complaint.error_place,
            expected: complaint.expected,
            excerpt: excerpt::excerpt(&candidate.raw),
            bytes,
            raw,
            sealed: self.seals.seal_quarantined(&candidate.raw),
        };
        self.tx
            .keep_aside(number, &payload.device, payload.received, &aside)?;
        match (complaint.reason, &candidate.reading) {
            (QuarantineReason::Implausible, Reading::Event(sealed)) => {
                self.keep_id(&payload.device, sealed, number)?;
            }
            // The others have no id, another's id, or one that is taken.
            (_, Reading::Event(_) | Reading::Nothing(_)) => {}
        }
        self.touch(&payload.device, complaint.place, number);
        let told = (payload.device.clone(), complaint.reason);
        self.judgement.group.quarantined.push(told);
        Ok(Made::Aside)
    }

    /// Remembers an id, unless it is that of its place and so remembered already.
    fn keep_id(
        &mut self,
        device: &DeviceId,
        sealed: &Sealed,
        number: EntryNumber,
    ) -> Result<(), LedgerError> {
        if sealed.has_id_of_place() {
            return Ok(());
        }
        self.tx
            .keep_id(device, &sealed.event.id, sealed.digest, number)
    }

    fn touch(&mut self, device: &DeviceId, place: Option<&Place>, number: EntryNumber) {
        if let Some(place) = place {
            let line = (device.clone(), place.epoch.clone(), place.stream);
            self.touched.insert(line, number);
        }
    }

    /// Moves the end of what is settled over what has come, and what will never come.
    fn settle(&mut self) -> Result<(), LedgerError> {
        let mut moved = BTreeSet::new();
        for ((device, epoch, stream), last) in std::mem::take(&mut self.touched) {
            let before = self.tx.through(&device, &epoch, stream)?.unwrap_or(0);
            let mut through = before;
            loop {
                through = self.tx.run_end(&device, &epoch, stream, through)?;
                match self
                    .tx
                    .given_up_through(&device, &epoch, stream, through + 1)?
                {
                    Some(end) if end > through => through = end,
                    // Nothing beyond, or the end of all numbers.
                    Some(_) | None => break,
                }
            }
            self.tx.settle(&device, &epoch, stream, through, last)?;
            if through > before {
                moved.insert((device, epoch));
            }
        }
        for (device, epoch) in moved {
            // An earlier life may still fill its holes; nobody waits for its receipts.
            if let Some(receipts) = self.tx.receipts(&device)?
                && receipts.epoch == epoch
            {
                self.judgement.group.moved.push((device, receipts));
            }
        }
        Ok(())
    }
}

impl<'a> Complaint<'a> {
    fn new(
        reason: QuarantineReason,
        sealed: &'a Sealed,
        error_place: &str,
        expected: String,
    ) -> Self {
        Self {
            reason,
            place: sealed.event.place.as_ref(),
            event_type: Some(sealed.event.fact().event_type().as_str().to_owned()),
            error_place: error_place.to_owned(),
            expected,
            digest: Some(sealed.digest),
        }
    }
}

impl<'a> From<&'a NotRead> for Complaint<'a> {
    fn from(not_read: &'a NotRead) -> Self {
        Self {
            reason: not_read.reason,
            place: not_read.place.as_ref(),
            event_type: not_read.event_type.clone(),
            error_place: not_read.error_place.clone(),
            expected: not_read.expected.clone(),
            digest: None,
        }
    }
}

/// The place an id of an agent's form names.
fn place_of_id(id: &EventId) -> Option<Place> {
    let mut parts = id.as_str().splitn(3, '-');
    Some(Place {
        epoch: parts.next()?.parse().ok()?,
        stream: parts.next()?.parse().ok()?,
        sequence: parts.next()?.parse().ok()?,
    })
}

/// What would have been believed, where a fact is more than can happen.
fn implausibility(fact: &Fact, rules: &IntakeRules) -> Option<String> {
    match fact {
        Fact::VisitCounted(counted) => {
            let most = rules.visits_per_minute_max;
            (persons_per_minute_exceed(counted, most))
                .then(|| format!("at most {most} persons a minute"))
        }
        Fact::LoanCheckout(_) | Fact::LoanRenew(_) | Fact::LoanCheckin(_) => None,
        Fact::LoanUndone(_) => None,
        Fact::CardIssued(_) | Fact::KioskUsed(_) => None,
        Fact::ContentInstalled(_) | Fact::ContentRemoved(_) | Fact::ContentFailed(_) => None,
        Fact::StopOpened(_) | Fact::StopClosed(_) | Fact::OutboxDropped(_) => None,
        Fact::PaymentUnresolved(_) => None,
    }
}

/// Whether more walked through than could. A period shorter than a minute is allowed a minute's
/// worth: whoever is read often is not refused for a group that came at once.
fn persons_per_minute_exceed(counted: &VisitCounted, most: u32) -> bool {
    const MINUTE_MILLIS: i128 = 60_000;
    let period = counted.to.duration_since(counted.from).as_millis();
    let persons = i128::from(counted.entered) + i128::from(counted.left);
    persons * MINUTE_MILLIS > i128::from(most) * period.max(MINUTE_MILLIS)
}
