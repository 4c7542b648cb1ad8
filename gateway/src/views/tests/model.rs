//! What the views must say, worked out from the whole list of entries minute by minute. It knows
//! nothing of cells, spans, keys or folds; all its periods begin and end at full minutes.

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::{Timestamp, Zoned};
use lujiang_wire::{Fact, VisitCounted};

use super::*;
use crate::entry::FactTime;
use crate::views::report::{VisitBucket, VisitTotal};

const MINUTE: i64 = 60;

/// The report, without gaps.
pub(super) fn visits(
    entries: &[Entry],
    places: &Places,
    query: &VisitQuery,
    now: Timestamp,
) -> (Vec<VisitBucket>, VisitTotal) {
    let model = Model { entries, places };
    let mut buckets = Vec::new();
    let mut start = model.unit(query.bucket, query.from);
    while start < query.to {
        // The zone's clocks only ever change by full hours.
        let mut next = start + SignedDuration::from_hours(1);
        while model.unit(query.bucket, next) == start {
            next += SignedDuration::from_hours(1);
        }
        buckets.push((start, next));
        start = next;
    }
    let range = (buckets[0].0, start);
    let whole = model.sum(query, range, Bucket::Year, Larger::Too);
    let total = VisitTotal {
        entered: whole.0,
        left: whole.1,
        visits: whole.0,
        hours_unknown: whole.2,
        undated: whole.3,
        complete: model.complete(query, range, now),
    };
    let bucket = |range: (Timestamp, Timestamp)| {
        let sum = model.sum(query, range, query.bucket, Larger::Not);
        VisitBucket {
            start: range.0,
            entered: sum.0,
            left: sum.1,
            visits: sum.0,
            complete: model.complete(query, range, now),
        }
    };
    (buckets.into_iter().map(bucket).collect(), total)
}

/// Numbers missing from the visit stream of a device in this life, up to the highest.
pub(super) fn missing(entries: &[Entry], device: &DeviceId, epoch: &Epoch) -> BTreeSet<u64> {
    let places = entries.iter().filter(|entry| entry.device == *device);
    let places = places.filter_map(|entry| entry.place.as_ref());
    let of_life = places.filter(|p| p.epoch == *epoch && p.stream == Stream::Visit);
    let there: BTreeSet<u64> = of_life.map(|place| place.sequence.get()).collect();
    let highest = there.last().copied().unwrap_or(0);
    (1..=highest).filter(|n| !there.contains(n)).collect()
}

/// Whether what fits in no unit of the size, or has no time, belongs to the sum.
#[derive(Clone, Copy, PartialEq)]
enum Larger {
    Too,
    Not,
}

struct Model<'a> {
    entries: &'a [Entry],
    places: &'a Places,
}

