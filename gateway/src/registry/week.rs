//! Opening hours of a week as people write them: `Mon-Fri 08:30-17:30, Sat 09:00-12:00`.
//!
//! Days that are not named are closed; `always` is every day from 00:00 to
//! 24:00, `closed` is none.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, time};

use crate::places::OpenHours;

/// The days as written, Monday first.
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The hours of a week, Monday first; `None` is closed that day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week(pub [Option<OpenHours>; 7]);

/// Why a text is no week.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} {problem}; expected such as \"Mon-Fri 08:30-17:30, Sat 09:00-12:00\" or \"always\""
)]
pub struct WeekError {
    /// The part that was not understood.
    pub part: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl Week {
    /// Open day and night.
    #[must_use]
    pub fn always() -> Self {
        let all_day = OpenHours {
            from: Time::midnight(),
            until: Time::midnight(),
        };
        Self([Some(all_day); 7])
    }
}

impl FromStr for Week {
    type Err = WeekError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "always" => return Ok(Self::always()),
            "closed" => return Ok(Self([None; 7])),
            _ => {}
        }
        let mut week = [None; 7];
        for part in text.split(',').map(str::trim) {
            let wrong = |problem| WeekError {
                part: part.to_owned(),
                problem,
            };
            let (days, hours) = part
                .split_once(char::is_whitespace)
                .ok_or_else(|| wrong("names no days with hours"))?;
            let hours = parse_hours(hours.trim()).map_err(wrong)?;
            for day in parse_days(days).map_err(wrong)? {
                if week[day].replace(hours).is_some() {
                    return Err(wrong("names a day twice"));
                }
            }
        }
        Ok(Self(week))
    }
}

impl fmt::Display for Week {
    /// Writes what is read back as the same week.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::always() {
            return f.write_str("always");
        }
        if self.0 == [None; 7] {
            return f.write_str("closed");
        }
        let mut first = 0;
        let mut separator = "";
        while first < DAYS.len() {
            let run = self.0[first..]
                .iter()
                .take_while(|day| **day == self.0[first]);
            let last = first + run.count() - 1;
            if let Some(hours) = self.0[first] {
                write!(f, "{separator}{}", DAYS[first])?;
                if last > first {
                    write!(f, "-{}", DAYS[last])?;
                }
                write!(f, " {}-", hours.from.strftime("%H:%M"))?;
                match hours.until == Time::midnight() {
                    true => f.write_str("24:00")?,
                    false => write!(f, "{}", hours.until.strftime("%H:%M"))?,
                }
                separator = ", ";
            }
            first = last + 1;
        }
        Ok(())
    }
}

fn parse_days(text: &str) -> Result<Vec<usize>, &'static str> {
    let day = |name: &str| {
        DAYS.iter()
            .position(|known| known.eq_ignore_ascii_case(name))
            .ok_or("names no day of Mon Tue Wed Thu Fri Sat Sun")
    };
    let Some((first, last)) = text.split_once('-') else {
        return Ok(vec![day(text)?]);
    };
    let (first, last) = (day(first)?, day(last)?);
    if first > last {
        return Err("ends before it begins: a week begins on Mon");
    }
    Ok((first..=last).collect())
}

fn parse_hours(text: &str) -> Result<OpenHours, &'static str> {
    let (from, until) = text
        .split_once('-')
        .ok_or("has no hours such as 08:00-20:00")?;
    let from = parse_time(from)?;
    // The end of the day is midnight: half-open hours need no other sign for it.
    let until = match until.trim() {
        "24:00" => Time::midnight(),
        until => parse_time(until).and_then(|until| match until > from {
            true => Ok(until),
            false => Err("closes before it opens"),
        })?,
    };
    Ok(OpenHours { from, until })
}

fn parse_time(text: &str) -> Result<Time, &'static str> {
    const EXPECTED: &str = "has a time that is not from 00:00 to 24:00";
    let (hour, minute) = text.trim().split_once(':').ok_or(EXPECTED)?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return Err(EXPECTED);
    }
    match (hour.parse(), minute.parse()) {
        (Ok(hour @ 0..=23), Ok(minute @ 0..=59)) => Ok(time(hour, minute, 0, 0)),
        _ => Err(EXPECTED),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_week_as_people_write_it_is_read() {
        let week: Week = "Mon-Fri 08:30-17:30, sat 09:00-24:00".parse().unwrap();
        let open = |from, until| Some(OpenHours { from, until });
        assert_eq!(week.0[0], open(time(8, 30, 0, 0), time(17, 30, 0, 0)));
        assert_eq!(week.0[4], week.0[0]);
        assert_eq!(week.0[5], open(time(9, 0, 0, 0), Time::midnight()));
        assert_eq!(week.0[6], None);
        assert_eq!("always".parse(), Ok(Week::always()));
    }

    #[test]
    fn what_is_no_week_is_refused_with_the_part_and_the_problem() {
        for (text, part, problem) in [
            ("", "", "no days"),
            ("Mon-Fri", "Mon-Fri", "no days"),
            ("Mon 08:00-20:00,", "", "no days"),
            (
                "Mon-Fri 08:00-20:00, Fri 09:00-10:00",
                "Fri 09:00-10:00",
                "twice",
            ),
            ("Mox 08:00-20:00", "Mox 08:00-20:00", "names no day"),
            (
                "Sat-Mon 08:00-20:00",
                "Sat-Mon 08:00-20:00",
                "begins on Mon",
            ),
            ("Mon 20:00-08:00", "Mon 20:00-08:00", "closes before"),
            ("Mon 08:00-08:00", "Mon 08:00-08:00", "closes before"),
            ("Mon 24:00-24:00", "Mon 24:00-24:00", "a time"),
            ("Mon 8:00-20:60", "Mon 8:00-20:60", "a time"),
            ("Mon 08:00", "Mon 08:00", "has no hours"),
        ] {
            let error = text.parse::<Week>().expect_err(text);
            assert_eq!(error.part, part, "of {text:?}");
            assert!(error.problem.contains(problem), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_week_we_write_we_read(days in proptest::array::uniform7(
            proptest::option::of((0_i16..1_439, 1_i16..1_440))
        )) {
            let minute = |at: i16| time(i8::try_from(at / 60 % 24).unwrap(), i8::try_from(at % 60).unwrap(), 0, 0);
            let week = Week(days.map(|day| day.map(|(from, length)| {
                let until = (from + length).min(1_440);
                OpenHours { from: minute(from), until: minute(until) }
            })));
            let written = week.to_string();
            prop_assert_eq!(written.parse(), Ok(week), "{}", written);
        }
    }
}
