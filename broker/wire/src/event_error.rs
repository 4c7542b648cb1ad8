//! Why something was not understood: where, and what was expected.
//!
//! Reasons are shown, logged and counted, and what a device sends may name a reader. So a reason
//! says what was expected and of what kind the value was, and never the value itself.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

/// Longest name of a member in a place, in characters.
const NAME_LENGTH_MAX: usize = 40;

/// Why an event or a document was not understood. Neither part quotes a value received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct EventError {
    /// The attribute, or the path within `data`; `event` or `document` for the whole.
    pub place: String,
    /// What was expected there.
    pub reason: String,
}

impl EventError {
    pub(crate) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }

    /// Why a text is no JSON: serde_json tells line and column, and quotes nothing.
    pub(crate) fn no_json(place: &str, error: &serde_json::Error) -> Self {
        Self::new(place, format!("not JSON: {error}"))
    }
}

/// Reads one of our types; places begin with `root`, or within it where `root` is empty.
pub(crate) fn read<T: DeserializeOwned>(root: &str, value: &Value) -> Result<T, EventError> {
    // Following the place costs more than the reading: it is done where there is one to tell.
    T::deserialize(value).or_else(|_| read_following(root, value))
}

/// As [`read`], and knows where it is.
fn read_following<T: DeserializeOwned>(root: &str, value: &Value) -> Result<T, EventError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut place = root.to_owned();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => place.push_str(&format!("[{index}]")),
                Segment::Map { key } | Segment::Enum { variant: key } => {
                    place.push_str(if place.is_empty() { "" } else { "." });
                    place.push_str(name(key));
                }
                // What could not be followed is within the segment before it.
                Segment::Unknown => {}
            }
        }
        if place.is_empty() {
            "document".clone_into(&mut place);
        }
        EventError::new(place, unquoted(&error.into_inner().to_string()))
    })
}

/// The name of a member for a place: only what is a word, for a name can be anything.
pub(crate) fn name(name: &str) -> &str {
    let well = |b: u8| b.is_ascii_alphabetic() || b == b'_' || b == b'-';
    if (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(well) {
        name
    } else {
        "attributes"
    }
}

/// Takes what serde quotes out of its message: `invalid type: string "x", expected u64` becomes
/// `invalid type: string, expected u64`. Our own messages quote nothing.
fn unquoted(message: &str) -> String {
    let kinds = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
        "unknown field",
        "duplicate field",
    ];
    let Some(kind) = kinds.into_iter().find(|kind| message.starts_with(kind)) else {
        return message.to_owned();
    };
    // What was expected is ours and stands last, so the last comma of this form is not quoted.
    let (found, expected) = match message.rfind(", expected ") {
        Some(at) => message.split_at(at),
        None => (message, ""),
    };
    let found = found.split(['`', '"']).next().unwrap_or_default();
    let is_length = kind == "invalid length";
    let found = if is_length { kind } else { found };
    format!("{}{expected}", found.trim_end_matches([' ', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_quotes_is_taken_out() {
        for (message, shown) in [
            (
                "invalid type: string \"430281, expected 5\", expected u64",
                "invalid type: string, expected u64",
            ),
            (
                "invalid type: integer `430281`, expected a string",
                "invalid type: integer, expected a string",
            ),
            (
                "invalid type: null, expected u64",
                "invalid type: null, expected u64",
            ),
            (
                "unknown variant `430281`, expected `a` or `b`",
                "unknown variant, expected `a` or `b`",
            ),
            (
                "unknown field `430281`, there are no fields",
                "unknown field",
            ),
            ("missing field `in`", "missing field `in`"),
        ] {
            assert_eq!(unquoted(message), shown);
        }
    }
}
