//! The boot of a device and the time since it: the clock nobody can set.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A random name of one boot of a device: 1 to 64 of a-z, 0-9 and `-` (Linux gives a UUID).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Boot(String);

impl Boot {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Boot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(well) {
            Ok(Self(text.to_owned()))
        } else {
            Err("expected 1 to 64 of a-z 0-9 -".to_owned())
        }
    }
}

impl TryFrom<String> for Boot {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Boot> for String {
    fn from(boot: Boot) -> Self {
        boot.0
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Milliseconds since a boot, monotonic, suspend included; at most `i64::MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uptime(u64);

impl Uptime {
    /// Wraps a time since boot; what does not fit is cut to the largest.
    #[must_use]
    pub fn new(since_boot: Duration) -> Self {
        let most = i64::MAX.unsigned_abs();
        Self(
            u64::try_from(since_boot.as_millis())
                .unwrap_or(most)
                .min(most),
        )
    }

    /// Wraps milliseconds since boot; more than `i64::MAX` is none.
    #[must_use]
    pub fn from_millis(millis: u64) -> Option<Self> {
        i64::try_from(millis).ok().map(|_| Self(millis))
    }

    /// The milliseconds since boot.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0
    }

    /// The time since boot.
    #[must_use]
    pub fn as_duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl Serialize for Uptime {
    /// As a String: CloudEvents integers are 32 bits wide.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uptime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

impl FromStr for Uptime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| text.parse().ok().and_then(Self::from_millis))
            .flatten()
            .ok_or_else(|| "expected milliseconds in decimal digits".to_owned())
    }
}

impl fmt::Display for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
