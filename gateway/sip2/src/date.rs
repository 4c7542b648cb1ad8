//! Dates as SIP2 writes them: 18 characters `YYYYMMDDZZZZHHMMSS`, of which ZZZZ says local (four
//! blanks) or UTC (three blanks and a `Z`); and the free forms that stand in variable fields such
//! as AH. Which zone "local" is, the caller knows.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::field::FieldValue;
use crate::fixed::Codec;

/// A second on the sender's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SipDate {
    /// The date and the time of day, without parts of a second.
    pub when: DateTime,
    /// Whose clock that is.
    pub zone: Zone,
}

/// What ZZZZ says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Zone {
    /// Four blanks: where the sender stands. What we do not know is read as this, too.
    #[default]
    Local,
    /// Three blanks and a `Z`.
    Utc,
}

/// A date in a variable field, as its sender wrote it (AH, CJ, CM …): what cannot be read as a
/// date is still shown to people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct VariableDate(String);

impl SipDate {
    /// The moment as the clock of `zone` shows it, written as local time, which every machine
    /// reads; parts of a second are dropped.
    #[must_use]
    pub fn local(at: Timestamp, zone: &TimeZone) -> Self {
        Self {
            when: whole_seconds(zone.to_datetime(at)),
            zone: Zone::Local,
        }
    }

    /// The moment in UTC; parts of a second are dropped.
    #[must_use]
    pub fn utc(at: Timestamp) -> Self {
        Self {
            when: whole_seconds(TimeZone::UTC.to_datetime(at)),
            zone: Zone::Utc,
        }
    }

    /// The moment meant, where local means `local`; an hour the clocks skip or repeat is read as
    /// jiff's "compatible" says. None beyond the calendar.
    #[must_use]
    pub fn timestamp(&self, local: &TimeZone) -> Option<Timestamp> {
        let zone = match self.zone {
            Zone::Local => local,
            Zone::Utc => &TimeZone::UTC,
        };
        zone.to_timestamp(self.when).ok()
    }

    /// Reads the 18 characters of the standard. Other zones than the two, which are letters, are
    /// read as local.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != Self::WIDTH
            || !bytes[8..12]
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || *byte == b' ')
        {
            return None;
        }
        let when = compact(&bytes[..8], &bytes[12..])?;
        let zone = if bytes[8..12] == *b"   Z" {
            Zone::Utc
        } else {
            Zone::Local
        };
        Some(Self { when, zone })
    }

    /// Reads a date at the beginning of `text` in one of the forms the wild puts into fixed
    /// fields, and says how long it is.
    fn loose_prefix(text: &str) -> Option<(Self, usize)> {
        let bytes = text.as_bytes();
        [19, 10].into_iter().find_map(|width| {
            let when = dashed(bytes.get(..width)?)?;
            Some((
                Self {
                    when,
                    zone: Zone::Local,
                },
                width,
            ))
        })
    }
}

impl fmt::Display for SipDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = match self.zone {
            Zone::Local => "    ",
            Zone::Utc => "   Z",
        };
        let when = self.when;
        write!(
            f,
            "{:04}{:02}{:02}",
            when.year().max(0),
            when.month(),
            when.day()
        )?;
        write!(
            f,
            "{zone}{:02}{:02}{:02}",
            when.hour(),
            when.minute(),
            when.second()
        )
    }
}

/// A transaction date, an nb due date or a return date; blank where its sender leaves it so.
impl Codec for SipDate {
    type Value = Option<SipDate>;
    const WIDTH: usize = 18;

    fn read(text: &str) -> Option<Self::Value> {
        if text.bytes().all(|byte| byte == b' ') {
            Some(None)
        } else {
            Self::parse(text).map(Some)
        }
    }

    fn loose(text: &str) -> Option<(Self::Value, usize)> {
        Self::loose_prefix(text).map(|(date, width)| (Some(date), width))
    }

    fn write(value: &Self::Value, out: &mut String) {
        match value {
            Some(date) => out.push_str(&date.to_string()),
            None => out.push_str(&" ".repeat(Self::WIDTH)),
        }
    }
}

