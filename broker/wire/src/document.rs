//! The documents of the channels beside `…/events`: one JSON object a payload, members we do not
//! know passed over, so that the other end may be newer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::event_error::{self, EventError};
use crate::{ClockMessage, Desired, LoanPapers, Receipts, Reported, Status, Telemetry};

/// A document of a channel.
pub trait Document: Serialize + DeserializeOwned {
    /// Reads the payload of a channel.
    ///
    /// # Errors
    /// The first place that is not as our schema has it, and the reason.
    fn from_json(payload: &[u8]) -> Result<Self, EventError> {
        let value: Value = serde_json::from_slice(payload)
            .map_err(|error| EventError::no_json("document", &error))?;
        if !value.is_object() {
            return Err(EventError::new("document", "expected a JSON object"));
        }
        event_error::read("", &value)
    }

    /// Writes the payload of a channel.
    #[must_use]
    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("our documents have text keys and plain values")
    }
}

impl Document for Status {}
impl Document for Telemetry {}
impl Document for Receipts {}
impl Document for ClockMessage {}
impl Document for Desired {}
impl Document for Reported {}
impl Document for LoanPapers {}
