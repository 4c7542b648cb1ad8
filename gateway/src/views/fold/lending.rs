//! What the facts of lending change: counts of a day, the persons who borrowed, stops of the bus,
//! payments nobody confirmed.
//!
//! Only what was granted counts. An undone fact takes away where it had been added. What a bus
//! carries is lent to its own card and returned from there without anybody borrowing: it counts
//! nowhere.

use jiff::Timestamp;
use lujiang_wire::{
    CardIssued, Label, LoanCancelled, LoanCheckin, LoanCheckout, LoanKind, LoanUndone,
    PaymentUnresolved, StopClosed, StopOpened, is_load,
};

use super::{Changes, Edit};
use crate::entry::{Entry, EntryNumber, FactTime, TimeQuality};
use crate::views::calendar::second_of;
use crate::views::key::Key;
use crate::views::lent::{Closed, LoanCounts, Opened};
use crate::views::payments::Payment;
use crate::views::report::Bucket;

/// When something happened, and when it was heard of.
#[derive(Debug, Clone, Copy)]
pub(super) struct When {
    /// By the device's clock.
    pub(super) device_time: Timestamp,
    /// How that is corrected.
    pub(super) time: FactTime,
    /// When it was received.
    pub(super) received: Timestamp,
}

impl When {
    /// Of a fact that counts.
    pub(super) fn of(entry: &Entry) -> Option<Self> {
        let (event, time) = entry.verdict.counted()?;
        Some(Self {
            device_time: event.time,
            time,
            received: entry.received,
        })
    }

    /// The second it happened in; none where that is not known.
    fn second(&self) -> Option<i64> {
        match self.time.quality {
            TimeQuality::Synced | TimeQuality::Estimated => {
                Some(second_of(self.time.correct(self.device_time)))
            }
            TimeQuality::Unknown => None,
        }
    }

    /// The second it is put under.
    fn placed(&self) -> i64 {
        self.second().unwrap_or_else(|| second_of(self.received))
    }
}

const LENT: LoanCounts = LoanCounts {
    checkouts: 1,
    in_blocks: 0,
    renewals: 0,
    checkins: 0,
    cards: 0,
};

const RENEWED: LoanCounts = LoanCounts {
    checkouts: 0,
    renewals: 1,
    ..LENT
};

const TAKEN_BACK: LoanCounts = LoanCounts {
    checkouts: 0,
    checkins: 1,
    ..LENT
};

const CARD: LoanCounts = LoanCounts {
    checkouts: 0,
    cards: 1,
    ..LENT
};

fn counts_of(kind: LoanKind) -> LoanCounts {
    match kind {
        LoanKind::Checkout => LENT,
        LoanKind::Renew => RENEWED,
        LoanKind::Checkin => TAKEN_BACK,
    }
}

