//! The reader in an off-line loan: sealed for the loan desk, or, from a plain device, in clear
//! until intake seals it. Nothing else may stand beside it: whatever a device knows of a person
//! would travel on unsealed.

use std::fmt;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::Label;

/// Longest sealed text in characters: an identity of some hundred bytes and the key's share.
const SEALED_LENGTH_MAX: usize = 4_096;

/// A reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
pub enum Patron {
    /// Only the loan desk can open it.
    Sealed {
        /// The sealed identity, base64url without padding.
        #[schemars(regex(pattern = r"^[A-Za-z0-9_-]{1,4096}$"))]
        sealed: String,
        /// The key it is sealed to.
        kid: Label,
    },
    /// In clear: only between a plain device and intake.
    Clear {
        /// The identity.
        id: ReaderId,
    },
}

impl Patron {
    /// Whether anybody can read who it is.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        match self {
            Self::Sealed { .. } => false,
            Self::Clear { .. } => true,
        }
    }
}

/// The identity of a reader in clear. It is not shown in logs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ReaderId(Label);

impl ReaderId {
    /// Wraps an identity.
    #[must_use]
    pub fn new(id: Label) -> Self {
        Self(id)
    }

    /// The identity itself, for whoever seals it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for ReaderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Either form as it stands in JSON.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object of sealed and kid, or of id"
)]
struct Form {
    sealed: Option<String>,
    kid: Option<Label>,
    id: Option<ReaderId>,
}

impl<'de> Deserialize<'de> for Patron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let form = Form::deserialize(deserializer)?;
        match (form.sealed, form.kid, form.id) {
            (Some(sealed), Some(kid), None) if is_base64url(&sealed) => {
                Ok(Self::Sealed { sealed, kid })
            }
            (Some(_), Some(_), None) => Err(D::Error::custom(format!(
                "expected sealed as 1 to {SEALED_LENGTH_MAX} characters of base64url"
            ))),
            (None, None, Some(id)) => Ok(Self::Clear { id }),
            (Some(_) | None, Some(_) | None, Some(_) | None) => {
                Err(D::Error::custom("expected sealed and kid, or id alone"))
            }
        }
    }
}

fn is_base64url(text: &str) -> bool {
    let well = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=SEALED_LENGTH_MAX).contains(&text.len()) && text.bytes().all(well)
}