impl Model<'_> {
    fn zoned(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.places.zone.clone())
    }

    /// Where the unit around a full minute begins.
    fn unit(&self, unit: Bucket, at: Timestamp) -> Timestamp {
        let zoned = self.zoned(at);
        if unit == Bucket::Hour {
            let minutes = i64::from(zoned.minute()) * MINUTE + i64::from(zoned.second());
            return at - SignedDuration::from_secs(minutes);
        }
        let date = match unit {
            Bucket::Month => jiff::civil::date(zoned.year(), zoned.month(), 1),
            Bucket::Year => jiff::civil::date(zoned.year(), 1, 1),
            Bucket::Hour | Bucket::Day => zoned.date(),
        };
        date.to_zoned(self.places.zone.clone()).unwrap().timestamp()
    }

    /// In, out, of these of unknown hour, and undated.
    fn sum(
        &self,
        query: &VisitQuery,
        range: (Timestamp, Timestamp),
        largest: Bucket,
        larger: Larger,
    ) -> (u64, u64, u64, u64) {
        let mut sum = (0, 0, 0, 0);
        for (entry, visit, time) in self.counted() {
            let (unit, start, undated) = self.cell(entry, visit, time);
            let fits = unit.is_some_and(|unit| unit <= largest) || larger == Larger::Too;
            let is_in = range.0 <= start && start < range.1;
            if !fits || !is_in || !self.is_asked(query, &entry.device, start) {
                continue;
            }
            sum.0 += visit.entered;
            sum.1 += visit.left;
            sum.2 += visit.entered * u64::from(unit != Some(Bucket::Hour) && !undated);
            sum.3 += visit.entered * u64::from(undated);
        }
        sum
    }

    /// The unit a period is counted in, where that begins, and whether it has no time.
    fn cell(
        &self,
        entry: &Entry,
        visit: &VisitCounted,
        time: FactTime,
    ) -> (Option<Bucket>, Timestamp, bool) {
        if time.quality == TimeQuality::Unknown {
            return (None, self.unit(Bucket::Day, entry.received), true);
        }
        let (from, to) = (visit.from + time.correction, visit.to + time.correction);
        let length = to.duration_since(from);
        if visit.is_observed() && length <= SignedDuration::from_hours(1) {
            let middle = from + length / 2;
            return (Some(Bucket::Hour), self.unit(Bucket::Hour, middle), false);
        }
        let last = to - SignedDuration::from_secs(1);
        if visit.flags.contains(&Flag::FromUnknown) {
            return (None, last, false);
        }
        let sizes = [Bucket::Hour, Bucket::Day, Bucket::Month, Bucket::Year];
        let held = |unit: &Bucket| self.unit(*unit, from) == self.unit(*unit, last);
        match sizes.into_iter().find(held) {
            Some(unit) => (Some(unit), self.unit(unit, from), false),
            None => (None, from, false),
        }
    }

    fn counted(&self) -> impl Iterator<Item = (&Entry, &VisitCounted, FactTime)> {
        self.entries.iter().filter_map(|entry| {
            let (event, time) = entry.verdict.counted()?;
            match event.fact() {
                Fact::VisitCounted(visit) => Some((entry, visit, time)),
                _ => None,
            }
        })
    }

    fn is_asked(&self, query: &VisitQuery, device: &DeviceId, at: Timestamp) -> bool {
        let placement = self.places.placement_at(device, at);
        let site = placement.and_then(|placement| placement.site.as_ref());
        query.device.as_ref().is_none_or(|asked| asked == device)
            && query.site.as_ref().is_none_or(|asked| Some(asked) == site)
    }

    fn complete(
        &self,
        query: &VisitQuery,
        (from, to): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Option<Completeness> {
        let (mut covered, mut expected) = (0, 0);
        let devices: BTreeSet<&DeviceId> = self
            .places
            .placements
            .iter()
            .map(|row| &row.device)
            .collect();
        for device in devices {
            let watched: Vec<(Timestamp, Timestamp)> = self.watched(device);
            let first = watched.iter().map(|period| period.0).min();
            let placed = self.places.placements.iter().find(|p| p.device == *device);
            let placed = placed.unwrap().valid_from;
            let begins = first.map_or(placed, |first| first.min(placed));
            let mut minute = from.max(begins);
            while minute < to.min(now) {
                if self.is_expected(query, device, minute) {
                    expected += MINUTE.unsigned_abs();
                    let is_watched = watched.iter().any(|p| p.0 <= minute && minute < p.1);
                    covered += MINUTE.unsigned_abs() * u64::from(is_watched);
                }
                minute += SignedDuration::from_secs(MINUTE);
            }
        }
        (expected > 0).then_some(Completeness {
            covered_seconds: covered,
            expected_seconds: expected,
        })
    }

    fn watched(&self, device: &DeviceId) -> Vec<(Timestamp, Timestamp)> {
        let of_device = self.counted().filter(|(entry, ..)| entry.device == *device);
        of_device
            .filter(|(_, visit, time)| visit.is_observed() && time.quality != TimeQuality::Unknown)
            .map(|(_, visit, time)| (visit.from + time.correction, visit.to + time.correction))
            .collect()
    }

    fn is_expected(&self, query: &VisitQuery, device: &DeviceId, at: Timestamp) -> bool {
        let Some(placement) = self.places.placement_at(device, at) else {
            return false;
        };
        let Some(site) = &placement.site else {
            return false;
        };
        placement.kind == DeviceKind::Gate
            && self.is_asked(query, device, at)
            && self.is_open(site, at)
    }

    fn is_open(&self, site: &DeviceId, at: Timestamp) -> bool {
        let site = self.places.sites.iter().find(|known| known.id == *site);
        let rows = site.map_or(&[][..], |site| &site.opening);
        let Some(row) = rows.iter().rfind(|row| row.valid_from <= at) else {
            return true;
        };
        let zoned = self.zoned(at);
        let weekday = usize::try_from(zoned.weekday().to_monday_zero_offset()).unwrap();
        row.week[weekday].is_some_and(|hours| {
            let is_before_end = hours.until == Time::midnight() || zoned.time() < hours.until;
            hours.from <= zoned.time() && is_before_end
        })
    }
}
