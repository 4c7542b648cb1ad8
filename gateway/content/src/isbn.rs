//! The number of a book [ISO 2108].

use std::fmt;
use std::str::FromStr;

use lujiang_wire::Label;

/// An ISBN of thirteen digits whose check digit is right. One of ten is told as the thirteen it
/// stands for, so that a book has one number however it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isbn([u8; 13]);

/// Why a text is no ISBN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an ISBN: 10 or 13 digits, the last of which fits the others")]
pub struct IsbnError;

impl Isbn {
    /// `urn:isbn:…`, as titles are known by.
    ///
    /// # Panics
    /// Never: 22 plain characters are a label.
    #[must_use]
    pub fn urn(&self) -> Label {
        let urn = format!("urn:isbn:{self}");
        urn.parse().expect("22 plain characters are a label")
    }

    fn of_digits(digits: &[u8]) -> Result<Self, IsbnError> {
        let weigh = |digits: &[u8]| {
            let weights = [1_u32, 3].iter().cycle();
            let weighed = digits.iter().zip(weights).map(|(d, w)| u32::from(*d) * w);
            weighed.sum::<u32>() % 10
        };
        match digits.len() {
            13 if weigh(digits) == 0
                && digits.starts_with(&[9, 7])
                && matches!(digits[2], 8 | 9) =>
            {
                digits.try_into().map(Self).map_err(|_| IsbnError)
            }
            _ => Err(IsbnError),
        }
    }
}

impl FromStr for Isbn {
    type Err = IsbnError;

    /// Takes blanks, hyphens, `ISBN`, `ISBN:` and `urn:isbn:` in stride, as suppliers write them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The longest way to write one is far shorter; what is longer is not looked through.
        if text.len() > 64 {
            return Err(IsbnError);
        }
        let lower = text.trim().to_ascii_lowercase();
        let bare = lower.strip_prefix("urn:isbn:").unwrap_or(&lower);
        let bare = bare.strip_prefix("isbn").unwrap_or(bare);
        let bare = bare.trim_start_matches([':', '：']).trim();
        let mut digits = Vec::with_capacity(13);
        for character in bare.chars() {
            match character {
                '-' | ' ' | '\u{2010}'..='\u{2015}' => {}
                // Ten, as the last of ten digits.
                'x' if digits.len() == 9 => digits.push(10),
                _ => {
                    let digit = character.to_digit(10).ok_or(IsbnError)?;
                    digits.push(u8::try_from(digit).map_err(|_| IsbnError)?);
                }
            }
        }
        if digits.len() != 10 {
            return Self::of_digits(&digits);
        }
        let weights = (1..=10_u32).rev();
        let sum: u32 = digits
            .iter()
            .zip(weights)
            .map(|(d, w)| u32::from(*d) * w)
            .sum();
        if !sum.is_multiple_of(11) {
            return Err(IsbnError);
        }
        let mut whole = vec![9, 7, 8];
        whole.extend(&digits[..9]);
        (0..10)
            .find_map(|check| Self::of_digits(&[&whole[..], &[check]].concat()).ok())
            .ok_or(IsbnError)
    }
}

impl fmt::Display for Isbn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{digit}"))
    }
}

impl fmt::Debug for Isbn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn however_a_number_is_written_it_is_one() {
        for written in [
            "9787020002207",
            "978-7-02-000220-7",
            "ISBN 978-7-02-000220-7",
            "ISBN：9787020002207",
            "urn:isbn:9787020002207",
            "7-02-000220-X",
            "702000220x",
        ] {
            let isbn: Isbn = written.parse().unwrap();
            assert_eq!(isbn.to_string(), "9787020002207", "{written}");
            assert_eq!(isbn.urn().as_str(), "urn:isbn:9787020002207");
        }
    }

    #[test]
    fn a_wrong_digit_is_seen() {
        for wrong in [
            "9787020002208",
            "7020002201",
            "978",
            "",
            "9777020002207",
            "X",
            "１２",
        ] {
            assert_eq!(wrong.parse::<Isbn>(), Err(IsbnError), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Isbn>();
        }
    }
}
