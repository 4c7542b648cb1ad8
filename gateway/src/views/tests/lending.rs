//! Lending against a model that keeps a plain list of what happened: whatever arrives in whatever
//! batches, live figures, rebuilt figures and the model's are the same.

use std::collections::BTreeSet;

use lujiang_wire::{
    EventId, Fact, Label, LoanCancelled, LoanCheckin, LoanCheckout, LoanFailed, LoanKind,
    LoanUndone, Mode, Outcome, StopClosed, StopOpened,
};
use proptest::prelude::*;

use super::*;
use crate::entry::FactTime;
use crate::views::report::{LoanFigures, LoanQuery};

const DEVICES: [&str; 3] = ["desk-main", "bus-1", "desk-branch"];

/// One thing that happens at a device.
#[derive(Debug, Clone, Copy)]
struct Act {
    device: usize,
    what: What,
    /// Minutes after the beginning.
    minute: i64,
    session: u8,
    is_dated: bool,
    is_granted: bool,
    in_block: bool,
    /// Whether it is of what the bus carries.
    is_load: bool,
    /// Whether it is undone at once.
    is_undone: bool,
    /// Whether the machine cancels it at once, by its opposite.
    is_cancelled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Checkout,
    Renew,
    Checkin,
}

fn act() -> impl Strategy<Value = Act> {
    let what = prop::sample::select(vec![What::Checkout, What::Renew, What::Checkin]);
    let flags = (
        prop::bool::weighted(0.9),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.15),
    );
    (0..DEVICES.len(), what, 0..3_000_i64, 0..6_u8, flags).prop_map(
        |(device, what, minute, session, flags)| {
            let (is_dated, is_granted, in_block, is_undone, is_cancelled, is_load) = flags;
            Act {
                device,
                what,
                minute,
                session,
                is_dated,
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

fn beginning() -> Timestamp {
    at("2026-03-01T00:00:00+08:00")
}

impl Act {
    fn at(&self) -> Timestamp {
        beginning() + SignedDuration::from_mins(self.minute)
    }

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

    fn time(&self) -> FactTime {
        FactTime {
            correction: SignedDuration::ZERO,
            quality: match self.is_dated {
                true => TimeQuality::Synced,
                false => TimeQuality::Unknown,
            },
        }
    }

    fn fact(&self) -> Fact {
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
                at: self.at(),
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
            at: self.at(),
            session: self.session(),
            block: self.block(),
            stop: Some(label("stop-1")),
        })
    }
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// The facts, as the ledger has them; received whenever they were made.
fn ledger(acts: &[Act]) -> Entries {
    let mut ledger = Entries::default();
    let mut numbers = [0_u64; DEVICES.len()];
    for act in acts {
        let device = DEVICES[act.device];
        let epoch = Epoch::from_bits(5);
        let mut accept = |fact| {
            numbers[act.device] += 1;
            let place = place(&epoch, Stream::Loan, numbers[act.device]);
            ledger.accept(device, place.clone(), fact, act.time(), act.at());
            EventId::of_place(&place)
        };
        let id = accept(act.fact());
        if act.is_undone {
            accept(act.undoing(id));
        } else if act.is_cancelled {
            accept(act.cancelling(id));
        }
    }
    ledger
}

/// What is counted of `acts` in `[from, until)` minutes; the undated only where asked for.
fn counted(acts: &[Act], from: i64, until: i64, undated: bool) -> LoanFigures {
    let day = 24 * 60;
    let counts = |act: &&Act| {
        let is_within = (from..until).contains(&act.minute);
        let stands = act.is_granted && !act.is_undone && !act.is_cancelled && !act.is_load;
        stands && is_within && (undated || act.is_dated)
    };
    let of = |what| {
        acts.iter()
            .filter(counts)
            .filter(move |act| act.what == what)
    };
    let lent = || of(What::Checkout);
    let borrowers: BTreeSet<_> = lent()
        .map(|act| (act.device, act.minute / day, act.session))
        .collect();
    LoanFigures {
        checkouts: lent().count() as u64,
        in_blocks: lent().filter(|act| act.in_block).count() as u64,
        borrowers: borrowers.len() as u64,
        renewals: of(What::Renew).count() as u64,
        checkins: of(What::Checkin).count() as u64,
        cards: 0,
    }
}

fn query(bucket: Bucket) -> LoanQuery {
    LoanQuery {
        site: None,
        device: None,
        kind: None,
        from: beginning(),
        to: beginning() + SignedDuration::from_hours(72),
        bucket,
    }
}

/// The desks stand at the main library; the bus is a bus from the second day on.
fn world() -> Places {
    let mut places = places(
        "Asia/Shanghai",
        &[
            ("desk-main", "main"),
            ("desk-branch", "branch"),
            ("bus-1", "main"),
        ],
    );
    for placement in &mut places.placements {
        placement.kind = DeviceKind::SelfCheckout;
    }
    places.placements.push(Placement {
        device: "bus-1".parse().unwrap(),
        kind: DeviceKind::Bus,
        site: Some("bus".parse().unwrap()),
        valid_from: beginning() + SignedDuration::from_hours(24),
    });
    places
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lending_is_what_was_lent_whatever_came_in_which_batches(
        acts in prop::collection::vec(act(), 1..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = ledger(&acts);
        let views = whole.views(world());
        let report = views.loans(&query(Bucket::Day), &|_| None).unwrap();

        // Folded in two batches that begin and end anywhere.
        let folder = tempfile::tempdir().unwrap();
        let mut part = whole.clone();
        part.list.truncate(cut.index(whole.list.len()));
        drop(part.views_at(folder.path(), world()));
        let grown = whole.views_at(folder.path(), world());
        prop_assert_eq!(grown.rebuilds(), 0);
        prop_assert_eq!(&grown.loans(&query(Bucket::Day), &|_| None).unwrap(), &report);

        let all = counted(&acts, 0, 72 * 60, true);
        // A session with dated and undated loans is one person, in the hour that is known.
        prop_assert_eq!(report.total, all);
        for (day, bucket) in (0..).zip(&report.buckets) {
            let expected = counted(&acts, day * 24 * 60, (day + 1) * 24 * 60, false);
            prop_assert_eq!(bucket.figures, expected);
        }
        for bucket in [Bucket::Hour, Bucket::Month, Bucket::Year] {
            let other = views.loans(&query(bucket), &|_| None).unwrap();
            prop_assert_eq!(other.total.checkouts, report.total.checkouts);
        }
        for site in ["main", "branch", "bus"] {
            let asked = LoanQuery { site: Some(site.parse().unwrap()), ..query(Bucket::Day) };
            let part = views.loans(&asked, &|_| None).unwrap();
            let of_rows: u64 = report.rows.iter()
                .filter(|row| row.site.as_ref().is_some_and(|at| at.as_str() == site))
                .map(|row| row.figures.checkouts)
                .sum();
            prop_assert_eq!(part.total.checkouts, of_rows);
        }
    }
}

#[test]
fn loans_are_told_by_day_site_and_kind() {
    let act = |device, minute| Act {
        device,
        what: What::Checkout,
        minute,
        session: 1,
        is_dated: true,
        is_granted: true,
        in_block: false,
        is_load: false,
        is_undone: false,
        is_cancelled: false,
    };
    let acts = [act(0, 10), act(0, 20), act(1, 30), act(1, 24 * 60 + 5)];
    let report = ledger(&acts)
        .views(world())
        .loans(&query(Bucket::Day), &|_| None)
        .unwrap();

    let told: Vec<_> = report
        .rows
        .iter()
        .map(|row| {
            let site = row.site.as_ref().map_or("", |site| site.as_str());
            (
                site,
                row.kind.unwrap(),
                row.figures.checkouts,
                row.figures.borrowers,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("main", DeviceKind::SelfCheckout, 3, 2),
            ("bus", DeviceKind::Bus, 1, 1),
        ]
    );
}

#[test]
fn what_the_bus_carries_is_lent_to_nobody_and_what_is_lent_from_it_is_brought_back_by_nobody() {
    let act = |what, minute, is_load| Act {
        device: 1,
        what,
        minute,
        session: u8::from(is_load),
        is_dated: true,
        is_granted: true,
        in_block: false,
        is_load,
        is_undone: false,
        is_cancelled: false,
    };
    // Three are loaded; one of them is lent to a reader, and two are unloaded.
    let acts = [
        act(What::Checkout, 1, true),
        act(What::Checkout, 1, true),
        act(What::Checkout, 1, true),
        act(What::Checkin, 60, true),
        act(What::Checkout, 60, false),
        act(What::Checkin, 90, true),
        act(What::Checkin, 90, true),
    ];
    let views = ledger(&acts).views(world());
    let total = views.loans(&query(Bucket::Day), &|_| None).unwrap().total;
    let expected = LoanFigures {
        checkouts: 1,
        borrowers: 1,
        in_blocks: 0,
        renewals: 0,
        checkins: 0,
        cards: 0,
    };
    assert_eq!(total, expected);
    let stops = views.stops().unwrap();
    let told: Vec<_> = stops
        .iter()
        .map(|stop| (stop.lent.checkouts, stop.lent.checkins))
        .collect();
    assert_eq!(told, [(1, 0)]);
}

#[test]
fn a_gap_in_the_loans_is_named_beside_their_total() {
    let mut ledger = ledger(&[]);
    let epoch = Epoch::from_bits(5);
    for number in [1, 4] {
        let fact = Act {
            device: 0,
            what: What::Checkout,
            minute: 1,
            session: 1,
            is_dated: true,
            is_granted: true,
            in_block: false,
            is_load: false,
            is_undone: false,
            is_cancelled: false,
        };
        let place = place(&epoch, Stream::Loan, number);
        ledger.accept("desk-main", place, fact.fact(), fact.time(), fact.at());
    }
    let report = ledger
        .views(world())
        .loans(&query(Bucket::Day), &|_| None)
        .unwrap();
    let gaps: Vec<_> = report.gaps.iter().map(|gap| (gap.from, gap.to)).collect();
    assert_eq!(gaps, [(2, 3)]);
}

#[test]
fn a_stop_of_the_bus_is_one_row_whichever_of_its_facts_came() {
    let mut ledger = Entries::default();
    let epoch = Epoch::from_bits(5);
    let dated = FactTime {
        correction: SignedDuration::ZERO,
        quality: TimeQuality::Synced,
    };
    let opened = |stop: &str, volumes| {
        Fact::StopOpened(StopOpened {
            stop: label(stop),
            place: label("醴陵市实验小学"),
            unit: Some(label("实验小学")),
            occasion: Some(label("送书进学校")),
            volumes,
        })
    };
    let closed = |stop: &str, participants, volumes| {
        Fact::StopClosed(StopClosed {
            stop: label(stop),
            participants,
            volumes,
        })
    };
    let facts = [
        (4, closed("b", Some(30), None)),
        (3, opened("a", Some(320))),
        (6, closed("a", Some(650), Some(310))),
        (9, opened("c", None)),
    ];
    for (number, (hour, fact)) in (1..).zip(facts) {
        let place = place(&epoch, Stream::Loan, number);
        let happened = beginning() + SignedDuration::from_hours(hour);
        ledger.accept("bus-1", place, fact, dated, happened);
    }
    let stops = ledger.views(world()).stops().unwrap();

    let told: Vec<_> = stops
        .iter()
        .map(|stop| (stop.stop.as_str(), stop.volumes, stop.participants))
        .collect();
    let expected = [
        ("a", Some(310), Some(650)),
        ("b", None, Some(30)),
        ("c", None, None),
    ];
    assert_eq!(told, expected);
    assert_eq!(stops[0].unit, Some(label("实验小学")));
    assert_eq!(stops[1].place, None);
}
