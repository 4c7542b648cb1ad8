//! The id of an event.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Place;

/// Longest event id in bytes: twice what an agent needs, and short enough for an index.
const LENGTH_MAX: usize = 200;

/// The id of an event: unique per device for ever. Agents use `<epoch>-<stream>-<sequence>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

impl EventId {
    /// The id an agent gives the fact at this place.
    #[must_use]
    pub fn of_place(place: &Place) -> Self {
        Self(format!(
            "{}-{}-{}",
            place.epoch, place.stream, place.sequence
        ))
    }

    /// The place it was made of, where it is an agent's.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let mut parts = self.0.rsplitn(3, '-');
        let (sequence, stream, epoch) = (parts.next()?, parts.next()?, parts.next()?);
        let place = Place {
            epoch: epoch.parse().ok()?,
            stream: stream.parse().ok()?,
            sequence: sequence.parse().ok()?,
        };
        (Self::of_place(&place) == *self).then_some(place)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=LENGTH_MAX).contains(&text.len()) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "expected 1 to {LENGTH_MAX} bytes without control characters"
            ))
        }
    }
}

impl TryFrom<String> for EventId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
