//! Hours that come back each week, as people write them: `Mon-Fri 22:00-06:00`, `12:00-13:30`.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};

/// The days as written, Monday first.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Some hours of some days. Where they end before they begin, or at the same time, they end on the
/// day after; each belongs to the day it begins on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeeklyHours {
    /// The first day, counted from Monday as 0.
    first: i8,
    /// The last day, not before the first.
    last: i8,
    /// When they begin.
    from: Time,
    /// When they end: this minute is outside.
    until: Time,
}

/// Why a text is no such hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected hours such as \"Mon-Fri 22:00-06:00\" or \"12:00-13:30\"")]
pub struct WeeklyHoursError;

impl WeeklyHours {
    /// Whether the clock on the wall is within them.
    #[must_use]
    pub fn contain(&self, day: Weekday, time: Time) -> bool {
        let is_through_midnight = self.until <= self.from;
        if is_through_midnight {
            (self.is_on(day) && time >= self.from)
                || (self.is_on(day.previous()) && time < self.until)
        } else {
            self.is_on(day) && time >= self.from && time < self.until
        }
    }

    /// The times of a day at which something may change.
    #[must_use]
    pub fn edges(&self) -> [Time; 2] {
        [self.from, self.until]
    }

    fn is_on(&self, day: Weekday) -> bool {
        (self.first..=self.last).contains(&day.to_monday_zero_offset())
    }
}

impl FromStr for WeeklyHours {
    type Err = WeeklyHoursError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (days, hours) = text.trim().split_once(' ').unwrap_or(("Mon-Sun", text));
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (from, until) = hours.trim().split_once('-').ok_or(WeeklyHoursError)?;
        let read = Self {
            first: day(first)?,
            last: day(last)?,
            from: time(from)?,
            // The end of the day is the beginning of the next.
            until: match until {
                "24:00" => Time::midnight(),
                until => time(until)?,
            },
        };
        match read.first <= read.last {
            true => Ok(read),
            false => Err(WeeklyHoursError),
        }
    }
}

impl fmt::Display for WeeklyHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: i8| DAYS[usize::try_from(day).expect("days count from 0")];
        write!(f, "{}-{} ", name(self.first), name(self.last))?;
        let hour = |time: Time| time.strftime("%H:%M").to_string();
        write!(f, "{}-{}", hour(self.from), hour(self.until))
    }
}

fn day(text: &str) -> Result<i8, WeeklyHoursError> {
    let found = DAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
    let found = found.ok_or(WeeklyHoursError)?;
    i8::try_from(found).map_err(|_| WeeklyHoursError)
}

fn time(text: &str) -> Result<Time, WeeklyHoursError> {
    let is_plain = text.len() == 5 && text.is_ascii();
    let read = is_plain.then(|| Time::strptime("%H:%M", text).ok());
    read.flatten().ok_or(WeeklyHoursError)
}

#[cfg(test)]
mod tests {
    use jiff::civil::time as at;

    use super::*;

    #[test]
    fn hours_through_midnight_belong_to_the_day_they_begin_on() {
        let nights: WeeklyHours = "Mon-Fri 22:00-06:00".parse().unwrap();
        assert!(nights.contain(Weekday::Monday, at(22, 0, 0, 0)));
        assert!(nights.contain(Weekday::Saturday, at(5, 59, 59, 0)));
        assert!(!nights.contain(Weekday::Monday, at(5, 0, 0, 0)));
        assert!(!nights.contain(Weekday::Saturday, at(22, 0, 0, 0)));
        assert!(!nights.contain(Weekday::Tuesday, at(6, 0, 0, 0)));
    }

    #[test]
    fn what_is_written_is_read_back_and_nonsense_is_refused() {
        for text in [
            "Mon-Sun 12:00-13:30",
            "Sat-Sun 00:00-00:00",
            "Tue-Tue 23:59-00:01",
        ] {
            assert_eq!(text.parse::<WeeklyHours>().unwrap().to_string(), text);
        }
        let short: WeeklyHours = "Sat 09:00-24:00".parse().unwrap();
        assert_eq!(short.to_string(), "Sat-Sat 09:00-00:00");
        for wrong in [
            "",
            "Mon",
            "Fri-Mon 08:00-09:00",
            "8:00-9:00",
            "25:00-26:00",
            "Mo 08:00-09:00",
        ] {
            assert_eq!(
                wrong.parse::<WeeklyHours>(),
                Err(WeeklyHoursError),
                "{wrong}"
            );
        }
    }
}
