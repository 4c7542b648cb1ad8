//! Whatever is folded, in whatever batches, with whatever in between: the figures are those of
//! the model.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::views::pages::MemoryPages;

const GATES: [&str; 3] = ["gate-1", "gate-2", "gate-10"];

/// Around the repeated hour of Berlin, the end of a month, and the end of a year.
const BEGINNINGS: [&str; 3] = [
    "2026-10-24T20:00:00+02:00",
    "2026-10-30T20:00:00+01:00",
    "2026-12-30T20:00:00+01:00",
];

/// Minutes of the range looked at.
const SPAN: i64 = 3 * 24 * 60;

#[derive(Debug, Clone)]
struct Planned {
    gate: &'static str,
    from: i64,
    length: i64,
    entered: u64,
    flags: Vec<Flag>,
    quality: TimeQuality,
    correction: i64,
    place: (u128, u64),
    is_quarantined: bool,
}

fn planned() -> impl Strategy<Value = Planned> {
    let flags = prop_oneof![
        6 => Just(vec![]),
        1 => Just(vec![Flag::Recovered]),
        1 => Just(vec![Flag::FromUnknown, Flag::Recovered]),
        1 => Just(vec![Flag::Implausible]),
        1 => Just(vec![Flag::Merged]),
    ];
    let length = prop_oneof![4 => 1..60_i64, 2 => Just(60), 2 => 61..600_i64, 1 => 600..SPAN];
    let quality = select(vec![
        TimeQuality::Synced,
        TimeQuality::Synced,
        TimeQuality::Estimated,
        TimeQuality::Unknown,
    ]);
    let who = (
        select(&GATES[..]),
        (1..4_u128, 1..30_u64),
        prop::bool::weighted(0.1),
    );
    (who, 0..SPAN, length, 0..50_u64, flags, quality, -90..90_i64).prop_map(
        |((gate, place, is_quarantined), from, length, entered, flags, quality, correction)| {
            Planned {
                gate,
                from,
                length,
                entered,
                flags,
                quality,
                correction,
                place,
                is_quarantined,
            }
        },
    )
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn ledger(beginning: Timestamp, plan: &[Planned]) -> Entries {
    let mut ledger = Entries::default();
    for planned in plan {
        let epoch = Epoch::from_bits(planned.place.0);
        let place = Some((&epoch, planned.place.1));
        if planned.is_quarantined {
            ledger.quarantined(planned.gate, place, QuarantineReason::Implausible);
            continue;
        }
        let from = beginning + minutes(planned.from);
        ledger.visit_of(Visit {
            flags: &planned.flags,
            quality: planned.quality,
            correction: minutes(planned.correction),
            received: from + minutes(planned.length + 7),
            place,
            ..visit(
                planned.gate,
                (from, from + minutes(planned.length)),
                planned.entered,
            )
        });
    }
    ledger
}

/// Two sites with opening hours that change; a gate that moves; one that is put away.
fn world(beginning: Timestamp) -> Places {
    let mut world = places(
        "Europe/Berlin",
        &[
            ("gate-1", "main"),
            ("gate-2", "main"),
            ("gate-10", "branch"),
        ],
    );
    for placement in &mut world.placements {
        placement.valid_from = beginning + minutes(240);
    }
    let mut moved = world.placements[0].clone();
    moved.site = Some("branch".parse().unwrap());
    moved.valid_from = beginning + minutes(30 * 60);
    let mut put_away = world.placements[1].clone();
    put_away.site = None;
    put_away.valid_from = beginning + minutes(50 * 60);
    world.placements.extend([moved, put_away]);
    let mut later = opening("2026-10-25T00:00:00+02:00", 1, 0);
    later.valid_from = beginning + minutes(40 * 60);
    later.week[1] = None;
    let mut first = opening("2026-10-25T00:00:00+02:00", 8, 20);
    first.valid_from = beginning + minutes(10 * 60);
    world.sites[0].opening = vec![first, later];
    world
}

fn queries(beginning: Timestamp) -> Vec<VisitQuery> {
    let range =
        |from, to, bucket| query(beginning + minutes(from), beginning + minutes(to), bucket);
    let mut of_site = range(0, SPAN, Bucket::Hour);
    of_site.site = Some("branch".parse().unwrap());
    let mut of_gate = range(300, SPAN, Bucket::Day);
    of_gate.device = Some("gate-1".parse().unwrap());
    vec![
        of_site,
        of_gate,
        range(0, SPAN, Bucket::Hour),
        range(700, 2_000, Bucket::Day),
        range(0, SPAN, Bucket::Month),
    ]
}

fn check(
    ledger: &Entries,
    places: &Places,
    beginning: Timestamp,
    ask: impl Fn(&VisitQuery, Timestamp) -> VisitReport,
) -> Result<(), TestCaseError> {
    let now = beginning + minutes(SPAN - 500);
    for query in queries(beginning) {
        let report = ask(&query, now);
        let (buckets, total) = model::visits(&ledger.list, places, &query, now);
        prop_assert_eq!(&report.total, &total, "{:?}", query);
        prop_assert_eq!(&report.buckets, &buckets, "{:?}", query);
        for gate in GATES.map(|gate| gate.parse::<DeviceId>().unwrap()) {
            for epoch in (1..4).map(Epoch::from_bits) {
                let of = |gap: &&Gap| gap.device == gate && gap.epoch == epoch;
                let numbers = report
                    .gaps
                    .iter()
                    .filter(of)
                    .flat_map(|gap| gap.from..=gap.to);
                let concerned = report.gaps.iter().any(|gap| gap.device == gate);
                if concerned {
                    let missing = model::missing(&ledger.list, &gate, &epoch);
                    prop_assert_eq!(numbers.collect::<std::collections::BTreeSet<_>>(), missing);
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn folds_in_any_batches_say_what_the_model_says(
        plan in prop::collection::vec(planned(), 0..40),
        beginning in select(&BEGINNINGS[..]),
        batch in 1..15_usize,
    ) {
        let beginning = at(beginning);
        let (ledger, places) = (ledger(beginning, &plan), world(beginning));
        let calendar = Calendar::new(places.zone.clone());
        let mut pages = MemoryPages::default();
        let mut sum = pages::Sum::default();
        for entries in ledger.list.chunks(batch) {
            let mut draft = Draft::new(&pages);
            for change in entries.iter().flat_map(|entry| fold(entry, None, &calendar)) {
                draft.apply(&change).unwrap();
            }
            let (writes, after) = draft.finish(sum);
            pages.0.extend(writes);
            sum = after;
        }
        let mut counted = pages::Sum::default();
        pages.0.iter().for_each(|(key, value)| counted.add(key, value));
        prop_assert_eq!(sum, counted);
        check(&ledger, &places, beginning, |query, now| {
            visit_report(&pages, &calendar, &places, query, now, &|_| None).unwrap()
        })?;
    }
}

/// What happens to the views between two pieces of the ledger.
#[derive(Debug, Clone, Copy)]
enum Meanwhile {
    Nothing,
    Restart,
    Rebuild,
    FolderDeleted,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn restarts_rebuilds_and_deleted_folders_change_no_figure(
        plan in prop::collection::vec(planned(), 20..40),
        meanwhile in prop::collection::vec(select(vec![
            Meanwhile::Nothing, Meanwhile::Restart, Meanwhile::Rebuild, Meanwhile::FolderDeleted,
        ]), 1..6),
        batch in 1..15_usize,
    ) {
        let beginning = at(BEGINNINGS[0]);
        let (whole, places) = (ledger(beginning, &plan), Arc::new(world(beginning)));
        let dir = tempfile::tempdir().unwrap();
        let growing = Arc::new(Mutex::new(Entries::default()));
        let open = || {
            let places = places.clone();
            let source: PlacesSource = Arc::new(move || places.clone());
            Views::open(dir.path(), growing.clone(), source, section(batch)).unwrap()
        };
        let mut views = open();
        let pieces = whole.list.chunks(whole.list.len().div_ceil(meanwhile.len()));
        for (piece, meanwhile) in pieces.zip(meanwhile.iter().cycle()) {
            growing.lock().unwrap().list.extend_from_slice(piece);
            views.catch_up(&CancellationToken::new()).unwrap();
            match meanwhile {
                Meanwhile::Nothing => {}
                Meanwhile::Rebuild => views.rebuild(&mut |_, _| {}).unwrap(),
                Meanwhile::Restart => {
                    drop(views);
                    views = open();
                    prop_assert_eq!(views.rebuilds(), 0);
                }
                Meanwhile::FolderDeleted => {
                    drop(views);
                    std::fs::remove_dir_all(dir.path()).unwrap();
                    views = open();
                    prop_assert!(views.visits(&everything(), beginning, &|_| None).is_err());
                }
            }
        }
        views.catch_up(&CancellationToken::new()).unwrap();
        check(&whole, &places, beginning, |query, now| {
            views.visits(query, now, &|_| None).unwrap()
        })?;
    }
}
