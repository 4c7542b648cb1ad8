//! Secrets: those we make, of 256 random bits, and those people type; and what is kept of one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, de::Error as _};
use sha2::{Digest, Sha256};

use crate::data_dir::random_bytes;

/// Bits enough that nobody needs to count wrong guesses.
const SECRET_BYTES: usize = 32;

/// How an API token begins, so that one left in a file is recognised for what it is.
const API_TOKEN_PREFIX: &str = "ljt_";

/// A secret as it is handed out, once: characters that need no escaping in an address. Prints as
/// `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A secret as somebody sent it. Prints as `[redacted]`, and an error in reading one shows nothing
/// of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(String);

/// What is kept of a secret that we made. It has the bits of the secret, so a fast hash is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl Secret {
    /// Takes one from the operating system.
    #[must_use]
    pub fn random() -> Self {
        Self(URL_SAFE_NO_PAD.encode(random_bytes::<SECRET_BYTES>()))
    }

    /// Takes one for an API token.
    #[must_use]
    pub fn api_token() -> Self {
        Self(format!("{API_TOKEN_PREFIX}{}", Self::random().0))
    }

    /// The secret itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Typed {
    /// Wraps what was typed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What was typed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl SecretHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Wraps what was stored.
    #[must_use]
    pub fn stored(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in a time that does not depend on where they differ.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        let differing = self
            .0
            .iter()
            .zip(&other.0)
            .fold(0, |differing, (a, b)| differing | (a ^ b));
        std::hint::black_box(differing) == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for Typed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read as anything first: the deserializer's own errors would quote the value.
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            _ => Err(D::Error::custom("expected a text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_shown_by_no_print_and_no_error() {
        assert_eq!(format!("{:?}", Typed::new("open sesame")), "[redacted]");
        let error = serde_json::from_str::<Typed>("[20080404]").unwrap_err();
        assert!(!error.to_string().contains("2008"), "{error}");
        let typed: Typed = serde_json::from_str("\"open sesame\"").unwrap();
        assert_eq!(typed.reveal(), "open sesame");
    }

    #[test]
    fn an_api_token_says_what_it_is_and_has_256_bits() {
        let token = Secret::api_token();
        let random = token.as_str().strip_prefix("ljt_").unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(random).unwrap().len(), 32);
    }
}
