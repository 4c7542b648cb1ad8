//! What an entry of the ledger changes in the views: a pure function of the entry and the
//! library's calendar, and of the entry it takes back, if it does. The verdict and the corrected
//! time are the ledger's; nothing is judged.

mod lending;

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Event, Fact, Flag, OutboxDropped, Place, VisitCounted};

use crate::entry::{Entry, FactTime, QuarantineReason, TimeQuality, Verdict};
use crate::views::calendar::{Calendar, second_after, second_of};
use crate::views::key::{BLOCK, Key, WideUnit};
use crate::views::lent::{Closed, LoanCounts, Opened};
use crate::views::payments::Payment;
use crate::views::record::Counts;
use crate::views::report::Bucket;
use lending::When;

/// Longest coverage one period can claim, in seconds: 31 days, longer than any bus is away. A
/// period beyond it counts, but nobody is believed to have watched for longer without a word.
const COVERED_MAX: i64 = 31 * 24 * 3_600;

/// Longest period that belongs to the hour its middle falls in, in seconds. Agents cut their
/// periods at their own clock's full hours, which are not exactly ours.
const HOURLY_MAX: i64 = 3_600;

/// One record changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// Which.
    pub(crate) key: Key,
    /// How.
    pub(crate) edit: Edit,
}

/// How a record changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Edit {
    /// Counts of an hour of the day.
    Hour {
        /// Its first second.
        start: i64,
        /// To be added.
        counts: Counts,
    },
    /// Counts of the day, hour unknown.
    Day(Counts),
    /// Counts without a time.
    Undated(Counts),
    /// Counts of a larger unit.
    Wide(Counts),
    /// Somebody watched, within the day.
    Cover {
        /// First second.
        from: i64,
        /// First second no longer.
        until: i64,
    },
    /// A period had this flag.
    Flag(String),
    /// This sequence number is in the ledger.
    Receive(u64),
    /// These sequence numbers will never come.
    GiveUp {
        /// First.
        from: u64,
        /// Last.
        to: u64,
    },
    /// A life of an outbox was heard of, in an accepted fact.
    Accepted(u64),
    /// A life of an outbox was heard of, in something quarantined.
    Heard(u64),
    /// A fact was accepted.
    CountFact {
        /// When it was received.
        received: Timestamp,
        /// The first second it covers, if any.
        covers: Option<i64>,
    },
    /// An element was quarantined.
    CountQuarantined(QuarantineReason),
    /// Items were lent, lent on or taken back.
    Lend {
        /// The first second of the hour, if it is known.
        hour: Option<i64>,
        /// To be added.
        counts: LoanCounts,
    },
    /// A person borrowed items.
    Borrow {
        /// The first second of the hour, if it is known.
        hour: Option<i64>,
        /// How many; fewer where they were undone.
        items: i64,
    },
    /// The bus opened.
    OpenStop(Opened),
    /// The bus closed.
    CloseStop(Closed),
    /// Items were lent or taken back at a stop.
    LendAtStop(LoanCounts),
    /// A payment was not confirmed.
    Pay(Payment),
}

/// What `entry` changes; `taken_back` is what it takes back, where that counted before it.
pub(crate) fn fold(entry: &Entry, taken_back: Option<&Entry>, calendar: &Calendar) -> Vec<Change> {
    let mut changes = Changes {
        device: &entry.device,
        calendar,
        taken_back: taken_back.and_then(When::of),
        list: Vec::new(),
    };
    let heard = entry.number.0.unsigned_abs();
    match (&entry.verdict, &entry.place) {
        (Verdict::Accepted { .. }, Some(place)) => changes.place(place, Edit::Accepted(heard)),
        (Verdict::Quarantined { .. }, Some(place)) => changes.place(place, Edit::Heard(heard)),
        // The quarantined entry took its place when it came, and nothing was heard since.
        (Verdict::Admitted { .. }, _) | (_, None) => {}
    }
    if let Verdict::Quarantined { reason } = &entry.verdict {
        changes.tally(Edit::CountQuarantined(*reason));
    }
    if let Some((event, time)) = entry.verdict.counted() {
        let received = entry.received;
        let covers = changes.fact(event, time, entry);
        changes.tally(Edit::CountFact { received, covers });
    }
    changes.list
}

