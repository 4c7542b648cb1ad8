//! What happens at the desks of a library, undone and cancelled under whatever clock, and the ledger
//! that comes of it.

use lujiang_wire::{
    EventId, Fact, Label, LoanCancelled, LoanCheckin, LoanCheckout, LoanFailed, LoanKind,
    LoanUndone, Mode, Outcome,
};
use proptest::prelude::*;

use super::*;
use crate::entry::FactTime;

/// Minutes after which something is taken back: on another day.
const TAKEN_BACK_AFTER: i64 = 26 * 60;

pub(super) const DEVICES: [&str; 3] = ["desk-main", "bus-1", "desk-branch"];

/// One thing that happens at a device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    pub(super) device: usize,
    pub(super) what: What,
    /// Minutes after the beginning.
    pub(super) minute: i64,
    pub(super) session: u8,
    /// How the device's clock was at it, and when it was taken back: set, or another boot's.
    pub(super) clocks: [Clock; 2],
    pub(super) is_granted: bool,
    pub(super) in_block: bool,
    /// Whether it is of what the bus carries.
    pub(super) is_load: bool,
    /// Whether it is undone.
    pub(super) is_undone: bool,
    /// Whether the machine cancels it, by its opposite.
    pub(super) is_cancelled: bool,
}

/// How wrong a device's clock is, and whether its boot was measured.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// Minutes it is behind.
    pub(super) behind: i64,
    pub(super) is_measured: bool,
}

pub(super) const RIGHT: Clock = Clock {
    behind: 0,
    is_measured: true,
};

impl Clock {
    pub(super) fn shows(self, minute: i64) -> Timestamp {
        beginning() + SignedDuration::from_mins(minute - self.behind)
    }

    pub(super) fn time(self) -> FactTime {
        FactTime {
            correction: SignedDuration::from_mins(self.behind),
            quality: match self.is_measured {
                true => TimeQuality::Synced,
                false => TimeQuality::Unknown,
            },
        }
    }
}

fn clock() -> impl Strategy<Value = Clock> {
    let behind = prop::sample::select(vec![0, 0, 90, -3, 2 * 365 * 24 * 60]);
    (behind, prop::bool::weighted(0.9)).prop_map(|(behind, is_measured)| Clock {
        behind,
        is_measured,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Checkout,
    Renew,
    Checkin,
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let what = prop::sample::select(vec![What::Checkout, What::Renew, What::Checkin]);
    let flags = (
        [clock(), clock()],
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.15),
    );
    (0..DEVICES.len(), what, 0..3_000_i64, 0..6_u8, flags).prop_map(
        |(device, what, minute, session, flags)| {
            let (clocks, is_granted, in_block, is_undone, is_cancelled, is_load) = flags;
            Act {
                device,
                what,
                minute,
                session,
                clocks,
                is_granted,
                in_block,
                is_load,
                is_undone: is_undone && is_granted,
                // What belongs to a block is not cancelled by a machine.
                is_cancelled: is_cancelled && is_granted && !is_undone && !in_block && !is_load,
            }
        },
    )
}

pub(super) fn beginning() -> Timestamp {
    at("2026-03-01T00:00:00+08:00")
}

impl Act {
    fn block(&self) -> Option<Label> {
        match (self.is_load, self.in_block) {
            (true, _) => Some(label("load-1")),
            (false, true) => Some(label("block-1")),
            (false, false) => None,
        }
    }

    fn session(&self) -> Label {
        label(&format!("s{}", self.session))
    }

    pub(super) fn fact(&self) -> Fact {
        let outcome = Outcome {
            ok: self.is_granted,
            reason: None,
        };
        let (item, session) = (label("LJ0001"), self.session());
        let block = self.block();
        let stop = Some(label("stop-1"));
        let cancels = None;
        if self.what == What::Checkin {
            return Fact::LoanCheckin(LoanCheckin {
                item,
                session,
                mode: Mode::Online,
                outcome,
                block,
                stop,
                cancels,
            });
        }
        let loan = LoanCheckout {
            item,
            patron: None,
            due: None,
            session,
            mode: Mode::Online,
            outcome,
            block,
            stop,
            cancels,
        };
        match self.what {
            What::Checkout => Fact::LoanCheckout(loan),
            What::Renew | What::Checkin => Fact::LoanRenew(loan),
        }
    }

    fn kind(&self) -> LoanKind {
        match self.what {
            What::Checkout => LoanKind::Checkout,
            What::Renew => LoanKind::Renew,
            What::Checkin => LoanKind::Checkin,
        }
    }

    /// The opposite, by which a machine takes back what failed at it (SIP2 `BI`).
    fn cancelling(&self, fact: EventId) -> Fact {
        let opposite = match self.what {
            What::Checkout | What::Renew => What::Checkin,
            What::Checkin => What::Checkout,
        };
        let cancelled = Some(LoanCancelled {
            failed: Some(LoanFailed {
                fact,
                kind: self.kind(),
                at: self.clocks[0].shows(self.minute),
                session: self.session(),
            }),
        });
        let opposite = Self {
            what: opposite,
            ..*self
        };
        let mut fact = opposite.fact();
        match &mut fact {
            Fact::LoanCheckin(back) => back.cancels = cancelled,
            Fact::LoanCheckout(loan) => loan.cancels = cancelled,
            _ => panic!("the opposite is one of these"),
        }
        fact
    }

    fn undoing(&self, fact: EventId) -> Fact {
        Fact::LoanUndone(LoanUndone {
            fact,
            kind: self.kind(),
            item: label("LJ0001"),
            at: self.clocks[0].shows(self.minute),
            session: self.session(),
            block: self.block(),
            stop: Some(label("stop-1")),
        })
    }
}

pub(super) fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// The facts, as the ledger has them; received whenever they were made.
pub(super) fn ledger(acts: &[Act]) -> Entries {
    let mut ledger = Entries::default();
    let mut numbers = [0_u64; DEVICES.len()];
    for act in acts {
        let device = DEVICES[act.device];
        let epoch = Epoch::from_bits(5);
        let mut accept = |fact, clock: Clock, minute| {
            numbers[act.device] += 1;
            let place = place(&epoch, Stream::Loan, numbers[act.device]);
            let id = EventId::of_place(&place);
            let received = beginning() + SignedDuration::from_mins(minute);
            let dated = (clock.shows(minute), clock.time());
            ledger.accept_of((device, place), fact, dated, received);
            id
        };
        let [clock, later] = act.clocks;
        let id = accept(act.fact(), clock, act.minute);
        if act.is_undone {
            accept(act.undoing(id), later, act.minute + TAKEN_BACK_AFTER);
        } else if act.is_cancelled {
            accept(act.cancelling(id), later, act.minute + TAKEN_BACK_AFTER);
        }
    }
    ledger
}
