//! A model of a library system: loans, blocks, limits, holds, and what it cannot show. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::LoanKind;

use super::dice::Dice;
use super::truth::{Deal, Reader, Thing};
use crate::desk::{
    Charged, Circulation, Errand, Profile, ReaderSeen, ReaderStanding, Sighting, Told, UnmovedDue,
    Words,
};

/// How long it lends, in seconds, from its own clock; and so do the machines.
pub(super) const PERIOD: i64 = 28 * 24 * 3_600;

/// How long it lends where it dates by days: shorter than the machines think.
const PERIOD_OF_DAYS: i64 = 21 * 24 * 3_600;

const DAY: i64 = 24 * 3_600;

/// What it lists of a reader's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    Barcodes,
    Titles,
    Nothing,
}

/// What it tells of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    All,
    NoDue,
    Nothing,
}

/// In what it dates loans it makes by its own rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    Seconds,
    /// A loan ends with its last day.
    Days,
}

impl Dates {
    /// What an unmoved date tells, as far as the library says so: nothing that is not true.
    pub(super) fn unmoved(self, dice: &mut Dice) -> UnmovedDue {
        let period = Duration::from_secs(PERIOD_OF_DAYS.unsigned_abs());
        match self {
            Self::Seconds => UnmovedDue::NotRenewed,
            Self::Days => dice.pick(&[UnmovedDue::Unclear, UnmovedDue::NotRenewedBefore(period)]),
        }
    }
}

/// What kind of library system it is.
#[derive(Debug, Clone)]
pub(super) struct Kind {
    pub(super) profile: Profile,
    pub(super) lists: Lists,
    pub(super) tells: Tells,
    /// Whether a loan is due when it is told to be, or a period from now.
    pub(super) honours_due: bool,
    pub(super) dates: Dates,
}

/// A loan in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Loan {
    pub(super) reader: Reader,
    pub(super) due: i64,
}

/// A library system.
pub(super) struct Ils {
    pub(super) kind: Kind,
    pub(super) loans: BTreeMap<Thing, Loan>,
    /// What was done with which thing: for a deal, by the desk; or on-line.
    pub(super) journal: Vec<(Thing, Option<(Deal, Errand)>)>,
    blocked: BTreeSet<Reader>,
    at_limit: BTreeSet<Reader>,
    unknown: BTreeSet<Reader>,
    pub(super) things: BTreeMap<Thing, Rules>,
}

/// What it thinks of a thing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    pub(super) is_unknown: bool,
    pub(super) is_not_renewed: bool,
    pub(super) held_for: Option<Reader>,
}

impl Ils {
    pub(super) fn new(kind: Kind, things: BTreeMap<Thing, Rules>, readers: &Readers) -> Self {
        Self {
            kind,
            loans: BTreeMap::new(),
            journal: Vec::new(),
            blocked: readers.blocked.clone(),
            at_limit: readers.at_limit.clone(),
            unknown: readers.unknown.clone(),
            things,
        }
    }

    /// What it shows of an item, and of a reader.
    pub(super) fn show(&self, thing: Thing, reader: Option<Reader>) -> Sighting {
        let rules = self.things[&thing];
        let loan = self.loans.get(&thing);
        let circulation = match (self.kind.tells, loan) {
            _ if rules.is_unknown => Circulation::NoSuchItem,
            (Tells::Nothing, _) => Circulation::Silent,
            (Tells::All | Tells::NoDue, Some(_)) => Circulation::OnLoan,
            (Tells::All | Tells::NoDue, None) if rules.held_for.is_some() => {
                Circulation::OnHoldShelf
            }
            (Tells::All | Tells::NoDue, None) => Circulation::In,
        };
        let due = loan
            .filter(|_| self.kind.tells == Tells::All)
            .map(|loan| at(loan.due));
        Sighting {
            circulation,
            due,
            reader: reader.map(|reader| self.show_reader(thing, reader)),
            words: None,
        }
    }

