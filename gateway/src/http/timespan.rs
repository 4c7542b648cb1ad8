//! A span of time as people and programs ask for it: moments or civil dates of the library,
//! either end left out.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::problem::Problem;
use crate::views::report::Bucket;

/// Answers stay small enough to read: more than two years by hour.
pub(super) const BUCKETS_MAX: i64 = 20_000;

/// What is expected of `from` and `to`.
const EXPECTED: &str = "a time such as 2026-11-04T09:00:00+08:00 (write + as %2B), or a date or \
                        date and time of the library such as 2026-11-04 or 2026-11-04T09:00";

/// A half-open span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timespan {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Timespan {
    /// Reads both ends; the default is today.
    pub(super) fn read(
        from: Option<&str>,
        to: Option<&str>,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<Self, Problem> {
        let given_from = from.map(|text| moment("from", text, zone)).transpose()?;
        let given_to = to.map(|text| moment("to", text, zone)).transpose()?;
        let span = match (given_from, given_to) {
            (Some(from), Some(to)) => Self { from, to },
            (Some(from), None) => Self {
                from,
                to: day(now, 1, zone),
            },
            (None, Some(to)) => Self {
                from: day(before(to), 0, zone),
                to,
            },
            (None, None) => Self {
                from: day(now, 0, zone),
                to: day(now, 1, zone),
            },
        };
        if span.from >= span.to {
            let later = format!(
                "a time after {}",
                span.from.to_zoned(zone.clone()).datetime()
            );
            return Err(match to {
                Some(to) => Problem::parameter("to", to, later),
                None => Problem::parameter("from", from.unwrap_or(""), "a time before tomorrow"),
            });
        }
        Ok(span)
    }

    /// Refuses a span of too many buckets.
    pub(super) fn fits(&self, bucket: Bucket) -> Result<(), Problem> {
        let seconds = self.to.as_second() - self.from.as_second();
        let at_least = match bucket {
            Bucket::Hour => 3_600,
            Bucket::Day => 23 * 3_600,
            Bucket::Month => 28 * 24 * 3_600,
            Bucket::Year => 365 * 24 * 3_600,
        };
        let buckets = seconds / at_least + 1;
        if buckets <= BUCKETS_MAX {
            return Ok(());
        }
        let name = bucket_name(bucket);
        let expected = format!("a bucket that divides this span into at most {BUCKETS_MAX}");
        Err(Problem::parameter("bucket", name, expected))
    }
}

/// The name of a bucket in the API.
pub(super) fn bucket_name(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::Hour => "hour",
        Bucket::Day => "day",
        Bucket::Month => "month",
        Bucket::Year => "year",
    }
}

/// The bucket of a name.
pub(super) fn bucket(name: &str) -> Result<Bucket, Problem> {
    [Bucket::Hour, Bucket::Day, Bucket::Month, Bucket::Year]
        .into_iter()
        .find(|bucket| bucket_name(*bucket) == name)
        .ok_or_else(|| Problem::parameter("bucket", name, "hour, day, month or year"))
}

/// RFC 3339 with the library's offset at that moment.
pub(super) fn local(moment: Timestamp, zone: &TimeZone) -> String {
    moment
        .display_with_offset(zone.to_offset(moment))
        .to_string()
}

fn moment(name: &str, text: &str, zone: &TimeZone) -> Result<Timestamp, Problem> {
    // A + that was not escaped arrives as a space; a civil time has its space before the time.
    let text_with_plus = match text.rsplit_once(' ') {
        Some((time, offset)) if time.contains(['T', 't', ' ']) => format!("{time}+{offset}"),
        _ => text.to_owned(),
    };
    let wrong = || Problem::parameter(name, text, EXPECTED);
    let read = text_with_plus.parse::<Timestamp>().or_else(|_| {
        let civil = text_with_plus.parse::<DateTime>()?;
        civil.to_zoned(zone.clone()).map(|zoned| zoned.timestamp())
    });
    let moment = read.map_err(|_| wrong())?;
    let year = moment.to_zoned(zone.clone()).year();
    if !(1900..=2200).contains(&year) {
        return Err(Problem::parameter(name, text, "a time from 1900 to 2200"));
    }
    Ok(moment)
}

/// The beginning of the library's day that holds a moment, or of a day near it.
fn day(moment: Timestamp, days_on: i64, zone: &TimeZone) -> Timestamp {
    let today = moment.to_zoned(zone.clone());
    let date = today.date().saturating_add(days_on.days());
    date.to_zoned(zone.clone())
        .map_or(moment, |zoned| zoned.timestamp())
}

fn before(moment: Timestamp) -> Timestamp {
    moment
        .saturating_sub(1.nanosecond())
        .unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_as_it_was_meant() {
        for (from, to, expected) in [
            (None, None, ("2026-11-03T16:00:00Z", "2026-11-04T16:00:00Z")),
            (
                Some("2026-11-01"),
                None,
                ("2026-10-31T16:00:00Z", "2026-11-04T16:00:00Z"),
            ),
            (
                None,
                Some("2026-11-02"),
                ("2026-10-31T16:00:00Z", "2026-11-01T16:00:00Z"),
            ),
            (
                Some("2026-11-01T09:00"),
                Some("2026-11-01 10:30:00"),
                ("2026-11-01T01:00:00Z", "2026-11-01T02:30:00Z"),
            ),
            (
                Some("2026-11-01T09:00:00 08:00"),
                Some("2026-11-01T02:30:00Z"),
                ("2026-11-01T01:00:00Z", "2026-11-01T02:30:00Z"),
            ),
        ] {
            let span = read(from, to).unwrap();
            let (begin, end) = (span.from.to_string(), span.to.to_string());
            assert_eq!((begin.as_str(), end.as_str()), expected, "{from:?} {to:?}");
        }
    }

    #[test]
    fn a_span_that_is_none_is_refused_by_its_parameter() {
        for (from, to, parameter) in [
            (Some("yesterday"), None, "from"),
            (None, Some("2026-13-01"), "to"),
            (Some("2026-11-02"), Some("2026-11-02"), "to"),
            (Some("2026-11-05"), None, "from"),
            (Some("1492-01-01"), None, "from"),
        ] {
            let problem = read(from, to).unwrap_err().document("");
            assert_eq!(problem.parameter.as_deref(), Some(parameter), "{problem:?}");
        }
    }

    #[test]
    fn a_century_by_hour_is_too_much_and_by_day_too_but_not_by_month() {
        let span = read(Some("2000-01-01"), Some("2100-01-01")).unwrap();
        assert!(span.fits(Bucket::Hour).is_err());
        assert!(span.fits(Bucket::Day).is_err());
        assert!(span.fits(Bucket::Month).is_ok());
    }

    fn read(from: Option<&str>, to: Option<&str>) -> Result<Timespan, Problem> {
        let now = "2026-11-04T06:32:00Z".parse().unwrap();
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        Timespan::read(from, to, now, &zone)
    }
}
