//! The words of login and status: what the machine says of itself, and how the library system
//! wants to be waited for.

use crate::fixed::{Codec, digits};

/// How a name or a password in 93 is encrypted. Nobody encrypts: the standard names no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm(u8);

/// How the machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ScStatusCode {
    /// 0.
    #[default]
    Ok,
    /// 1: its printer has no paper.
    OutOfPaper,
    /// 2: it is about to shut down.
    ShuttingDown,
}

/// The protocol's version, four characters; `2.00` is the only one there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 4]);

/// How long the machine waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Timeout {
    /// 000: the library system is off-line.
    Offline,
    /// In tenths of a second, 1 to 998.
    Tenths(u16),
    /// 999: it does not say.
    #[default]
    Unknown,
}

/// How often the machine asks again, 0 to 998.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Retries {
    /// That often.
    Times(u16),
    /// 999: the library system does not say.
    #[default]
    Unknown,
}

/// How many characters wide the machine prints: three digits.
pub(crate) struct PrintWidth;

impl Algorithm {
    /// Not encrypted.
    pub const NONE: Self = Self(b'0');

    /// Whether the text beside it is as it was typed.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl Default for Algorithm {
    fn default() -> Self {
        Self::NONE
    }
}

impl Codec for Algorithm {
    type Value = Self;
    const WIDTH: usize = 1;

    fn read(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [byte] if byte.is_ascii_alphanumeric() => Some(Self(*byte)),
            _ => None,
        }
    }

    fn write(value: &Self, out: &mut String) {
        out.push(char::from(value.0));
    }
}

impl Codec for ScStatusCode {
    type Value = Self;
    const WIDTH: usize = 1;

    fn read(text: &str) -> Option<Self> {
        match text {
            "0" => Some(Self::Ok),
            "1" => Some(Self::OutOfPaper),
            "2" => Some(Self::ShuttingDown),
            _ => None,
        }
    }

    fn write(value: &Self, out: &mut String) {
        out.push(match value {
            Self::Ok => '0',
            Self::OutOfPaper => '1',
            Self::ShuttingDown => '2',
        });
    }
}

impl Codec for PrintWidth {
    type Value = u16;
    const WIDTH: usize = 3;

    fn read(text: &str) -> Option<u16> {
        digits(text)
    }

    /// Two digits before the version, whose own dot tells where it begins.
    fn loose(rest: &str) -> Option<(u16, usize)> {
        let bytes = rest.as_bytes();
        if bytes.get(3) == Some(&b'.') {
            Some((digits(rest.get(..2)?)?, 2))
        } else {
            None
        }
    }

    fn write(value: &u16, out: &mut String) {
        out.push_str(&format!("{:03}", (*value).min(999)));
    }
}

impl Version {
    /// The standard that this crate speaks.
    pub const TWO: Self = Self(*b"2.00");

    /// Whether it is 2.00, or one of the forms in which machines say so (`2.0E`).
    #[must_use]
    pub fn is_two(self) -> bool {
        self.0.starts_with(b"2.0")
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::TWO
    }
}

/// Any four ASCII characters that are no delimiter and no control character.
impl Codec for Version {
    type Value = Self;
    const WIDTH: usize = 4;

    fn read(text: &str) -> Option<Self> {
        let version: [u8; 4] = text.as_bytes().try_into().ok()?;
        let shaped = version[0].is_ascii_digit()
            && version[1] == b'.'
            && version[2..].iter().all(u8::is_ascii_alphanumeric);
        shaped.then_some(Self(version))
    }

    fn write(value: &Self, out: &mut String) {
        out.extend(value.0.map(char::from));
    }
}

impl Timeout {
    /// That long, as nearly as it can be said: at least a tenth of a second, at most 99.8 s.
    #[must_use]
    pub fn lasting(time: std::time::Duration) -> Self {
        let tenths = u16::try_from(time.as_millis() / 100).unwrap_or(u16::MAX);
        Self::Tenths(tenths.clamp(1, 998))
    }
}

impl Codec for Timeout {
    type Value = Self;
    const WIDTH: usize = 3;

    fn read(text: &str) -> Option<Self> {
        digits(text).map(|number| match number {
            0 => Self::Offline,
            999 => Self::Unknown,
            tenths => Self::Tenths(tenths),
        })
    }

    fn write(value: &Self, out: &mut String) {
        let number = match value {
            Self::Offline => 0,
            Self::Tenths(tenths) => (*tenths).clamp(1, 998),
            Self::Unknown => 999,
        };
        out.push_str(&format!("{number:03}"));
    }
}

impl Codec for Retries {
    type Value = Self;
    const WIDTH: usize = 3;

    fn read(text: &str) -> Option<Self> {
        digits(text).map(|number| match number {
            999 => Self::Unknown,
            times => Self::Times(times),
        })
    }

    fn write(value: &Self, out: &mut String) {
        let number = match value {
            Self::Times(times) => (*times).min(998),
            Self::Unknown => 999,
        };
        out.push_str(&format!("{number:03}"));
    }
}
