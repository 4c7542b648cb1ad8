//! Visits: cells and coverage added up into the units of a range.
//!
//! A cell no larger than the unit asked for is in its unit and in the total; a larger one in the
//! total alone, where its own beginning lies in the range. So totals of adjoining ranges add up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Stream};

use crate::places::{Places, SiteId};
use crate::views::Written;
use crate::views::calendar::{Calendar, instant, second_of};
use crate::views::key::{Key, WideUnit};
use crate::views::pages::{Damage, Pages, read_all, read_range};
use crate::views::record::{Counts, DaySheet, Tally};
use crate::views::report::{
    Bucket, Completeness, Gap, VisitBucket, VisitQuery, VisitReport, VisitTotal,
};
use crate::views::spans::Spans;
use crate::views::stays::{Expectation, Stay, site_at, stays};
use crate::views::streams::gaps_of;
use crate::views::units::{NoReport, edges};

/// Holes in coverage of at most this many seconds are no silence: each period is corrected by the
/// measurement that was the latest as it was written, and two of these differ a little.
const JOINT: i64 = 2;

/// Seconds of the longest day there is, with room: looked around the range for what joins.
const DAY: i64 = 26 * 3_600;

/// Answers for visits up to `now`.
pub(crate) fn visit_report(
    pages: &dyn Pages,
    calendar: &Calendar,
    places: &Places,
    query: &VisitQuery,
    now: Timestamp,
    written: Written<'_>,
) -> Result<VisitReport, NoReport> {
    let edges = edges(calendar, query.bucket, query.from, query.to)?;
    let (from, until) = (edges[0], edges[edges.len() - 1]);
    let stays = stays(places);
    let tallies = tallies(pages)?;
    let expected_until = until.min(second_of(now));
    let mut sums = Sums::new(&edges, query);
    let mut expectation = Expectation::new(places, calendar, (from, expected_until));
    let mut gaps = Vec::new();
    for device in concerned(&stays, &tallies, query, (from, until)) {
        let stays = stays.get(&device).map_or(&[][..], Vec::as_slice);
        let covered = sums.add_days(pages, calendar, &device, stays)?;
        sums.add_wide(pages, &device, stays)?;
        let first_covered = tallies.get(&device).and_then(|tally| tally.first_covered);
        let expected = expectation.of(stays, query.site.as_ref(), first_covered);
        let watched = covered.joined(JOINT).intersection(&expected);
        expected.spread(&edges, &mut sums.expected);
        watched.spread(&edges, &mut sums.covered);
        gaps.extend(gaps_of(pages, &device, Stream::Visit, written)?);
    }
    Ok(sums.report(gaps))
}

fn tallies(pages: &dyn Pages) -> Result<BTreeMap<DeviceId, Tally>, Damage> {
    let records: Vec<(Key, Tally)> = read_all(pages, &Key::tallies())?;
    let of_device = |(key, tally)| match key {
        Key::Tally(device) => Some((device, tally)),
        _ => None,
    };
    Ok(records.into_iter().filter_map(of_device).collect())
}

/// The devices the question is about: known to the ledger or placed, and at the site asked for at
/// some time of the range.
fn concerned(
    stays: &BTreeMap<DeviceId, Vec<Stay>>,
    tallies: &BTreeMap<DeviceId, Tally>,
    query: &VisitQuery,
    (from, until): (i64, i64),
) -> BTreeSet<DeviceId> {
    let was_there = |device: &DeviceId| {
        let Some(site) = &query.site else { return true };
        let overlaps = |stay: &Stay| stay.from < until && from < stay.until;
        stays.get(device).is_some_and(|stays| {
            let mut there = stays.iter().filter(|stay| overlaps(stay));
            there.any(|stay| stay.site.as_ref() == Some(site))
        })
    };
    let known = stays.keys().chain(tallies.keys());
    known
        .filter(|device| query.device.as_ref().is_none_or(|asked| asked == *device))
        .filter(|device| was_there(device))
        .cloned()
        .collect()
}

/// What is added up, unit by unit.
struct Sums<'a> {
    edges: &'a [i64],
    bucket: Bucket,
    site: Option<&'a SiteId>,
    counts: Vec<Counts>,
    covered: Vec<u64>,
    expected: Vec<u64>,
    total: Counts,
    hours_unknown: u64,
    undated: u64,
}

