//! A short text: a barcode, a title's name, the place of a bus stop.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest label in characters: a line on a page, a cell of a form.
const LENGTH_MAX: usize = 200;

/// A text of 1 to 200 characters without control characters, none of them blank at either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// Why a text is no label. It does not hold the text, which may name a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {LENGTH_MAX} characters, no control character, no blank at either end")]
pub struct LabelError;

impl Label {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_plain = text.trim() == text && !text.chars().any(char::is_control);
        if is_plain && (1..=LENGTH_MAX).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LabelError)
        }
    }
}

impl TryFrom<String> for Label {
    type Error = LabelError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
