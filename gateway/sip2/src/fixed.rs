//! Fixed-width fields: how wide each is, what its characters mean, and what is made of a blank or
//! a missing one. The standard's order is the order of the calls.

use crate::error::DecodeError;
use crate::field::DELIMITER;

/// How one kind of fixed-width field is read and written.
pub(crate) trait Codec {
    /// What it says; the default stands for a field that a sloppy sender left blank or out.
    type Value: Default;

    /// In characters.
    const WIDTH: usize;

    /// Reads exactly [`Self::WIDTH`] characters.
    fn read(text: &str) -> Option<Self::Value>;

    /// Reads, from the beginning of the rest of the message, a form that cannot be the standard's,
    /// and says how many bytes it takes. A lenient reader tries it first.
    fn loose(_rest: &str) -> Option<(Self::Value, usize)> {
        None
    }

    /// Writes exactly [`Self::WIDTH`] characters.
    fn write(value: &Self::Value, out: &mut String);
}

/// The part of a message that has no delimiters, from the left.
#[derive(Debug)]
pub(crate) struct FixedPart<'a> {
    rest: &'a str,
    strict: bool,
}

impl<'a> FixedPart<'a> {
    pub(crate) fn new(text: &'a str, strict: bool) -> Self {
        Self { rest: text, strict }
    }

    /// Reads the next field.
    ///
    /// # Errors
    /// Where the characters mean nothing there and the reader is strict.
    pub(crate) fn take<C: Codec>(&mut self, name: &'static str) -> Result<C::Value, DecodeError> {
        if !self.strict
            && let Some((value, width)) = C::loose(self.rest)
        {
            self.rest = &self.rest[width..];
            return Ok(value);
        }
        let exact = bytes_of_chars(self.rest, C::WIDTH).map(|width| &self.rest[..width]);
        match exact.and_then(|text| C::read(text)) {
            Some(value) => {
                self.rest = &self.rest[exact.map_or(0, str::len)..];
                Ok(value)
            }
            None if self.strict => Err(DecodeError::Fixed { field: name }),
            None => {
                let filled = exact.filter(|text| is_of_this_field(text));
                self.rest = &self.rest[filled.map_or(0, str::len)..];
                Ok(C::Value::default())
            }
        }
    }

    /// What follows the fixed part.
    pub(crate) fn rest(self) -> &'a str {
        self.rest
    }
}

/// Whether characters that mean nothing are this field's, badly filled in, rather than the
/// beginning of the variable fields after it was left out: those hold a delimiter, or begin with
/// a letter where something wide was expected.
fn is_of_this_field(text: &str) -> bool {
    let narrow = text.len() < 4;
    !text.contains(DELIMITER) && (narrow || !text.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// How many bytes the first `count` characters take; none where there are fewer.
fn bytes_of_chars(text: &str, count: usize) -> Option<usize> {
    let mut ends = text.char_indices().map(|(at, char)| at + char.len_utf8());
    match count {
        0 => Some(0),
        _ => ends.nth(count - 1),
    }
}

/// `Y` or `N`.
pub(crate) struct YesNo;

impl Codec for YesNo {
    type Value = bool;
    const WIDTH: usize = 1;

    fn read(text: &str) -> Option<bool> {
        match text {
            "Y" => Some(true),
            "N" => Some(false),
            _ => None,
        }
    }

    fn loose(rest: &str) -> Option<(bool, usize)> {
        match rest.as_bytes().first()? {
            b'y' | b'1' => Some((true, 1)),
            b'n' | b'0' | b'U' | b'u' => Some((false, 1)),
            _ => None,
        }
    }

    fn write(value: &bool, out: &mut String) {
        out.push(if *value { 'Y' } else { 'N' });
    }
}

/// `1` or `0`.
pub(crate) struct OneZero;

impl Codec for OneZero {
    type Value = bool;
    const WIDTH: usize = 1;

    fn read(text: &str) -> Option<bool> {
        match text {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        }
    }

    fn loose(rest: &str) -> Option<(bool, usize)> {
        match rest.as_bytes().first()? {
            b'Y' | b'y' => Some((true, 1)),
            b'N' | b'n' => Some((false, 1)),
            _ => None,
        }
    }

    fn write(value: &bool, out: &mut String) {
        out.push(if *value { '1' } else { '0' });
    }
}

/// `Y`, `N`, or `U` for unknown.
pub(crate) struct YesNoUnknown;

impl Codec for YesNoUnknown {
    type Value = Option<bool>;
    const WIDTH: usize = 1;

    fn read(text: &str) -> Option<Option<bool>> {
        match text {
            "U" => Some(None),
            text => YesNo::read(text).map(Some),
        }
    }

    fn write(value: &Option<bool>, out: &mut String) {
        match value {
            Some(known) => YesNo::write(known, out),
            None => out.push('U'),
        }
    }
}

/// A count of four digits; blank where its sender does not count.
pub(crate) struct Count;

impl Codec for Count {
    type Value = Option<u16>;
    const WIDTH: usize = 4;

    fn read(text: &str) -> Option<Option<u16>> {
        if text == "    " {
            Some(None)
        } else {
            digits(text).map(Some)
        }
    }

    fn write(value: &Option<u16>, out: &mut String) {
        match value {
            // Four characters are all there is: more than 9999 is said as 9999.
            Some(count) => out.push_str(&format!("{:04}", (*count).min(9_999))),
            None => out.push_str("    "),
        }
    }
}

/// The number that digits alone make; padding with blanks is read as nothing.
pub(crate) fn digits(text: &str) -> Option<u16> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}
