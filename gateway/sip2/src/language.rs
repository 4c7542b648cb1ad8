//! The language a patron is spoken to in, three digits from the standard's list.

use crate::fixed::{Codec, digits};

/// A language of the standard's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Language(u16);

impl Language {
    /// Nobody said which: the patron is spoken to as the library prefers.
    pub const UNKNOWN: Self = Self(0);
    /// English.
    pub const ENGLISH: Self = Self(1);
    /// Chinese.
    pub const CHINESE: Self = Self(19);

    /// The number in the standard's list; none beyond three digits.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number < 1_000).then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl Codec for Language {
    type Value = Self;
    const WIDTH: usize = 3;

    fn read(text: &str) -> Option<Self> {
        digits(text).map(Self)
    }

    fn write(value: &Self, out: &mut String) {
        out.push_str(&format!("{:03}", value.0));
    }
}
