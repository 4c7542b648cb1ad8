//! A ruling: what a person decided on a quarantined element. Dismissed, it stays aside; admitted,
//! as it was or corrected, a new entry of the ledger counts in its place and says who let it in.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entry::EntryNumber;

/// Longest reason in characters: some lines.
const REASON_CHARS_MAX: usize = 500;

/// Why somebody decided so, in his own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulingReason(String);

/// No reason, too long a one, or one with control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a reason of 1 to {REASON_CHARS_MAX} characters on one line")]
pub struct NoReason;

impl RulingReason {
    /// The reason, trimmed.
    ///
    /// # Errors
    /// Where nothing is left, or too much, or it is no line of text.
    pub fn new(text: &str) -> Result<Self, NoReason> {
        let text = text.trim();
        let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count());
        match fits && !text.chars().any(char::is_control) {
            true => Ok(Self(text.to_owned())),
            false => Err(NoReason),
        }
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an admitted entry says of the decision behind it. Times are whole microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The quarantined entry that counts through this one.
    pub quarantined: EntryNumber,
    /// Whether what it said was changed.
    pub form: Admitted,
    /// When.
    pub at: Timestamp,
    /// Who, as the audit names him.
    pub by: String,
    /// Why.
    pub why: RulingReason,
}

/// In which form an element was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Admitted {
    /// Word for word.
    Accepted,
    /// As a person corrected it.
    Corrected,
}

/// Where a quarantined element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsideState {
    /// Nobody has decided.
    Open,
    /// It counts.
    Admitted(Admitted),
    /// It does not count, and that is right.
    Dismissed,
}

impl AsideState {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Open,
        Self::Admitted(Admitted::Accepted),
        Self::Admitted(Admitted::Corrected),
        Self::Dismissed,
    ];

    /// The name in the store, the API and the audit.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Admitted(Admitted::Accepted) => "accepted",
            Self::Admitted(Admitted::Corrected) => "corrected",
            Self::Dismissed => "dismissed",
        }
    }
}

impl std::str::FromStr for AsideState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no state of a quarantined element"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_line_of_text() {
        assert_eq!(
            RulingReason::new(" 网关升级 ").unwrap().as_str(),
            "网关升级"
        );
        for wrong in ["", "  ", "two\nlines", &"x".repeat(501)] {
            assert_eq!(RulingReason::new(wrong), Err(NoReason));
        }
    }
}