impl Changes<'_> {
    /// An item lent, or refused.
    pub(super) fn checkout(&mut self, loan: &LoanCheckout, when: When) {
        if !loan.outcome.ok || is_load(loan.block.as_ref()) {
            return;
        }
        if let Some(cancelled) = &loan.cancels {
            return self.cancelled(cancelled, when);
        }
        let counts = LoanCounts {
            in_blocks: i64::from(loan.block.is_some()),
            ..LENT
        };
        self.lend(counts, loan.stop.as_ref(), when);
        self.borrow(&loan.session, 1, when);
    }

    /// An item lent on.
    pub(super) fn renewal(&mut self, loan: &LoanCheckout, when: When) {
        match &loan.cancels {
            _ if !loan.outcome.ok || is_load(loan.block.as_ref()) => {}
            // A return that failed is cancelled by a loan; to who has it still, that is a renewal.
            Some(cancelled) => self.cancelled(cancelled, when),
            None => self.lend(RENEWED, loan.stop.as_ref(), when),
        }
    }

    /// An item taken back.
    pub(super) fn checkin(&mut self, loan: &LoanCheckin, when: When) {
        match &loan.cancels {
            _ if !loan.outcome.ok || is_load(loan.block.as_ref()) => {}
            Some(cancelled) => self.cancelled(cancelled, when),
            None => self.lend(TAKEN_BACK, loan.stop.as_ref(), when),
        }
    }

    /// What failed at a machine is taken away; its opposite is none.
    fn cancelled(&mut self, cancelled: &LoanCancelled, when: When) {
        let Some(failed) = &cancelled.failed else {
            return;
        };
        let when = self.where_added(failed.at, when);
        if failed.kind == LoanKind::Checkout {
            self.borrow(&failed.session, -1, when);
        }
        self.lend(counts_of(failed.kind).negative(), None, when);
    }

    /// A loan, renewal or return that did not happen after all.
    pub(super) fn undone(&mut self, undone: &LoanUndone, when: When) {
        if is_load(undone.block.as_ref()) {
            return;
        }
        let when = self.where_added(undone.at, when);
        let mut counts = counts_of(undone.kind);
        if undone.kind == LoanKind::Checkout {
            self.borrow(&undone.session, -1, when);
            counts.in_blocks = i64::from(undone.block.is_some());
        }
        self.lend(counts.negative(), undone.stop.as_ref(), when);
    }

    /// When that was which is taken back: as it was counted, whatever became of the device's clock
    /// since. Where it did not count before this, by its own word.
    fn where_added(&self, device_time: Timestamp, when: When) -> When {
        let said = When {
            device_time,
            ..when
        };
        self.taken_back.unwrap_or(said)
    }

    /// A card issued.
    pub(super) fn card(&mut self, card: &CardIssued, when: When) {
        if card.outcome.ok {
            self.lend(CARD, None, when);
        }
    }

    /// The bus opened.
    pub(super) fn stop_opened(&mut self, stop: &StopOpened, when: When) {
        let opened = Opened {
            at: when.placed(),
            is_dated: when.second().is_some(),
            place: stop.place.clone(),
            unit: stop.unit.clone(),
            occasion: stop.occasion.clone(),
            volumes: stop.volumes,
        };
        let key = Key::Stop(self.device.clone(), stop.stop.clone());
        self.push(key, Edit::OpenStop(opened));
    }

    /// The bus closed.
    pub(super) fn stop_closed(&mut self, stop: &StopClosed, when: When) {
        let closed = Closed {
            at: when.placed(),
            participants: stop.participants,
            volumes: stop.volumes,
        };
        let key = Key::Stop(self.device.clone(), stop.stop.clone());
        self.push(key, Edit::CloseStop(closed));
    }

    /// A payment nobody confirmed.
    pub(super) fn payment(&mut self, paid: &PaymentUnresolved, when: When, entry: EntryNumber) {
        let payment = Payment {
            at: when.placed(),
            is_dated: when.second().is_some(),
            amount: paid.amount.clone(),
            currency: paid.currency.clone(),
            session: paid.session.clone(),
        };
        let key = Key::Payment(self.device.clone(), entry.0.unsigned_abs());
        self.push(key, Edit::Pay(payment));
    }

    fn lend(&mut self, counts: LoanCounts, stop: Option<&Label>, when: When) {
        let hour = when
            .second()
            .map(|second| self.calendar.start(Bucket::Hour, second));
        let day = self.calendar.start(Bucket::Day, when.placed());
        let key = Key::Loans(self.device.clone(), day);
        self.push(key, Edit::Lend { hour, counts });
        if let Some(stop) = stop {
            let key = Key::Stop(self.device.clone(), stop.clone());
            self.push(key, Edit::LendAtStop(counts));
        }
    }

    fn borrow(&mut self, session: &Label, items: i64, when: When) {
        let hour = when
            .second()
            .map(|second| self.calendar.start(Bucket::Hour, second));
        let day = self.calendar.start(Bucket::Day, when.placed());
        let key = Key::Borrower(self.device.clone(), day, session.clone());
        self.push(key, Edit::Borrow { hour, items });
    }
}
