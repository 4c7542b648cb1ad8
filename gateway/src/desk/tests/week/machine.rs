//! A self-checkout or a bus: its wrong clock, its boots, its outbox, its links.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use lujiang_wire::{
    Boot, Due, Epoch, Event, EventId, Fact, Label, LoanCheckin, LoanCheckout, LoanKind, LoanUndone,
    Mode, Moment, Outcome, Patron, Place, Sequence, Stream, Uptime,
};

use super::ils::at;
use super::truth::{Deal, Happened, Reply, Thing};
use crate::entry::{Entry, EntryNumber, FactTime, TimeQuality, Verdict};

/// A machine.
pub(super) struct Station {
    pub(super) name: &'static str,
    pub(super) is_bus: bool,
    pub(super) reaches_ils: bool,
    pub(super) reaches_gateway: bool,
    /// Seconds its clock is ahead of the true time.
    pub(super) clock_ahead: i64,
    boot: u32,
    /// The boots in which the time was measured against the gateway.
    measured: BTreeSet<u32>,
    outbox: Vec<Row>,
    delivered: usize,
    /// The corrected time of the last dated fact that was delivered.
    last_dated: Option<i64>,
}

/// A fact in an outbox.
struct Row {
    deal: Deal,
    boot: u32,
    event: Event,
    true_at: i64,
    /// Whether it goes together with the one before it.
    is_joined: bool,
}

/// A fact on its way into the ledger.
pub(super) struct Delivery {
    pub(super) deal: Deal,
    pub(super) entry: Entry,
    pub(super) not_before: Option<i64>,
}

impl Station {
    pub(super) fn new(name: &'static str, is_bus: bool) -> Self {
        Self {
            name,
            is_bus,
            reaches_ils: !is_bus,
            reaches_gateway: !is_bus,
            clock_ahead: 0,
            boot: 1,
            measured: BTreeSet::new(),
            outbox: Vec::new(),
            delivered: 0,
            last_dated: None,
        }
    }

    /// It crashes and starts again; nobody has measured its time yet.
    pub(super) fn reboot(&mut self) {
        self.boot += 1;
    }

    /// It is in touch with the gateway: its time is measured.
    pub(super) fn measure(&mut self) {
        self.measured.insert(self.boot);
    }

    /// Writes a fact to its outbox.
    pub(super) fn write(&mut self, deal: Deal, deals: &[Happened], is_joined: bool) {
        let happened = &deals[deal];
        let sequence = u64::try_from(self.outbox.len()).unwrap() + 1;
        let place = Place {
            epoch: Epoch::from_bits(1),
            stream: Stream::Loan,
            sequence: Sequence::new(sequence).unwrap(),
        };
        let moment = Moment {
            boot: format!("boot-{}", self.boot).parse::<Boot>().unwrap(),
            uptime: Uptime::from_millis(1).unwrap(),
        };
        let time = at(happened.at + self.clock_ahead);
        let undone = happened.undoes.map(|of| self.id_of(of));
        let fact = fact(happened, undone);
        let source = self.name.parse().unwrap();
        self.outbox.push(Row {
            deal,
            boot: self.boot,
            event: Event::of_agent(source, place, moment, time, fact),
            true_at: happened.at,
            is_joined,
        });
    }

    fn id_of(&self, deal: Deal) -> EventId {
        let is_it = |row: &&Row| row.deal == deal;
        self.outbox.iter().find(is_it).unwrap().event.id.clone()
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.delivered < self.outbox.len()
    }

    /// Hands the next facts over, at least so many; the ledger numbers them.
    pub(super) fn deliver(&mut self, count: usize, now: i64, next: &mut i64) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        while let Some(row) = self.outbox.get(self.delivered) {
            if deliveries.len() >= count && !row.is_joined {
                break;
            }
            let is_measured = self.measured.contains(&row.boot);
            let time = match is_measured {
                true => FactTime {
                    correction: at(row.true_at).duration_since(row.event.time),
                    quality: match row.boot == self.boot {
                        true => TimeQuality::Synced,
                        false => TimeQuality::Estimated,
                    },
                },
                false => FactTime {
                    correction: SignedDuration::ZERO,
                    quality: TimeQuality::Unknown,
                },
            };
            let not_before = self.last_dated;
            if is_measured {
                self.last_dated = Some(row.true_at);
            }
            deliveries.push(Delivery {
                deal: row.deal,
                entry: entry(*next, &row.event, time, now),
                not_before,
            });
            *next += 1;
            self.delivered += 1;
        }
        deliveries
    }
}

fn entry(number: i64, event: &Event, time: FactTime, now: i64) -> Entry {
    Entry {
        number: EntryNumber(number),
        crc: 0,
        device: event.source.clone(),
        place: event.place.clone(),
        received: at(now),
        verdict: Verdict::Accepted {
            event: Box::new(event.clone()),
            time,
        },
    }
}

pub(super) fn barcode(thing: Thing) -> Label {
    format!("3000{thing}").parse().unwrap()
}

fn fact(happened: &Happened, undone: Option<EventId>) -> Fact {
    let item = barcode(happened.thing);
    let session: Label = "s".parse().unwrap();
    let outcome = match happened.reply {
        Reply::Granted => Outcome {
            ok: true,
            reason: None,
        },
        Reply::Unanswered(_) => Outcome::unresolved(),
    };
    let (mode, block, stop) = (happened.mode, None, None);
    if let Some(fact) = undone {
        return Fact::LoanUndone(LoanUndone {
            fact,
            kind: happened.kind,
            item,
            at: at(happened.at),
            session,
            block,
            stop,
        });
    }
    let patron = (mode == Mode::Offline).then(|| Patron::Sealed {
        sealed: "AAAA".to_owned(),
        kid: "k1".parse().unwrap(),
    });
    let due = happened.due.map(|due| Due::Instant(at(due)));
    match happened.kind {
        LoanKind::Checkin => Fact::LoanCheckin(LoanCheckin {
            item,
            session,
            mode,
            outcome,
            block,
            stop,
            cancels: None,
        }),
        kind @ (LoanKind::Checkout | LoanKind::Renew) => {
            let loan = LoanCheckout {
                item,
                patron,
                due,
                session,
                mode,
                outcome,
                block,
                stop,
                cancels: None,
            };
            match kind == LoanKind::Checkout {
                true => Fact::LoanCheckout(loan),
                false => Fact::LoanRenew(loan),
            }
        }
    }
}