    fn show_reader(&self, thing: Thing, reader: Reader) -> ReaderSeen {
        let standing = if self.unknown.contains(&reader) {
            ReaderStanding::Unknown
        } else if self.blocked.contains(&reader) {
            ReaderStanding::Blocked
        } else if self.at_limit.contains(&reader) {
            ReaderStanding::AtLimit
        } else {
            ReaderStanding::Good
        };
        let has_any = self.loans.values().any(|loan| loan.reader == reader);
        let has_it = self
            .loans
            .get(&thing)
            .is_some_and(|loan| loan.reader == reader);
        let item = match self.kind.lists {
            Lists::Barcodes if has_it => Charged::Listed,
            Lists::Nothing if has_any => Charged::Withheld,
            Lists::Barcodes | Lists::Titles | Lists::Nothing => Charged::NotListed,
        };
        ReaderSeen { standing, item }
    }

    /// Asked on-line, by a self-checkout.
    pub(super) fn online(
        &mut self,
        deed: LoanKind,
        thing: Thing,
        reader: Reader,
        now: i64,
    ) -> bool {
        let due = self.due_from(now);
        self.journal.push((thing, None));
        match deed {
            LoanKind::Checkout => self.lend(thing, reader, due, false),
            LoanKind::Renew => self.renew(thing, reader, due, false),
            LoanKind::Checkin => {
                self.loans.remove(&thing);
                !self.things[&thing].is_unknown
            }
        }
    }

    /// Renewed by itself, or by the reader on a web page.
    pub(super) fn renews(&mut self, thing: Thing) {
        if let Some(loan) = self.loans.get_mut(&thing) {
            loan.due += 7 * DAY;
        }
    }

    /// Until when it lends by its own rules.
    pub(super) fn due_from(&self, now: i64) -> i64 {
        match self.kind.dates {
            Dates::Seconds => now + PERIOD,
            Dates::Days => {
                let due = now + PERIOD_OF_DAYS;
                due - due.rem_euclid(DAY) + DAY - 1
            }
        }
    }

    /// Told by the desk.
    pub(super) fn told(&mut self, deal: Deal, order: &Telling, now: i64) -> Told {
        let due = match (self.kind.honours_due, order.due) {
            (true, Some(due)) => due,
            (true, None) | (false, _) => self.due_from(now),
        };
        let no_block = order.no_block && self.kind.profile.honours_no_block();
        let is_done = match (order.errand.kind(), order.reader) {
            (LoanKind::Checkout, Some(reader)) => self.lend(order.thing, reader, due, no_block),
            (LoanKind::Renew, Some(reader)) => self.renew(order.thing, reader, due, no_block),
            (LoanKind::Checkin, _) => {
                self.loans.remove(&order.thing);
                !self.things[&order.thing].is_unknown
            }
            (LoanKind::Checkout | LoanKind::Renew, None) => false,
        };
        if is_done {
            self.journal.push((order.thing, Some((deal, order.errand))));
        }
        let words = Words::new(if is_done { "" } else { "不允许" });
        Told { is_done, words }
    }

    fn lend(&mut self, thing: Thing, reader: Reader, due: i64, no_block: bool) -> bool {
        let rules = self.things[&thing];
        let is_out = self
            .loans
            .get(&thing)
            .is_some_and(|loan| loan.reader != reader);
        let is_barred = self.blocked.contains(&reader) || self.at_limit.contains(&reader);
        let is_kept = rules.held_for.is_some_and(|holder| holder != reader);
        let is_refused = rules.is_unknown || self.unknown.contains(&reader);
        if is_refused || (!no_block && (is_out || is_barred || is_kept)) {
            return false;
        }
        self.loans.insert(thing, Loan { reader, due });
        true
    }

    fn renew(&mut self, thing: Thing, reader: Reader, due: i64, no_block: bool) -> bool {
        let is_barred = self.things[&thing].is_not_renewed || self.blocked.contains(&reader);
        match self.loans.get_mut(&thing) {
            Some(loan) if loan.reader == reader && (no_block || !is_barred) => {
                loan.due = due;
                true
            }
            Some(_) | None => false,
        }
    }
}

/// What the desk tells, in the model's words.
pub(super) struct Telling {
    pub(super) errand: Errand,
    pub(super) thing: Thing,
    pub(super) reader: Option<Reader>,
    pub(super) due: Option<i64>,
    pub(super) no_block: bool,
}

/// Readers it does not lend to.
#[derive(Debug, Clone, Default)]
pub(super) struct Readers {
    pub(super) blocked: BTreeSet<Reader>,
    pub(super) at_limit: BTreeSet<Reader>,
    pub(super) unknown: BTreeSet<Reader>,
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}
