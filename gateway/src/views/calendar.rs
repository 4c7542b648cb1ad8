//! The library's calendar: where hours, days, months and years begin in its time zone.
//!
//! Moments are whole seconds since 1970. A unit is named by its first second; units of one size
//! never overlap and leave no moment out, also where clocks are put forward or back.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned, civil::Date};

use crate::views::report::Bucket;

/// Seconds of an hour.
const HOUR: i64 = 3_600;

/// Cuts time into units.
#[derive(Debug, Clone)]
pub(crate) struct Calendar {
    zone: TimeZone,
}

impl Bucket {
    /// All sizes, smallest first.
    pub(crate) const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Month, Self::Year];
}

impl Calendar {
    /// A calendar of this zone.
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// Where the unit that holds this second begins.
    pub(crate) fn start(&self, unit: Bucket, second: i64) -> i64 {
        let zoned = self.zoned(second);
        let start = match unit {
            Bucket::Hour => {
                let offset = i64::from(zoned.offset().seconds());
                return second - (second + offset).rem_euclid(HOUR);
            }
            Bucket::Day => zoned.start_of_day(),
            Bucket::Month => zoned.first_of_month().and_then(|day| day.start_of_day()),
            Bucket::Year => zoned.first_of_year().and_then(|day| day.start_of_day()),
        };
        // Only at the very ends of time is there no such moment.
        start.map_or(second, |start| start.timestamp().as_second())
    }

    /// Where the unit after the one that begins here begins.
    pub(crate) fn next(&self, unit: Bucket, start: i64) -> i64 {
        let date = self.date(start);
        let next = match unit {
            Bucket::Hour => return self.start(Bucket::Hour, start.saturating_add(HOUR)),
            Bucket::Day => date.tomorrow(),
            Bucket::Month => date.last_of_month().tomorrow(),
            Bucket::Year => date.last_of_year().tomorrow(),
        };
        next.ok()
            .and_then(|date| self.start_of(date))
            .unwrap_or(i64::MAX)
    }

    /// The first second of a civil day.
    pub(crate) fn start_of(&self, date: Date) -> Option<i64> {
        let zoned = date.to_zoned(self.zone.clone()).ok()?;
        Some(zoned.start_of_day().ok()?.timestamp().as_second())
    }

    /// The moment of a civil time; where clocks jump over it, as far after the jump.
    pub(crate) fn moment(&self, date: Date, time: jiff::civil::Time) -> Option<i64> {
        let zoned = date.to_datetime(time).to_zoned(self.zone.clone()).ok()?;
        Some(zoned.timestamp().as_second())
    }

    /// The civil day of a second.
    pub(crate) fn date(&self, second: i64) -> Date {
        self.zoned(second).date()
    }

    /// The smallest unit that wholly holds `[from, until)`, if one does.
    pub(crate) fn smallest(&self, from: i64, until: i64) -> Option<(Bucket, i64)> {
        Bucket::ALL.into_iter().find_map(|unit| {
            let start = self.start(unit, from);
            (until <= self.next(unit, start)).then_some((unit, start))
        })
    }

    /// The first seconds of the units that touch `[from, until)`, and at last the end of the
    /// last one; none where that is more than `most` units.
    pub(crate) fn cut(&self, unit: Bucket, from: i64, until: i64, most: usize) -> Option<Vec<i64>> {
        let mut edges = vec![self.start(unit, from)];
        loop {
            let last = *edges.last()?;
            if last >= until {
                return Some(edges);
            }
            if edges.len() > most {
                return None;
            }
            edges.push(self.next(unit, last));
        }
    }

    fn zoned(&self, second: i64) -> Zoned {
        instant(second).to_zoned(self.zone.clone())
    }
}

/// The timestamp of a second, cut to what a timestamp can hold.
pub(crate) fn instant(second: i64) -> Timestamp {
    let nearest = if second < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(second).unwrap_or(nearest)
}

/// The second a timestamp lies in.
pub(crate) fn second_of(at: Timestamp) -> i64 {
    let second = at.as_second();
    second - i64::from(at.subsec_nanosecond() < 0)
}

/// The first whole second at or after a timestamp.
pub(crate) fn second_after(at: Timestamp) -> i64 {
    second_of(at) + i64::from(at.subsec_nanosecond() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Calendar {
        Calendar::new(TimeZone::get("Europe/Berlin").unwrap())
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn the_repeated_hour_is_two_hours_of_one_day() {
        let calendar = berlin();
        let first = at("2026-10-25T02:00:00+02:00");
        let second = at("2026-10-25T02:00:00+01:00");
        assert_eq!(calendar.start(Bucket::Hour, first + 3_599), first);
        assert_eq!(calendar.start(Bucket::Hour, second + 1), second);
        assert_eq!(calendar.next(Bucket::Hour, first), second);
        let day = calendar.start(Bucket::Day, second);
        assert_eq!(calendar.next(Bucket::Day, day) - day, 25 * HOUR);
        let hours = calendar.cut(Bucket::Hour, day, day + 25 * HOUR, 100);
        assert_eq!(hours.unwrap().len(), 26);
    }

    #[test]
    fn the_skipped_hour_makes_a_day_of_23() {
        let calendar = berlin();
        let day = at("2026-03-29T00:00:00+01:00");
        let edges = calendar
            .cut(Bucket::Hour, day, calendar.next(Bucket::Day, day), 100)
            .unwrap();
        assert_eq!(edges.len(), 24);
        assert!(edges.windows(2).all(|pair| pair[1] - pair[0] == HOUR));
    }

    #[test]
    fn a_period_finds_the_smallest_unit_around_it() {
        let calendar = berlin();
        let smallest = |from, until| calendar.smallest(at(from), at(until)).map(|found| found.0);
        let hour = smallest("2026-05-01T10:00:00+02:00", "2026-05-01T11:00:00+02:00");
        assert_eq!(hour, Some(Bucket::Hour));
        let day = smallest("2026-05-01T00:00:00+02:00", "2026-05-02T00:00:00+02:00");
        assert_eq!(day, Some(Bucket::Day));
        let month = smallest("2026-05-01T23:59:59+02:00", "2026-05-02T00:00:01+02:00");
        assert_eq!(month, Some(Bucket::Month));
        let year = smallest("2026-05-31T23:00:00+02:00", "2026-06-01T01:00:00+02:00");
        assert_eq!(year, Some(Bucket::Year));
        let beyond = smallest("2026-12-31T23:00:00+01:00", "2027-01-01T01:00:00+01:00");
        assert_eq!(beyond, None);
    }

    #[test]
    fn the_ends_of_time_are_survived() {
        let calendar = berlin();
        for second in [second_of(Timestamp::MIN), second_of(Timestamp::MAX)] {
            for unit in Bucket::ALL {
                let start = calendar.start(unit, second);
                assert!(start <= second && calendar.next(unit, start) > start);
            }
        }
    }
}
