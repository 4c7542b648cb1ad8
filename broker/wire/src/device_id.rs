//! The name of a device, as it stands in topics, in `source` and in the registry.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest device id in characters: short enough for a topic, a file name and a label.
const LENGTH_MAX: usize = 64;

/// The name of a device: 1 to 64 ASCII letters, digits, `-`, `_` or `.`, beginning with a letter
/// or digit. It never holds a topic separator or wildcard, so it can stand in a topic as it is.
/// It goes with every fact, so copies share the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceId(Arc<str>);

impl DeviceId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no device id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no device id: 1 to 64 of a-z A-Z 0-9 - _ . beginning with a letter or digit")]
pub struct DeviceIdError {
    /// The text that was refused, cut to 80 characters.
    pub text: String,
}

impl FromStr for DeviceId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins_well = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        let holds_only = text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if begins_well && holds_only && text.len() <= LENGTH_MAX {
            Ok(Self(text.into()))
        } else {
            Err(DeviceIdError {
                text: text.chars().take(80).collect(),
            })
        }
    }
}

impl TryFrom<String> for DeviceId {
    type Error = DeviceIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeviceId> for String {
    fn from(id: DeviceId) -> Self {
        (*id.0).to_owned()
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_that_could_break_a_topic_is_refused() {
        for text in [
            "",
            "a/b",
            "+",
            "#",
            "$share",
            "-a",
            "门",
            "a b",
            &"x".repeat(65),
        ] {
            assert!(
                text.parse::<DeviceId>().is_err(),
                "{text:?} must be refused"
            );
        }
        for text in ["gate-1", "A", "main.north_2", &"x".repeat(64)] {
            assert_eq!(text.parse::<DeviceId>().unwrap().as_str(), text);
        }
    }
}
