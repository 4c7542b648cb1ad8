//! What can be wrong with a message. No variant holds anything a field says: errors are logged.

use std::fmt;

use crate::checksum::Checksum;
use crate::field::FieldId;

/// The two digits a message begins with.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Command(pub(crate) [u8; 2]);

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It does not begin with two digits.
    #[error("no message: {bytes} bytes that do not begin with two digits")]
    NoCommand {
        /// How long it is.
        bytes: usize,
    },
    /// Nobody says this, or not in this direction. The standard wants it ignored.
    #[error("message {command} is not one to be had here")]
    UnknownCommand {
        /// Its code.
        command: Command,
    },
    /// What was received is not what was sent.
    #[error("the checksum is {found}, and {expected} was expected")]
    Checksum {
        /// What it says.
        found: Checksum,
        /// What its characters make.
        expected: Checksum,
    },
    /// The profile wants a checksum, and there is none.
    #[error("there is no checksum, and the profile wants one")]
    ChecksumMissing,
    /// Bytes that are no characters in the profile's charset, where a wrong one would name
    /// somebody else.
    #[error("field {field} holds bytes that are no characters in the profile's charset")]
    Characters {
        /// Which field.
        field: FieldId,
    },
    /// Bytes of a vendor's message that are no characters: what they say nobody here knows.
    #[error("message {command} holds bytes that are no characters in the profile's charset")]
    Opaque {
        /// Its code.
        command: Command,
    },
    /// Characters that mean nothing in a fixed-width field, and the profile is strict.
    #[error("the fixed-width field \"{field}\" holds what means nothing there")]
    Fixed {
        /// Which field, by the standard's name for it.
        field: &'static str,
    },
    /// Something between two delimiters is no field, and the profile is strict.
    #[error("what stands at place {place} of the variable fields is no field")]
    NoField {
        /// Counted from one.
        place: usize,
    },
}

/// Why a message cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A field holds a delimiter or a control character: it would end early.
    #[error("field {field} holds a character that would end it")]
    Delimiter {
        /// Which field.
        field: FieldId,
    },
    /// A field that has to be exact holds what the charset has no bytes for.
    #[error("field {field} holds a character that {charset} does not have")]
    Characters {
        /// Which field.
        field: FieldId,
        /// The profile's charset.
        charset: &'static str,
    },
    /// A vendor's message holds what the charset has no bytes for.
    #[error("the vendor's message holds a character that {charset} does not have")]
    Opaque {
        /// The profile's charset.
        charset: &'static str,
    },
}

impl Command {
    /// The two digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII digits only")
    }

    /// Whether it asks for a message once more (96, 97).
    pub(crate) fn demands_resend(self) -> bool {
        matches!(&self.0, b"96" | b"97")
    }

    /// The code `bytes` begin with.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [tens, ones, ..] if tens.is_ascii_digit() && ones.is_ascii_digit() => {
                Some(Self([*tens, *ones]))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
