//! The views against a plain list of entries; see `model` for what is compared with.

mod acts;
mod damage;
mod entries;
mod lending;
mod model;
mod property;

use jiff::{SignedDuration, Timestamp};
use lujiang_config::ByteSize;
use lujiang_wire::{Flag, Place, Sequence};

use super::*;
use crate::entry::{QuarantineReason, TimeQuality};
use crate::places::{DeviceKind, OpenHours, Opening, Placement, Site};
use crate::views::report::{
    Bucket, Completeness, DeviceFigures, Gap, GapState, VisitQuery, VisitReport,
};
use crate::views::tests::entries::{Entries, Visit, visit};
use crate::views::visits::visit_report;

#[test]
fn an_agent_off_from_10_to_12_in_a_day_of_12_hours_leaves_ten_twelfths() {
    let mut ledger = Entries::default();
    let day = |hour: i64| at("2026-11-10T00:00:00+08:00") + SignedDuration::from_hours(hour);
    for hour in (8..20).filter(|hour| ![10, 11].contains(hour)) {
        ledger.visit("gate-1", (day(hour), day(hour + 1)), 7, &[]);
        if hour == 9 {
            ledger.visit("gate-1", (day(10), day(12)), 31, &[Flag::Recovered]);
        }
    }
    let mut places = places("Asia/Shanghai", &[("gate-1", "main")]);
    places.sites[0].opening = vec![opening("2026-01-01T00:00:00+08:00", 8, 20)];
    let views = ledger.views(places);
    let report = views.visits(&query(day(0), day(24), Bucket::Day), day(30), &|_| None);
    let report = report.unwrap();
    assert_eq!(report.buckets.len(), 1);
    let complete = report.buckets[0].complete.unwrap();
    let ten_of_twelve = Completeness {
        covered_seconds: 10 * 3_600,
        expected_seconds: 12 * 3_600,
    };
    assert_eq!(complete, ten_of_twelve);
    assert!((complete.fraction() - 0.8333).abs() < f64::EPSILON);
    assert_eq!(report.buckets[0].visits, 101);
    assert_eq!((report.total.visits, report.total.hours_unknown), (101, 31));
    assert_eq!(report.total.complete, Some(ten_of_twelve));
    let by_hour = views.visits(&query(day(0), day(24), Bucket::Hour), day(30), &|_| None);
    let by_hour = by_hour.unwrap();
    assert_eq!(by_hour.total, report.total);
    assert_eq!(by_hour.buckets[10].visits, 0);
    assert_eq!(
        by_hour.buckets[10].complete.map(|c| c.covered_seconds),
        Some(0)
    );
    assert_eq!(
        by_hour.buckets[7].complete, None,
        "nobody is expected before 8"
    );
}

#[test]
fn coverage_is_expected_up_to_now_and_holes_of_the_clock_are_none() {
    let mut ledger = Entries::default();
    let start = at("2026-11-10T08:00:00+08:00");
    let second = SignedDuration::from_secs;
    ledger.visit("gate-1", (start, start + second(600)), 1, &[]);
    // The next period was corrected by a newer measurement, a second off.
    ledger.visit(
        "gate-1",
        (start + second(601), start + second(1_200)),
        1,
        &[],
    );
    // Two minutes of silence, then a period nobody believes.
    let doubted = (start + second(1_320), start + second(1_800));
    ledger.visit("gate-1", doubted, 0, &[Flag::Implausible]);
    let mut places = places("Asia/Shanghai", &[("gate-1", "main")]);
    places.placements[0].valid_from = start;
    let views = ledger.views(places);
    let asked = query(start, start + second(3_600), Bucket::Hour);
    let report = views.visits(&asked, start + second(1_800), &|_| None);
    let complete = report.unwrap().total.complete.unwrap();
    assert_eq!(
        (complete.covered_seconds, complete.expected_seconds),
        (1_200, 1_800)
    );
}

#[test]
fn a_period_of_unknown_time_is_in_the_total_alone_by_the_day_of_receipt() {
    let mut ledger = Entries::default();
    let long_ago = at("1970-01-01T00:10:00Z");
    let received = at("2026-11-10T15:00:00+08:00");
    ledger.visit_of(Visit {
        quality: TimeQuality::Unknown,
        received,
        ..visit(
            "gate-1",
            (long_ago, long_ago + SignedDuration::from_mins(5)),
            9,
        )
    });
    let views = ledger.views(places("Asia/Shanghai", &[("gate-1", "main")]));
    let day = at("2026-11-10T00:00:00+08:00");
    let report = views.visits(
        &query(day, day + SignedDuration::from_hours(24), Bucket::Day),
        received,
        &|_| None,
    );
    let report = report.unwrap();
    assert_eq!(report.buckets[0].visits, 0);
    let total = &report.total;
    assert_eq!(
        (total.visits, total.undated, total.hours_unknown),
        (9, 9, 0)
    );
}