impl VariableDate {
    /// Takes the text as it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The date in it, where it is written in a way known to mean one date only: the standard's
    /// 18 characters, `20171028`, `2017-10-28`, and the last two with a time of day. A date without
    /// a time means the end of that day: until then the item may be kept.
    #[must_use]
    pub fn read(&self) -> Option<SipDate> {
        let text = self.0.trim();
        if let Some(date) = SipDate::parse(text) {
            return Some(date);
        }
        let bytes = text.as_bytes();
        let when = match bytes.len() {
            8 => Some(end_of_day(digits_date(bytes)?)),
            10 => Some(end_of_day(dashed(bytes)?.date())),
            14 => compact(&bytes[..8], &bytes[8..]),
            15 if matches!(bytes[8], b' ' | b'T') => compact(&bytes[..8], &bytes[9..]),
            16 => dashed(format!("{text}:00").as_bytes()),
            19 => dashed(bytes),
            _ => None,
        }?;
        Some(SipDate {
            when,
            zone: Zone::Local,
        })
    }
}

impl From<SipDate> for VariableDate {
    fn from(date: SipDate) -> Self {
        Self(date.to_string())
    }
}

impl FieldValue for VariableDate {
    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

fn whole_seconds(at: DateTime) -> DateTime {
    at.with().subsec_nanosecond(0).build().unwrap_or(at)
}

fn end_of_day(date: Date) -> DateTime {
    date.at(23, 59, 59, 0)
}

/// `20171028` and `153000`.
fn compact(date: &[u8], time: &[u8]) -> Option<DateTime> {
    Some(digits_date(date)?.to_datetime(time_of(time.get(..2)?, time.get(2..4)?, time.get(4..)?)?))
}

fn digits_date(date: &[u8]) -> Option<Date> {
    date_of(date.get(..4)?, date.get(4..6)?, date.get(6..)?)
}

/// `2017-10-28` (its midnight), or `2017-10-28 15:30:00`, also with a `T` between.
fn dashed(text: &[u8]) -> Option<DateTime> {
    if text.get(4) != Some(&b'-') || text.get(7) != Some(&b'-') {
        return None;
    }
    let date = date_of(&text[..4], &text[5..7], text.get(8..10)?)?;
    match text.get(10..)? {
        [] => Some(date.at(0, 0, 0, 0)),
        [b' ' | b'T', time @ ..] if time.len() == 8 && time[2] == b':' && time[5] == b':' => {
            Some(date.to_datetime(time_of(&time[..2], &time[3..5], &time[6..])?))
        }
        _ => None,
    }
}

fn date_of(year: &[u8], month: &[u8], day: &[u8]) -> Option<Date> {
    Date::new(
        number(year)?,
        i8::try_from(number(month)?).ok()?,
        i8::try_from(number(day)?).ok()?,
    )
    .ok()
}

fn time_of(hour: &[u8], minute: &[u8], second: &[u8]) -> Option<Time> {
    let part = |digits| i8::try_from(number(digits)?).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

/// At most four digits, and nothing but digits: a sign or a blank makes no number.
fn number(digits: &[u8]) -> Option<i16> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0')),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eighteen_characters_say_local_or_utc() {
        let local = SipDate::parse("20170630    141540").unwrap();
        assert_eq!((local.when.hour(), local.zone), (14, Zone::Local));
        assert_eq!(local.to_string(), "20170630    141540");
        let utc = SipDate::parse("19960212   Z100514").unwrap();
        assert_eq!(utc.zone, Zone::Utc);
        assert_eq!(utc.to_string(), "19960212   Z100514");
    }

    #[test]
    fn local_time_is_that_of_the_zone_the_caller_names() {
        let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
        let at: Timestamp = "2026-11-25T02:00:00.5Z".parse().unwrap();
        let local = SipDate::local(at, &shanghai);
        assert_eq!(local.to_string(), "20261125    100000");
        assert_eq!(
            local.timestamp(&shanghai).unwrap(),
            "2026-11-25T02:00:00Z".parse().unwrap()
        );
        assert_eq!(
            SipDate::utc(at).timestamp(&shanghai),
            local.timestamp(&shanghai)
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "20170230    141540",
            "2017063+    141540",
            "20170630    246060",
            "",
            "怪物",
        ] {
            assert_eq!(SipDate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn due_dates_of_the_wild_are_read_and_others_kept() {
        for text in [
            "2017-10-28",
            "20171028",
            "2017-10-28 23:59:59",
            "20171028    235959",
        ] {
            let read = VariableDate::new(text).read().unwrap();
            assert_eq!(read.when.to_string(), "2017-10-28T23:59:59", "{text}");
        }
        assert_eq!(
            VariableDate::new("2017-10-28T16:30")
                .read()
                .unwrap()
                .when
                .hour(),
            16
        );
        for text in ["28/10/2017", "下周一", "", "2017-13-01"] {
            assert_eq!(VariableDate::new(text).read(), None, "{text}");
            assert_eq!(VariableDate::new(text).as_str(), text);
        }
    }
}
