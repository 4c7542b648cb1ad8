//! Variable fields: two characters that name them, a value, and the delimiter `|`. They come in
//! any order; those a message does not know are kept as they came.

use std::collections::VecDeque;
use std::fmt;

use crate::error::DecodeError;
use crate::writer::Writer;

/// Ends a field.
pub(crate) const DELIMITER: char = '|';

/// Fields in which a wrong character names another reader, item or terminal: they are exact, or
/// there is no message.
const EXACT: [FieldId; 9] = [
    FieldId(*b"AA"),
    FieldId(*b"AB"),
    FieldId(*b"AC"),
    FieldId(*b"AD"),
    FieldId(*b"AO"),
    FieldId(*b"BK"),
    FieldId(*b"CN"),
    FieldId(*b"CO"),
    FieldId(*b"CP"),
];

/// Two ASCII letters or digits that name a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId([u8; 2]);

/// A field the message has no place for: a vendor's own, one too many, or one whose value is not
/// what the standard has there. Debug shows its name and length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub id: FieldId,
    /// What it says.
    pub value: String,
}

/// What a person is, or what only one may know: an identifier, a password, a name, an address.
/// Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Private(String);

/// What stands between the fixed part of a message and its end.
#[derive(Debug)]
pub(crate) struct Fields(VecDeque<Field>);

/// What one field's text means.
pub(crate) trait FieldValue: Sized {
    /// None where the text means nothing here; the field is then kept as unknown.
    fn from_text(text: &str) -> Option<Self>;
    fn to_text(&self) -> String;
}

/// A place for a field in a message: always (the value itself, empty where it did not come), once
/// or not (`Option`), or any number of times (`Vec`).
pub(crate) trait Slot: Sized {
    fn take(fields: &mut Fields, id: FieldId) -> Self;
    fn put(&self, id: FieldId, out: &mut Writer);
}

impl FieldId {
    /// A name of two ASCII letters or digits. AY and AZ are none: they belong to the message.
    #[must_use]
    pub fn new(id: [u8; 2]) -> Option<Self> {
        let shaped = id.iter().all(u8::is_ascii_alphanumeric);
        (shaped && !matches!(&id, b"AY" | b"AZ")).then_some(Self(id))
    }

    /// A name that stands in this crate's own tables.
    pub(crate) const fn known(id: &str) -> Self {
        let id = id.as_bytes();
        assert!(id.len() == 2, "a field's name is two characters");
        Self([id[0], id[1]])
    }

    /// The two characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters and digits only")
    }

    /// Whether a wrong character would name another reader, item or terminal.
    pub(crate) fn is_exact(self) -> bool {
        EXACT.contains(&self)
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.id, self.value.chars().count())
    }
}

impl Private {
    /// Wraps what is not to be shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever speaks to the library system.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Fields {
    /// Splits what follows the fixed part. Stray delimiters are passed over.
    ///
    /// # Errors
    /// Where an identifier holds characters its bytes did not say, or, if `strict`, where
    /// something is no field.
    pub(crate) fn split(text: &str, strict: bool) -> Result<Self, DecodeError> {
        let mut fields = VecDeque::new();
        for piece in text.split(DELIMITER) {
            let Some(field) = Field::read(piece) else {
                if strict && !piece.is_empty() {
                    return Err(DecodeError::NoField {
                        place: fields.len() + 1,
                    });
                }
                continue;
            };
            if field.id.is_exact() && field.value.contains(char::REPLACEMENT_CHARACTER) {
                return Err(DecodeError::Characters { field: field.id });
            }
            fields.push_back(field);
        }
        Ok(Self(fields))
    }

    /// Takes the first field of that name whose value means something there.
    fn take_one<V: FieldValue>(&mut self, id: FieldId) -> Option<V> {
        let found = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, field)| field.id == id);
        let (place, value) = found
            .filter_map(|(place, field)| Some((place, V::from_text(&field.value)?)))
            .next()?;
        self.0.remove(place);
        Some(value)
    }

    /// Takes all fields of that name whose values mean something there.
    fn take_all<V: FieldValue>(&mut self, id: FieldId) -> Vec<V> {
        let mut values = Vec::new();
        self.0.retain(|field| {
            let value = if field.id == id {
                V::from_text(&field.value)
            } else {
                None
            };
            let keep = value.is_none();
            values.extend(value);
            keep
        });
        values
    }

    /// What nobody took, in the order it came.
    pub(crate) fn rest(self) -> Vec<Field> {
        self.0.into()
    }
}

impl Field {
    fn read(piece: &str) -> Option<Self> {
        let [first, second, ..] = piece.as_bytes() else {
            return None;
        };
        let id = FieldId::new([*first, *second])?;
        Some(Self {
            id,
            value: piece[2..].to_owned(),
        })
    }
}

impl FieldValue for String {
    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn to_text(&self) -> String {
        self.clone()
    }
}

impl FieldValue for Private {
    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// `Y` or `N`.
impl FieldValue for bool {
    fn from_text(text: &str) -> Option<Self> {
        match text {
            "Y" | "y" => Some(true),
            "N" | "n" => Some(false),
            _ => None,
        }
    }

    fn to_text(&self) -> String {
        if *self {
            "Y".to_owned()
        } else {
            "N".to_owned()
        }
    }
}

/// A number, written in four digits at least: some fields want exactly four, the others take them.
impl FieldValue for u16 {
    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with('+') {
            None
        } else {
            text.parse().ok()
        }
    }

    fn to_text(&self) -> String {
        format!("{self:04}")
    }
}

impl<V: FieldValue + Default> Slot for V {
    fn take(fields: &mut Fields, id: FieldId) -> Self {
        fields.take_one(id).unwrap_or_default()
    }

    fn put(&self, id: FieldId, out: &mut Writer) {
        out.field(id, &self.to_text());
    }
}

impl<V: FieldValue> Slot for Option<V> {
    fn take(fields: &mut Fields, id: FieldId) -> Self {
        fields.take_one(id)
    }

    fn put(&self, id: FieldId, out: &mut Writer) {
        if let Some(value) = self {
            out.field(id, &value.to_text());
        }
    }
}

impl<V: FieldValue> Slot for Vec<V> {
    fn take(fields: &mut Fields, id: FieldId) -> Self {
        fields.take_all(id)
    }

    fn put(&self, id: FieldId, out: &mut Writer) {
        for value in self {
            out.field(id, &value.to_text());
        }
    }
}
