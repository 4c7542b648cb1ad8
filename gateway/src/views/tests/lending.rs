//! Lending against a model that keeps a plain list of what happened: whatever arrives in whatever
//! batches, live figures, rebuilt figures and the model's are the same.

use std::collections::BTreeSet;

use lujiang_wire::{Fact, StopClosed, StopOpened};
use proptest::prelude::*;

use super::acts::{Act, Clock, RIGHT, What, act, beginning, label, ledger};
use super::*;
use crate::entry::FactTime;
use crate::views::report::{LoanFigures, LoanQuery};

/// What is counted of `acts` in `[from, until)` minutes; the undated only where asked for.
fn counted(acts: &[Act], from: i64, until: i64, undated: bool) -> LoanFigures {
    let day = 24 * 60;
    let counts = |act: &&Act| {
        let is_within = (from..until).contains(&act.minute);
        let stands = act.is_granted && !act.is_undone && !act.is_cancelled && !act.is_load;
        stands && is_within && (undated || act.clocks[0].is_measured)
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
        clocks: [RIGHT; 2],
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
fn what_is_taken_back_after_the_clock_was_set_or_in_another_boot_counts_nowhere() {
    let slow = Clock {
        behind: 2 * 365 * 24 * 60,
        is_measured: true,
    };
    let unmeasured = Clock {
        is_measured: false,
        ..slow
    };
    let act = |clocks, is_undone, is_cancelled| Act {
        device: 0,
        what: What::Checkout,
        minute: 30,
        session: u8::from(is_undone || is_cancelled),
        clocks,
        is_granted: true,
        in_block: false,
        is_load: false,
        is_undone,
        is_cancelled,
    };
    for clocks in [
        [slow, RIGHT],
        [RIGHT, slow],
        [unmeasured, RIGHT],
        [RIGHT, unmeasured],
        [unmeasured, unmeasured],
    ] {
        for is_undone in [true, false] {
            let taken_back = act(clocks, is_undone, !is_undone);
            let stays = act([clocks[0]; 2], false, false);
            let views = ledger(&[taken_back, stays]).views(world());
            let report = views.loans(&query(Bucket::Day), &|_| None).unwrap();
            let (total, day) = (report.total, report.buckets[0].figures);
            let dated = u64::from(clocks[0].is_measured);
            assert_eq!((total.checkouts, total.borrowers), (1, 1), "{clocks:?}");
            assert_eq!((day.checkouts, day.borrowers), (dated, dated), "{clocks:?}");
        }
    }
}

#[test]
fn what_the_bus_carries_is_lent_to_nobody_and_what_is_lent_from_it_is_brought_back_by_nobody() {
    let act = |what, minute, is_load| Act {
        device: 1,
        what,
        minute,
        session: u8::from(is_load),
        clocks: [RIGHT; 2],
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
            clocks: [RIGHT; 2],
            is_granted: true,
            in_block: false,
            is_load: false,
            is_undone: false,
            is_cancelled: false,
        };
        let place = place(&epoch, Stream::Loan, number);
        let at = RIGHT.shows(fact.minute);
        ledger.accept("desk-main", place, fact.fact(), RIGHT.time(), at);
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
