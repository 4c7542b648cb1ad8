//! The types of facts and the stream each belongs to.

use std::fmt;

use serde_json::Value;

use crate::event::EventError;
use crate::{OutboxDropped, Stream, VisitCounted};

/// Every event type we know, with its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// `library.visit.counted.v1`
    VisitCounted,
    /// `library.outbox.dropped.v1`
    OutboxDropped,
}

impl EventType {
    /// All types.
    pub const ALL: [Self; 2] = [Self::VisitCounted, Self::OutboxDropped];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VisitCounted => "library.visit.counted.v1",
            Self::OutboxDropped => "library.outbox.dropped.v1",
        }
    }

    /// The type of this name, if we know it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event_type| event_type.as_str() == name)
    }

    /// The stream facts of this type belong to.
    #[must_use]
    pub fn stream(self) -> Stream {
        match self {
            Self::VisitCounted => Stream::Visit,
            Self::OutboxDropped => Stream::Receipt,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened: the `type` and `data` of an event, understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A gate counted.
    VisitCounted(VisitCounted),
    /// An outbox gave facts up.
    OutboxDropped(OutboxDropped),
}

impl Fact {
    /// The type of this fact.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        match self {
            Self::VisitCounted(_) => EventType::VisitCounted,
            Self::OutboxDropped(_) => EventType::OutboxDropped,
        }
    }

    /// The stream this fact belongs to.
    #[must_use]
    pub fn stream(&self) -> Stream {
        self.event_type().stream()
    }

    /// The data as JSON.
    #[must_use]
    pub fn to_data(&self) -> Value {
        let data = match self {
            Self::VisitCounted(data) => serde_json::to_value(data),
            Self::OutboxDropped(data) => serde_json::to_value(data),
        };
        data.expect("our data types have text keys and plain values")
    }

    /// Reads `data` as the given type.
    pub(crate) fn read(event_type: EventType, data: &Value) -> Result<Self, EventError> {
        let fact = match event_type {
            EventType::VisitCounted => Self::VisitCounted(checked(data, VisitCounted::validate)?),
            EventType::OutboxDropped => {
                Self::OutboxDropped(checked(data, OutboxDropped::validate)?)
            }
        };
        Ok(fact)
    }
}

/// Reads one data type and checks it; the place of an error begins with `data`.
fn checked<T: serde::de::DeserializeOwned>(
    data: &Value,
    validate: impl Fn(&T) -> Result<(), (String, String)>,
) -> Result<T, EventError> {
    let value: T = serde_path_to_error::deserialize(data).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." {
            "data".to_owned()
        } else {
            format!("data.{path}")
        };
        EventError::new(place, error.into_inner().to_string())
    })?;
    validate(&value).map_err(|(place, reason)| EventError::new(format!("data.{place}"), reason))?;
    Ok(value)
}
