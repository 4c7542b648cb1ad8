//! Writes the text of one message, for the wire or for a log: the same fields in the same order,
//! but a log shows nothing that belongs to a person.

use crate::charset::Charset;
use crate::error::{Command, EncodeError};
use crate::field::{DELIMITER, Field, FieldId};
use crate::fixed::Codec;
use crate::redaction;

/// A message's text as it grows.
pub(crate) struct Writer<'a> {
    text: String,
    purpose: Purpose<'a>,
    error: Option<EncodeError>,
}

/// Who is to read it.
#[derive(Clone, Copy)]
enum Purpose<'a> {
    /// A machine that has these characters.
    Wire(Charset),
    /// Whoever reads logs; whether a value is a reader's card.
    Log(&'a dyn Fn(&str) -> bool),
}

impl<'a> Writer<'a> {
    pub(crate) fn for_wire(command: Command, charset: Charset) -> Self {
        Self::new(command, Purpose::Wire(charset))
    }

    pub(crate) fn for_log(command: Command, is_reader: &'a dyn Fn(&str) -> bool) -> Self {
        Self::new(command, Purpose::Log(is_reader))
    }

    fn new(command: Command, purpose: Purpose<'a>) -> Self {
        Self {
            text: command.to_string(),
            purpose,
            error: None,
        }
    }

    /// Writes a fixed-width field. What these hold are codes, flags and dates.
    pub(crate) fn fixed<C: Codec>(&mut self, value: &C::Value) {
        C::write(value, &mut self.text);
    }

    /// Writes a field the standard knows.
    pub(crate) fn field(&mut self, id: FieldId, value: &str) {
        self.text.push_str(id.as_str());
        match self.purpose {
            Purpose::Wire(charset) => self.wire_value(charset, id, value),
            Purpose::Log(is_reader) => {
                let shown = redaction::of_field(id, value, is_reader);
                self.text.push_str(shown);
            }
        }
        self.text.push(DELIMITER);
    }

    /// Writes what nobody here can read: as it is or not at all, and never for a log.
    pub(crate) fn opaque(&mut self, text: &str) {
        match self.purpose {
            Purpose::Wire(charset) if charset.carries(text) => self.text.push_str(text),
            Purpose::Wire(charset) => {
                let charset = charset.name();
                self.error.get_or_insert(EncodeError::Opaque { charset });
            }
            Purpose::Log(_) => self.text.push_str(redaction::of_unknown(text)),
        }
    }

    /// Writes fields the standard does not know there: a log shows their names only.
    pub(crate) fn other(&mut self, fields: &[Field]) {
        for field in fields {
            match self.purpose {
                Purpose::Wire(_) => self.field(field.id, &field.value),
                Purpose::Log(_) => {
                    self.text.push_str(field.id.as_str());
                    self.text.push_str(redaction::of_unknown(&field.value));
                    self.text.push(DELIMITER);
                }
            }
        }
    }

    /// An identifier is written as it is or not at all; in what people read, a character that
    /// cannot be written becomes a blank or a question mark.
    fn wire_value(&mut self, charset: Charset, id: FieldId, value: &str) {
        let ends = |char: char| char == DELIMITER || char.is_ascii_control();
        if !id.is_exact() {
            self.text.push_str(&charset.fit(&value.replace(ends, " ")));
        } else if value.contains(ends) {
            self.error
                .get_or_insert(EncodeError::Delimiter { field: id });
        } else if charset.carries(value) {
            self.text.push_str(value);
        } else {
            self.error.get_or_insert(EncodeError::Characters {
                field: id,
                charset: charset.name(),
            });
        }
    }

    /// The text.
    ///
    /// # Errors
    /// What is wrong with the first field that could not be written.
    pub(crate) fn finish(self) -> Result<String, EncodeError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.text),
        }
    }

    /// The text for a log: all of it can be written.
    pub(crate) fn into_log(self) -> String {
        self.text
    }
}