impl<'a> Sums<'a> {
    fn new(edges: &'a [i64], query: &'a VisitQuery) -> Self {
        let units = edges.len() - 1;
        Self {
            edges,
            bucket: query.bucket,
            site: query.site.as_ref(),
            counts: vec![Counts::default(); units],
            covered: vec![0; units],
            expected: vec![0; units],
            total: Counts::default(),
            hours_unknown: 0,
            undated: 0,
        }
    }

    /// Adds hours and days of a device; returns its coverage in and around the range.
    fn add_days(
        &mut self,
        pages: &dyn Pages,
        calendar: &Calendar,
        device: &DeviceId,
        stays: &[Stay],
    ) -> Result<Spans<i64>, Damage> {
        let (from, until) = (self.edges[0], self.edges[self.edges.len() - 1]);
        let from = calendar.start(Bucket::Day, from.saturating_sub(DAY));
        let [from, until] = [from, until.saturating_add(DAY)]
            .map(|second| Key::Day(device.clone(), second).encode());
        let mut covered = Spans::default();
        for (key, sheet) in read_range::<DaySheet>(pages, &from, &until)? {
            let Key::Day(_, day) = key else { continue };
            for (start, counts) in &sheet.hours {
                self.add(Some(Bucket::Hour), *start, *counts, stays);
            }
            let of_day = self.add(Some(Bucket::Day), day, sheet.day, stays);
            self.hours_unknown = self.hours_unknown.saturating_add(of_day);
            let undated = self.add(None, day, sheet.undated, stays);
            self.undated = self.undated.saturating_add(undated);
            for (from, until) in sheet.covered.iter() {
                covered.insert(from, until);
            }
        }
        Ok(covered)
    }

    fn add_wide(
        &mut self,
        pages: &dyn Pages,
        device: &DeviceId,
        stays: &[Stay],
    ) -> Result<(), Damage> {
        let (from, until) = (self.edges[0], self.edges[self.edges.len() - 1]);
        for unit in WideUnit::ALL {
            let [from, until] =
                [from, until].map(|second| Key::Wide(device.clone(), unit, second).encode());
            for (key, counts) in read_range::<Counts>(pages, &from, &until)? {
                let Key::Wide(_, _, start) = key else {
                    continue;
                };
                let wide = self.add(unit.bucket(), start, counts, stays);
                self.hours_unknown = self.hours_unknown.saturating_add(wide);
            }
        }
        Ok(())
    }

    /// Adds a cell that begins at `start`, if range and site have it; returns its visits then.
    fn add(&mut self, unit: Option<Bucket>, start: i64, counts: Counts, stays: &[Stay]) -> u64 {
        let after = self.edges.partition_point(|edge| *edge <= start);
        if after == 0 || after == self.edges.len() {
            return 0;
        }
        let asked = self.site;
        if asked.is_some_and(|asked| site_at(stays, start) != Some(asked)) {
            return 0;
        }
        self.total.add(counts);
        if unit.is_some_and(|unit| unit <= self.bucket) {
            self.counts[after - 1].add(counts);
        }
        counts.visits
    }

    fn report(self, gaps: Vec<Gap>) -> VisitReport {
        let sums = self.counts.iter().zip(&self.covered).zip(&self.expected);
        let bucket =
            |(start, ((counts, covered), expected)): (&i64, ((&Counts, &u64), &u64))| VisitBucket {
                start: instant(*start),
                entered: counts.entered,
                left: counts.left,
                visits: counts.visits,
                complete: complete(*covered, *expected),
            };
        VisitReport {
            buckets: self.edges.iter().zip(sums).map(bucket).collect(),
            total: VisitTotal {
                entered: self.total.entered,
                left: self.total.left,
                visits: self.total.visits,
                hours_unknown: self.hours_unknown,
                undated: self.undated,
                complete: complete(self.covered.iter().sum(), self.expected.iter().sum()),
            },
            gaps,
        }
    }
}

fn complete(covered_seconds: u64, expected_seconds: u64) -> Option<Completeness> {
    (expected_seconds > 0).then_some(Completeness {
        covered_seconds,
        expected_seconds,
    })
}
