//! A reader as a card or a keyboard tells: in clear, in memory, and nowhere else.

use std::fmt;

/// Characters of a card that are shown: enough to tell two cards apart, too few to know one.
const SHOWN: usize = 4;

/// A reader, normalised and of the right form. Display shows the last four characters, Debug
/// nothing; it has no other form that could be written down.
#[derive(Clone, PartialEq, Eq)]
pub struct ReaderCard(String);

impl ReaderCard {
    /// Wraps what was normalised and found to be of the form of a reader.
    pub(super) fn new(normalised: String) -> Self {
        Self(normalised)
    }

    /// The reader in clear, for whoever seals it or compares it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReaderCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        // Of a short one not even that: the rest would be guessed.
        let hidden = length - SHOWN.min(length / 2);
        f.write_str("…")?;
        self.0
            .chars()
            .skip(hidden)
            .try_for_each(|c| write!(f, "{c}"))
    }
}

impl fmt::Debug for ReaderCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reader_the_last_four_characters_are_shown_at_most() {
        let card = |text: &str| ReaderCard::new(text.to_owned());
        assert_eq!(card("43022319900101123X").to_string(), "…123X");
        assert_eq!(card("12345").to_string(), "…45");
        assert_eq!(format!("{:?}", card("43022319900101123X")), "[redacted]");
    }
}