#[test]
fn a_period_whose_beginning_is_unknown_is_found_by_its_end() {
    let mut ledger = Entries::default();
    let end = at("2026-11-10T15:00:00+08:00");
    let from = at("1970-01-01T00:00:00Z");
    ledger.visit("gate-1", (from, end), 5, &[Flag::FromUnknown]);
    let views = ledger.views(places("Asia/Shanghai", &[("gate-1", "main")]));
    let day = at("2026-11-10T00:00:00+08:00");
    let asked = query(day, day + SignedDuration::from_hours(24), Bucket::Hour);
    let total = views.visits(&asked, end, &|_| None).unwrap().total;
    assert_eq!((total.visits, total.hours_unknown), (5, 5));
    assert_eq!(total.complete.map(|c| c.covered_seconds), Some(0));
}

#[test]
fn gaps_are_open_waiting_or_lost() {
    let mut ledger = Entries::default();
    let (old, new) = (Epoch::from_bits(1), Epoch::from_bits(2));
    for number in [1, 2, 5] {
        ledger.numbered("gate-1", &old, number);
    }
    for number in [1, 2, 4, 9] {
        ledger.numbered("gate-1", &new, number);
    }
    ledger.dropped("gate-1", &new, 1, (6, 7));
    ledger.quarantined("gate-1", Some((&new, 5)), QuarantineReason::IdConflict);
    let views = ledger.views(places("Asia/Shanghai", &[("gate-1", "main")]));
    let gate: DeviceId = "gate-1".parse().unwrap();
    let says = |epoch: &Epoch| {
        let says = Some((epoch.clone(), BTreeMap::from([(Stream::Visit, 12)])));
        move |_: &DeviceId| says.clone()
    };
    let figures = views.device(&gate, &says(&new)).unwrap();
    let visit = |epoch: &Epoch| {
        let mut streams = figures.streams.iter();
        let of = |s: &&report::StreamState| s.epoch == *epoch && s.stream == Stream::Visit;
        streams.find(of).unwrap().clone()
    };
    let short = |gaps: &[Gap]| {
        gaps.iter()
            .map(|g| (g.from, g.to, g.state))
            .collect::<Vec<_>>()
    };
    use GapState::{Lost, Open, Waiting};
    let now = visit(&new);
    assert_eq!(
        short(&now.gaps),
        [(3, 3, Open), (6, 7, Lost), (8, 8, Open), (10, 12, Waiting)]
    );
    assert_eq!((now.through, now.highest, now.written), (2, 9, Some(12)));
    let ended = visit(&old);
    assert_eq!(short(&ended.gaps), [(3, 4, Lost)]);
    assert!(now.current && !ended.current);
    assert_eq!((figures.quarantined, figures.id_conflicts), (1, 1));
    // The device is back in its first life (a card was put back): its gaps are open again.
    let figures = views.device(&gate, &says(&old)).unwrap();
    assert_eq!(figures.streams[0].epoch, old);
    assert_eq!(short(&figures.streams[0].gaps)[0], (3, 4, Open));
}

#[test]
fn a_year_by_hour_for_ten_gates_is_answered_from_few_records() {
    let mut ledger = Entries::default();
    let start = at("2026-01-01T00:00:00+08:00");
    let gates: Vec<String> = (0..10).map(|n| format!("gate-{n}")).collect();
    for hour in (0..365 * 24).filter(|hour| (8..20).contains(&(hour % 24))) {
        for gate in &gates {
            let from = start + SignedDuration::from_hours(hour);
            ledger.visit(gate, (from, from + SignedDuration::from_hours(1)), 3, &[]);
        }
    }
    let placed: Vec<(&str, &str)> = gates.iter().map(|gate| (gate.as_str(), "main")).collect();
    let mut places = places("Asia/Shanghai", &placed);
    places.sites[0].opening = vec![opening("2025-01-01T00:00:00+08:00", 8, 20)];
    let views = ledger.views(places);
    let asked = query(
        start,
        start + SignedDuration::from_hours(365 * 24),
        Bucket::Hour,
    );
    let began = Instant::now();
    let report = views.visits(&asked, asked.to, &|_| None).unwrap();
    println!("a year by hour for ten gates: {:?}", began.elapsed());
    assert_eq!(report.buckets.len(), 365 * 24);
    assert_eq!(report.total.visits, 10 * 365 * 12 * 3);
    let complete = report.total.complete.unwrap();
    assert_eq!(complete.covered_seconds, complete.expected_seconds);
}

#[test]
fn views_of_another_ledger_or_beyond_the_head_are_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Entries::default();
    let start = at("2026-11-10T08:00:00+08:00");
    let mut hours = (0..).map(|hour| {
        let from = start + SignedDuration::from_hours(hour);
        (from, from + SignedDuration::from_hours(1))
    });
    for period in hours.by_ref().take(5) {
        ledger.visit("gate-1", period, 1, &[]);
    }
    let places = || places("Asia/Shanghai", &[("gate-1", "main")]);
    let views = ledger.views_at(dir.path(), places());
    let backup = ledger.clone();
    ledger.visit("gate-1", hours.next().unwrap(), 100, &[]);
    drop(views);
    drop(ledger.views_at(dir.path(), places()));
    // Restored from the backup: the cursor is beyond the head.
    let views = backup.views_at(dir.path(), places());
    assert_eq!((total(&views), views.rebuilds()), (5, 1));
    drop(views);
    // The same numbers, another ledger.
    let mut other = Entries::default();
    for period in hours.take(5) {
        other.visit("gate-1", period, 2, &[]);
    }
    let views = other.views_at(dir.path(), places());
    assert_eq!((total(&views), views.rebuilds()), (10, 1));
    drop(views);
    let views = other.views_at(dir.path(), places());
    assert_eq!((total(&views), views.rebuilds()), (10, 0));
}

