//! AY and AZ: the sequence digit that answers echo, and the sum that tells whether a line was
//! received as it was sent. The standard sums the bytes through the letters `AZ`; the Chinese dp2
//! systems sum UTF-16 units of the text before `|AY4AZ`, and say 4 always.

use std::fmt;

use crate::field::DELIMITER;

/// Hexadecimal digits of a sum.
const CHECKSUM_DIGITS: usize = 4;

/// Whether sums are sent and believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ErrorDetection {
    /// Neither AY nor AZ is sent; what comes is not looked at.
    Off,
    /// As the standard has it: both are sent, and every message has to have a right sum.
    #[default]
    Standard,
    /// As dp2 does it: `AY4`, a sum over UTF-16 units, and every message has to have a right one.
    Dp2,
    /// Both are sent as the standard has it; what comes is not looked at.
    Ignore,
}

/// The digit of AY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sequence(u8);

/// The sum of AZ, shown as its four hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum(u16);

/// A message's text taken apart at its end. It is done on the text: the last byte of a hanzi can
/// be that of a delimiter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trailer<'a> {
    /// What stands before AY and AZ.
    pub(crate) content: &'a str,
    pub(crate) sequence: Option<Sequence>,
    pub(crate) checksum: Option<Checksum>,
    /// Bytes after the letters `AZ`: digits and a delimiter are one byte each, in every charset.
    unsummed_bytes: usize,
}

impl Sequence {
    /// What dp2 always says.
    pub const DP2: Self = Self(4);

    /// A digit; none beyond nine.
    #[must_use]
    pub fn new(digit: u8) -> Option<Self> {
        (digit < 10).then_some(Self(digit))
    }

    /// The digit.
    #[must_use]
    pub fn digit(self) -> u8 {
        self.0
    }

    /// The next request's: after nine comes zero.
    #[must_use]
    pub fn next(self) -> Self {
        Self((self.0 + 1) % 10)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Checksum {
    /// Of bytes as they are sent, from the first through the letters `AZ`.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self(
            bytes
                .iter()
                .fold(0, |sum: u16, byte| sum.wrapping_sub(u16::from(*byte))),
        )
    }

    /// As dp2 sums: UTF-16 units of the text before `|AY4AZ`.
    #[must_use]
    pub fn of_units(text: &str) -> Self {
        let text = text.strip_suffix(DELIMITER).unwrap_or(text);
        Self(text.encode_utf16().fold(0, u16::wrapping_sub))
    }

    fn read(digits: &str) -> Option<Self> {
        let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal {
            u16::from_str_radix(digits, 16).ok().map(Self)
        } else {
            None
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'a> Trailer<'a> {
    /// Takes AZ from the end of a message, then AY. Either may be missing, AY also where AZ is
    /// there. Where AZ is missing, or a delimiter follows it, what is taken has to stand after a
    /// delimiter: a title may end in such letters.
    pub(crate) fn split(message: &'a str) -> Self {
        let tidy = message.strip_suffix(DELIMITER).unwrap_or(message);
        let (before, checksum) = split_checksum(tidy).unzip();
        let (content, sequence) = split_sequence(before.unwrap_or(tidy)).unzip();
        let content = content.or(before).unwrap_or(message);
        let certain = checksum.is_some() && tidy.len() == message.len();
        if certain || content.ends_with(DELIMITER) {
            let unsummed_bytes = CHECKSUM_DIGITS + message.len() - tidy.len();
            Self {
                content,
                sequence,
                checksum,
                unsummed_bytes,
            }
        } else {
            Self {
                content: message,
                sequence: None,
                checksum: None,
                unsummed_bytes: 0,
            }
        }
    }

    /// What the standard has the sum of these bytes be, from which the text was decoded.
    pub(crate) fn standard_sum(&self, message: &[u8]) -> Checksum {
        Checksum::of_bytes(&message[..message.len().saturating_sub(self.unsummed_bytes)])
    }
}

/// What stands before the letters `AZ`, and the sum after them.
fn split_checksum(message: &str) -> Option<(&str, Checksum)> {
    let (before, digits) = message.split_at_checked(message.len().checked_sub(CHECKSUM_DIGITS)?)?;
    Some((before.strip_suffix("AZ")?, Checksum::read(digits)?))
}

/// What stands before the letters `AY`, and the digit after them.
fn split_sequence(message: &str) -> Option<(&str, Sequence)> {
    let (before, digit) = message.split_at_checked(message.len().checked_sub(1)?)?;
    let digit = digit.parse().ok()?;
    Some((before.strip_suffix("AY")?, Sequence::new(digit)?))
}