struct Changes<'a> {
    device: &'a DeviceId,
    calendar: &'a Calendar,
    /// When that was which is taken back.
    taken_back: Option<When>,
    list: Vec<Change>,
}

/// A counted period in corrected time.
struct Period {
    /// First second.
    from: i64,
    /// First second no longer.
    until: i64,
    /// The second its middle lies in.
    middle: i64,
    /// The last second of it.
    last: i64,
}

impl Period {
    fn of(visit: &VisitCounted, time: FactTime) -> Self {
        let (from, to) = (time.correct(visit.from), time.correct(visit.to));
        let middle = (from.as_nanosecond() + to.as_nanosecond()).div_euclid(2);
        let middle = Timestamp::from_nanosecond(middle).unwrap_or(from);
        let until = second_after(to);
        Self {
            from: second_of(from),
            until,
            middle: second_of(middle),
            last: until - 1,
        }
    }
}

impl Changes<'_> {
    /// A number is taken, whatever became of what stood there.
    fn place(&mut self, place: &Place, heard: Edit) {
        let number = place.sequence.get();
        let (device, epoch) = (self.device.clone(), place.epoch.clone());
        let block = Key::Received(device.clone(), epoch.clone(), place.stream, number / BLOCK);
        self.push(block, Edit::Receive(number));
        self.push(Key::Life(device, epoch), heard);
    }

    /// A fact that counts; returns the first second it covers.
    fn fact(&mut self, event: &Event, time: FactTime, entry: &Entry) -> Option<i64> {
        let when = When {
            device_time: event.time,
            time,
            received: entry.received,
        };
        match event.fact() {
            Fact::VisitCounted(visit) => return self.visit(visit, time, entry.received),
            Fact::OutboxDropped(dropped) => self.dropped(dropped, entry),
            Fact::LoanCheckout(loan) => self.checkout(loan, when),
            Fact::LoanRenew(loan) => self.renewal(loan, when),
            Fact::LoanCheckin(loan) => self.checkin(loan, when),
            Fact::LoanUndone(undone) => self.undone(undone, when),
            Fact::CardIssued(card) => self.card(card, when),
            Fact::StopOpened(stop) => self.stop_opened(stop, when),
            Fact::StopClosed(stop) => self.stop_closed(stop, when),
            Fact::PaymentUnresolved(payment) => self.payment(payment, when, entry.number),
            // Of these only their numbers are kept here.
            Fact::KioskUsed(_) | Fact::ContentInstalled(_) => {}
            Fact::ContentRemoved(_) | Fact::ContentFailed(_) => {}
        }
        None
    }

    /// Numbers an outbox gave up; a plain device has none.
    fn dropped(&mut self, dropped: &OutboxDropped, entry: &Entry) {
        let Some(place) = &entry.place else { return };
        let (device, epoch) = (self.device.clone(), place.epoch.clone());
        let number = entry.number.0.unsigned_abs();
        let (from, to) = (dropped.from, dropped.to);
        let key = Key::GivenUp(device, epoch, dropped.stream, number);
        self.push(key, Edit::GiveUp { from, to });
    }

    /// Puts a count where it belongs; returns the first second it covers.
    fn visit(&mut self, visit: &VisitCounted, time: FactTime, received: Timestamp) -> Option<i64> {
        let counts = counts_of(visit);
        let is_dated = match time.quality {
            TimeQuality::Synced | TimeQuality::Estimated => true,
            TimeQuality::Unknown => false,
        };
        if !is_dated {
            let day = self.calendar.start(Bucket::Day, second_of(received));
            self.push(Key::Day(self.device.clone(), day), Edit::Undated(counts));
            self.flags(visit, day);
            return None;
        }
        let period = Period::of(visit, time);
        self.count(visit, &period, counts);
        self.flags(visit, self.calendar.start(Bucket::Day, period.last));
        if !visit.is_observed() {
            return None;
        }
        // It ends in the second the next one begins in, so that nothing lies between them.
        let end = second_of(time.correct(visit.to));
        self.cover(period.from, end);
        (period.from < end).then_some(period.from)
    }

    fn count(&mut self, visit: &VisitCounted, period: &Period, counts: Counts) {
        let device = self.device.clone();
        if visit.is_observed() && is_hourly(visit) {
            let start = self.calendar.start(Bucket::Hour, period.middle);
            return self.count_hour(start, counts);
        }
        if visit.flags.contains(&Flag::FromUnknown) {
            // Its beginning says nothing; it is found by its end.
            let key = Key::Wide(device, WideUnit::Beyond, period.last);
            return self.push(key, Edit::Wide(counts));
        }
        let (key, edit) = match self.calendar.smallest(period.from, period.until) {
            Some((Bucket::Hour, start)) => return self.count_hour(start, counts),
            Some((Bucket::Day, start)) => (Key::Day(device, start), Edit::Day(counts)),
            Some((Bucket::Month, start)) => (
                Key::Wide(device, WideUnit::Month, start),
                Edit::Wide(counts),
            ),
            Some((Bucket::Year, start)) => {
                (Key::Wide(device, WideUnit::Year, start), Edit::Wide(counts))
            }
            None => (
                Key::Wide(device, WideUnit::Beyond, period.from),
                Edit::Wide(counts),
            ),
        };
        self.push(key, edit);
    }

    fn count_hour(&mut self, start: i64, counts: Counts) {
        let day = self.calendar.start(Bucket::Day, start);
        let key = Key::Day(self.device.clone(), day);
        self.push(key, Edit::Hour { start, counts });
    }

    /// Coverage, cut at the days.
    fn cover(&mut self, from: i64, until: i64) {
        let until = until.min(from.saturating_add(COVERED_MAX));
        let mut from = from;
        while from < until {
            let day = self.calendar.start(Bucket::Day, from);
            let end = until.min(self.calendar.next(Bucket::Day, day));
            let key = Key::Day(self.device.clone(), day);
            self.push(key, Edit::Cover { from, until: end });
            from = end;
        }
    }

    fn flags(&mut self, visit: &VisitCounted, day: i64) {
        for flag in &visit.flags {
            let key = Key::Flags(self.device.clone(), day);
            self.push(key, Edit::Flag(name_of(flag)));
        }
    }

    fn tally(&mut self, edit: Edit) {
        self.push(Key::Tally(self.device.clone()), edit);
    }

    fn push(&mut self, key: Key, edit: Edit) {
        self.list.push(Change { key, edit });
    }
}

/// A visit is a person who physically enters (NISO Z39.7 §7.1).
fn counts_of(visit: &VisitCounted) -> Counts {
    Counts {
        entered: visit.entered,
        left: visit.left,
        visits: visit.entered,
    }
}

fn is_hourly(visit: &VisitCounted) -> bool {
    let length = visit.to.duration_since(visit.from);
    length <= jiff::SignedDuration::from_secs(HOURLY_MAX)
}

/// The flag as it stands on the wire.
fn name_of(flag: &Flag) -> String {
    match flag {
        Flag::Rollover => "rollover".to_owned(),
        Flag::Reset => "reset".to_owned(),
        Flag::Recovered => "recovered".to_owned(),
        Flag::Implausible => "implausible".to_owned(),
        Flag::Merged => "merged".to_owned(),
        Flag::FromUnknown => "from-unknown".to_owned(),
        Flag::Other(name) => name.clone(),
    }
}