#[test]
fn a_question_that_cannot_be_answered_says_so() {
    let views = Entries::default().views(places("Asia/Shanghai", &[]));
    let start = at("2026-11-10T08:00:00+08:00");
    let ask = |to, bucket| views.visits(&query(start, to, bucket), start, &|_| None);
    assert!(matches!(
        ask(start, Bucket::Day),
        Err(ViewError::Question(_))
    ));
    let far = start + SignedDuration::from_hours(20_001);
    assert!(matches!(
        ask(far, Bucket::Hour),
        Err(ViewError::Question(_))
    ));
    assert!(ask(Timestamp::MAX, Bucket::Year).is_ok());
}

#[tokio::test]
async fn what_is_committed_is_folded_and_damage_is_rebuilt_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Mutex::new(Entries::default()));
    let (heads, watch) = watch::channel(ledger.head().unwrap());
    let places = Arc::new(places("Asia/Shanghai", &[("gate-1", "main")]));
    let source: PlacesSource = Arc::new(move || places.clone());
    let views = Views::open(dir.path(), ledger.clone(), source, section(2)).unwrap();
    let cancel = CancellationToken::new();
    let (follower, token) = (views.clone(), cancel.clone());
    let following = tokio::spawn(async move { follower.follow(watch, token).await });
    let mut folded = views.folded();
    let start = at("2026-11-10T08:00:00+08:00");
    for hour in 0..10 {
        let from = start + SignedDuration::from_hours(hour);
        let period = (from, from + SignedDuration::from_hours(1));
        ledger.lock().unwrap().visit("gate-1", period, 1, &[]);
        heads.send_replace(ledger.head().unwrap());
        until(&mut folded, |number| number.0 == hour + 1).await;
    }
    assert_eq!(total(&views), 10);
    let folder = views.0.generations.newest_first().unwrap().remove(0);
    views.0.give_up(&Damage("planted".to_owned()), &folder);
    assert!(views.visits(&everything(), start, &|_| None).is_err());
    until(&mut folded, |_| views.rebuilds() == 1).await;
    assert_eq!(total(&views), 10);
    cancel.cancel();
    following.await.unwrap();
}

// What the tests are made of.

async fn until(folded: &mut watch::Receiver<EntryNumber>, is_so: impl FnMut(&EntryNumber) -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), folded.wait_for(is_so)).await;
    waited.expect("within a minute").unwrap();
}

fn section(batch: usize) -> ViewsSection {
    ViewsSection {
        batch,
        cache: ByteSize::mib(4),
    }
}

fn place(epoch: &Epoch, stream: Stream, number: u64) -> Place {
    Place {
        epoch: epoch.clone(),
        stream,
        sequence: Sequence::new(number).unwrap(),
    }
}

fn places(zone: &str, devices: &[(&str, &str)]) -> Places {
    let mut places = Places {
        zone: TimeZone::get(zone).unwrap(),
        sites: Vec::new(),
        placements: Vec::new(),
    };
    for (device, site) in devices {
        let site: DeviceId = site.parse().unwrap();
        if !places.sites.iter().any(|known| known.id == site) {
            places.sites.push(Site {
                id: site.clone(),
                name: site.to_string(),
                opening: Vec::new(),
            });
        }
        places.placements.push(Placement {
            device: device.parse().unwrap(),
            kind: DeviceKind::Gate,
            site: Some(site),
            valid_from: at("2026-01-01T00:00:00Z"),
        });
    }
    places
}

fn opening(valid_from: &str, from: i8, until: i8) -> Opening {
    let hour = |hour| jiff::civil::time(hour, 0, 0, 0);
    let hours = OpenHours {
        from: hour(from),
        until: hour(until),
    };
    Opening {
        valid_from: at(valid_from),
        week: [Some(hours); 7],
    }
}

fn query(from: Timestamp, to: Timestamp, bucket: Bucket) -> VisitQuery {
    VisitQuery {
        site: None,
        device: None,
        from,
        to,
        bucket,
    }
}

fn everything() -> VisitQuery {
    query(
        at("2020-01-01T00:00:00Z"),
        at("2030-01-01T00:00:00Z"),
        Bucket::Year,
    )
}

fn total(views: &Views) -> u64 {
    let now = at("2029-01-01T00:00:00Z");
    views
        .visits(&everything(), now, &|_| None)
        .unwrap()
        .total
        .visits
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}
