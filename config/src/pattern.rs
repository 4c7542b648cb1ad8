//! A regular expression that a whole text has to match.

use std::fmt;
use std::str::FromStr;

use regex::Regex;

/// Longest pattern in bytes: a form of barcodes, not a program.
const LENGTH_MAX: usize = 500;

/// A pattern for whole texts, as it stands in a configuration. The engine runs in time linear in
/// the text, whatever the pattern.
#[derive(Clone)]
pub struct Pattern {
    written: String,
    whole: Regex,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a regular expression of 1 to {LENGTH_MAX} bytes")]
pub struct PatternError;

impl Pattern {
    /// Whether all of this text is of this form.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        // It has to hold by itself: "a)(b" would only become good by what is put around it.
        let alone = Regex::new(text).map_err(|_| PatternError)?;
        if !(1..=LENGTH_MAX).contains(&alone.as_str().len()) {
            return Err(PatternError);
        }
        Ok(Self {
            written: text.to_owned(),
            whole: Regex::new(&format!("^(?:{text})$")).map_err(|_| PatternError)?,
        })
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_text_has_to_match() {
        let pattern: Pattern = "A|[0-9]{3}".parse().unwrap();
        for good in ["A", "123"] {
            assert!(pattern.matches(good), "{good}");
        }
        for bad in ["AB", "1234", "123\n", " A", ""] {
            assert!(!pattern.matches(bad), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "(", "a)(b", &"a".repeat(501)] {
            assert_eq!(bad.parse::<Pattern>(), Err(PatternError), "{bad}");
        }
    }
}
