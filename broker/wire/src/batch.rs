//! What a PUBLISH on `…/events` carries: one event, or a JSON array of them.

use std::fmt;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::{Event, EventError};

/// Most elements in one batch.
pub const BATCH_ELEMENTS_MAX: usize = 500;

/// Largest payload of a batch in bytes: 256 KiB.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;

/// What may stand around a JSON text (RFC 8259, section 2).
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// One element of a payload: its own bytes, and what they say.
#[derive(Clone)]
pub struct Element {
    /// The JSON text as it came.
    pub raw: String,
    /// The event in it, or why there is none.
    pub event: Result<Event, EventError>,
}

impl fmt::Debug for Element {
    /// Without the text, which may name a reader.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Element")
            .field("bytes", &self.raw.len())
            .field("event", &self.event)
            .finish_non_exhaustive()
    }
}

/// Why a payload as a whole has no elements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// More than [`BATCH_BYTES_MAX`].
    #[error("payload of {found} bytes, expected at most {BATCH_BYTES_MAX}")]
    Bytes {
        /// Its size in bytes.
        found: usize,
    },
    /// More than [`BATCH_ELEMENTS_MAX`].
    #[error("batch of {found} elements, expected at most {BATCH_ELEMENTS_MAX}")]
    Elements {
        /// How many there are.
        found: usize,
    },
    /// An empty array.
    #[error("batch without an element")]
    Empty,
    /// No UTF-8, or no JSON.
    #[error("not JSON: {reason}")]
    Json {
        /// What the parser says, with line and column.
        reason: String,
    },
}

/// Splits a payload into elements and reads each on its own.
///
/// # Errors
/// Where the payload as a whole is too large, or no JSON object or array.
pub fn decode_events(payload: &[u8]) -> Result<Vec<Element>, BatchError> {
    if payload.len() > BATCH_BYTES_MAX {
        return Err(BatchError::Bytes {
            found: payload.len(),
        });
    }
    let no_json = |reason: String| BatchError::Json { reason };
    let text = std::str::from_utf8(payload).map_err(|error| no_json(error.to_string()))?;
    let text = text.trim_matches(BLANKS);
    if !text.starts_with('[') {
        // Nearly all are one event, and read once. What cannot be read may be no JSON at all.
        let event = Event::from_json(text);
        if event.is_err() {
            serde_json::from_str::<IgnoredAny>(text).map_err(|error| no_json(error.to_string()))?;
        }
        let raw = text.to_owned();
        return Ok(vec![Element { raw, event }]);
    }
    let raws: Vec<&RawValue> =
        serde_json::from_str(text).map_err(|error| no_json(error.to_string()))?;
    match raws.len() {
        0 => Err(BatchError::Empty),
        found if found > BATCH_ELEMENTS_MAX => Err(BatchError::Elements { found }),
        _ => Ok(raws.into_iter().map(element).collect()),
    }
}

/// Joins encoded events into one payload; the caller keeps the bounds.
#[must_use]
pub fn encode_batch<T: AsRef<str>>(events: &[T]) -> Vec<u8> {
    match events {
        [one] => one.as_ref().as_bytes().to_vec(),
        many => {
            let texts: Vec<&str> = many.iter().map(AsRef::as_ref).collect();
            format!("[{}]", texts.join(",")).into_bytes()
        }
    }
}

fn element(raw: &RawValue) -> Element {
    Element {
        raw: raw.get().to_owned(),
        event: Event::from_json(raw.get()),
    }
}
