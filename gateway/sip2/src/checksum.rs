//! AY and AZ: the sequence digit that answers echo, and the sum that tells whether a line was
//! received as it was sent. The standard sums the bytes through the letters `AZ`; the Chinese dp2
//! systems sum UTF-16 units of the text before `|AY4AZ`, and say 4 always.

use std::fmt;

/// What ends a message with error detection, `AY` and a digit apart: `AZ` and four digits.
const CHECKSUM_BYTES: usize = 6;

/// `AY` and one digit.
const SEQUENCE_BYTES: usize = 3;

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

/// A message taken apart at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trailer<'a> {
    /// What stands before AY and AZ.
    pub(crate) content: &'a [u8],
    pub(crate) sequence: Option<Sequence>,
    pub(crate) checksum: Option<Checksum>,
    /// What the standard sums: all through the letters `AZ`.
    summed: &'a [u8],
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
        let text = text.strip_suffix('|').unwrap_or(text);
        Self(text.encode_utf16().fold(0, u16::wrapping_sub))
    }

    fn read(digits: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(digits).ok()?;
        let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hexadecimal {
            u16::from_str_radix(text, 16).ok().map(Self)
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
    /// there. Where one is missing, or a delimiter follows, the other has to stand after a
    /// delimiter: a title may end in such letters.
    pub(crate) fn split(message: &'a [u8]) -> Self {
        let tidy = message.strip_suffix(b"|").unwrap_or(message);
        let (content, summed, sequence, checksum) = match split_checksum(tidy) {
            Some((summed, checksum)) => {
                let before = &summed[..summed.len() - 2];
                let (content, sequence) = split_sequence(before).unzip();
                (content.unwrap_or(before), summed, sequence, Some(checksum))
            }
            None => {
                let (content, sequence) = split_sequence(tidy).unzip();
                (content.unwrap_or(message), message, sequence, None)
            }
        };
        let certain = checksum.is_some() && tidy.len() == message.len();
        if certain || content.ends_with(b"|") {
            Self {
                content,
                sequence,
                checksum,
                summed,
            }
        } else {
            Self {
                content: message,
                sequence: None,
                checksum: None,
                summed: message,
            }
        }
    }

    /// What the standard has the sum be.
    pub(crate) fn standard_sum(&self) -> Checksum {
        Checksum::of_bytes(self.summed)
    }
}

/// All through the letters `AZ`, and the sum after them.
fn split_checksum(message: &[u8]) -> Option<(&[u8], Checksum)> {
    let (content, end) = message.split_at_checked(message.len().checked_sub(CHECKSUM_BYTES)?)?;
    let checksum = Checksum::read(end.strip_prefix(b"AZ")?)?;
    Some((&message[..content.len() + 2], checksum))
}

fn split_sequence(message: &[u8]) -> Option<(&[u8], Sequence)> {
    let (content, end) = message.split_at_checked(message.len().checked_sub(SEQUENCE_BYTES)?)?;
    let [digit] = end.strip_prefix(b"AY")? else {
        return None;
    };
    digit
        .is_ascii_digit()
        .then(|| (content, Sequence(digit - b'0')))
}
