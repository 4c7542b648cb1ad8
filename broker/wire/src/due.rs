//! When a loan is due: the end of a day, or an instant.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// When a loan is due. On the wire `2026-12-20` is a day in the library's time zone, and a text
/// with a time is an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Due {
    /// At the end of this day.
    Day(Date),
    /// At this instant.
    Instant(Timestamp),
}

impl FromStr for Due {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || "expected a day as 2026-12-20, or an RFC 3339 time".to_owned();
        if text.len() == 10 {
            text.parse().map(Self::Day).map_err(|_| expected())
        } else {
            crate::time::parse(text)
                .map(Self::Instant)
                .map_err(|_| expected())
        }
    }
}

impl TryFrom<String> for Due {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Due> for String {
    fn from(due: Due) -> Self {
        due.to_string()
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Instant(time) => time.fmt(f),
        }
    }
}
