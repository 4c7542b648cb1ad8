//! A day or a moment of a licence. A day without a time is the library's: a licence begins at its
//! 00:00, and ends when its last day is over, as people mean it.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

/// From this year on a date means "for ever": 2999 and 9999 stand in lists for it.
const FOR_EVER: i16 = 2900;

/// Licences of electronic books began later; a date before is a slip.
const FIRST: i16 = 1990;

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DayFault {
    /// Not written as one.
    #[error("write 2026-11-30, 2026/11/30, 2026年11月30日 or 2026-11-30T18:00:00+08:00")]
    Form,
    /// There is no such day, or it lies before all licences.
    #[error("there is no such day in a licence")]
    None,
}

enum Moment {
    Day(Date),
    Time(Timestamp),
}

/// When something begins; none where it has always begun.
pub(super) fn beginning(text: &str, zone: &TimeZone) -> Result<Option<Timestamp>, DayFault> {
    Ok(match moment(text, zone)? {
        None => None,
        Some(Moment::Time(time)) => Some(time),
        Some(Moment::Day(day)) => Some(midnight(day, zone)?),
    })
}

/// When something is over; none where it never is. A day is over at the next one's 00:00.
pub(super) fn end(text: &str, zone: &TimeZone) -> Result<Option<Timestamp>, DayFault> {
    Ok(match moment(text, zone)? {
        None => None,
        Some(Moment::Time(time)) => {
            let is_for_ever = time.to_zoned(zone.clone()).year() >= FOR_EVER;
            (!is_for_ever).then_some(time)
        }
        Some(Moment::Day(day)) if day.year() >= FOR_EVER => None,
        Some(Moment::Day(day)) => {
            let next = day.tomorrow().map_err(|_| DayFault::None)?;
            Some(midnight(next, zone)?)
        }
    })
}

/// A beginning, for people: `2026-11-01 00:00`.
pub(crate) fn shown_beginning(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// An end, for people: midnight is the end of the day before, `2026-11-30 24:00`.
pub(crate) fn shown_end(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    match local.date().yesterday() {
        Ok(last) if local.time() == Time::midnight() => format!("{last} 24:00"),
        _ => shown_beginning(at, zone),
    }
}

/// The first moment of a day; where clocks go forward at midnight that is not 00:00.
fn midnight(day: Date, zone: &TimeZone) -> Result<Timestamp, DayFault> {
    let zoned = day.to_zoned(zone.clone());
    zoned.map(|it| it.timestamp()).map_err(|_| DayFault::None)
}

fn moment(text: &str, zone: &TimeZone) -> Result<Option<Moment>, DayFault> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let found = match day(text) {
        Some(day) => Moment::Day(day.ok_or(DayFault::None)?),
        None => Moment::Time(time(text, zone)?),
    };
    let year = match &found {
        Moment::Day(day) => day.year(),
        Moment::Time(time) => time.to_zoned(zone.clone()).year(),
    };
    match year >= FIRST {
        true => Ok(Some(found)),
        false => Err(DayFault::None),
    }
}

/// Year, month and day in this order; any other could be read in two ways. The inner one is none
/// where there is no such day.
fn day(text: &str) -> Option<Option<Date>> {
    let parts: Vec<&str> = match text.strip_suffix('日') {
        Some(chinese) => {
            let (year, rest) = chinese.split_once('年')?;
            let (month, day) = rest.split_once('月')?;
            vec![year, month, day]
        }
        None if text.len() == 8 && text.bytes().all(|it| it.is_ascii_digit()) => {
            vec![&text[..4], &text[4..6], &text[6..]]
        }
        None => text.split(['-', '/', '.']).collect(),
    };
    let [year, month, day] = parts[..] else {
        return None;
    };
    let is_number = |part: &str, longest| {
        (1..=longest).contains(&part.len()) && part.bytes().all(|it| it.is_ascii_digit())
    };
    if year.len() != 4 || !is_number(year, 4) || !is_number(month, 2) || !is_number(day, 2) {
        return None;
    }
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    Some(date.ok())
}

/// With a zone of its own, or in the library's.
fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, DayFault> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let local: DateTime = text.replace('/', "-").parse().map_err(|_| DayFault::Form)?;
    let zoned = local.to_zoned(zone.clone());
    zoned.map(|it| it.timestamp()).map_err(|_| DayFault::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shanghai() -> TimeZone {
        TimeZone::get("Asia/Shanghai").unwrap()
    }

    fn told(time: Option<Timestamp>) -> String {
        time.map_or("never".into(), |time| time.to_string())
    }

    #[test]
    fn a_day_begins_at_its_midnight_and_ends_with_the_next_ones() {
        for written in [
            "2026-11-30",
            "2026/11/30",
            "2026.11.30",
            "20261130",
            "2026年11月30日",
        ] {
            let begins = beginning(written, &shanghai()).unwrap();
            let ends = end(written, &shanghai()).unwrap();
            assert_eq!(told(begins), "2026-11-29T16:00:00Z", "{written}");
            assert_eq!(told(ends), "2026-11-30T16:00:00Z", "{written}");
        }
    }

    #[test]
    fn a_window_is_shown_as_people_wrote_it() {
        let window = |since, until| super::super::Window {
            since: beginning(since, &shanghai()).unwrap(),
            until: end(until, &shanghai()).unwrap(),
        };
        let shown = |since, until| window(since, until).shown(&shanghai());
        let month = shown("2026-11-01", "2026-11-30");
        assert_eq!(month, "2026-11-01 00:00 – 2026-11-30 24:00");
        assert_eq!(shown("", "2026-11-30 18:00"), "until 2026-11-30 18:00");
        assert_eq!(shown("2026-11-01", ""), "from 2026-11-01 00:00");
        assert_eq!(shown("", ""), "always");
    }

    #[test]
    fn a_day_of_23_hours_ends_when_it_is_over() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let begins = beginning("2026-03-29", &berlin).unwrap();
        let ends = end("2026-03-29", &berlin).unwrap();
        assert_eq!(told(begins), "2026-03-28T23:00:00Z");
        assert_eq!(told(ends), "2026-03-29T22:00:00Z");
    }

    #[test]
    fn a_time_is_taken_as_it_stands() {
        let ends = |text| told(end(text, &shanghai()).unwrap());
        assert_eq!(ends("2026-11-30T18:00:00+09:00"), "2026-11-30T09:00:00Z");
        assert_eq!(ends("2026-11-30T18:00:00Z"), "2026-11-30T18:00:00Z");
        assert_eq!(ends("2026/11/30 18:00"), "2026-11-30T10:00:00Z");
    }

    #[test]
    fn for_ever_is_no_end() {
        for written in ["9999-12-31", "2999/12/31", "9999-12-30T00:00:00Z", ""] {
            assert_eq!(end(written, &shanghai()), Ok(None), "{written}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for written in [
            "01/11/2026",
            "11-01-26",
            "26-11-01",
            "Nov 2026",
            "2026-11",
            "45992",
        ] {
            assert_eq!(end(written, &shanghai()), Err(DayFault::Form), "{written}");
        }
        for written in ["2026-02-30", "2026-13-01", "0202-11-01", "2026年2月29日"] {
            assert_eq!(end(written, &shanghai()), Err(DayFault::None), "{written}");
        }
    }
}
