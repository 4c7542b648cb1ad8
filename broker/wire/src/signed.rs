//! A payload that is signed by whom its certificate names, so that a third party may carry it.
//!
//! The signature is one of TLS 1.3's schemes, by the very key and certificate its owner shows in
//! TLS. It is made over a context of its own, so that nothing signed here is good for a handshake
//! or for another purpose.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most certificates in a chain.
const CHAIN_MAX: usize = 16;

/// A payload, its signature, and the chain of who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signed {
    /// The signature scheme, by its number in TLS [RFC 8446 §4.2.3].
    pub scheme: u16,
    /// The signer's certificate, then its issuers', DER.
    pub certificates: Vec<Octets>,
    /// What is signed.
    pub payload: Octets,
    /// The signature over [`Signed::message`].
    pub signature: Octets,
}

/// Bytes, in JSON as base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Octets(pub Vec<u8>);

/// What is signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedFor {
    /// Facts of the signer, as a payload of `…/events`.
    Facts,
    /// [`CarriedReceipts`](crate::CarriedReceipts) of the gateway.
    Receipts,
    /// [`CarriedWish`](crate::CarriedWish) of the gateway.
    Wish,
}

impl SignedFor {
    /// Stands before the payload; no context begins with another.
    fn context(self) -> &'static [u8] {
        match self {
            Self::Facts => b"lujiang carried facts v1\0",
            Self::Receipts => b"lujiang carried receipts v1\0",
            Self::Wish => b"lujiang carried wish v1\0",
        }
    }
}

impl Signed {
    /// The bytes a signature is made over.
    #[must_use]
    pub fn message(purpose: SignedFor, payload: &[u8]) -> Vec<u8> {
        [purpose.context(), payload].concat()
    }

    /// Reads one from JSON.
    ///
    /// # Errors
    /// Where it is none, or has no signer or too many issuers.
    pub fn from_json(json: &[u8]) -> Result<Self, SignedError> {
        let signed: Self = serde_json::from_slice(json).map_err(|error| {
            // Without what stands there, which may name somebody.
            SignedError::Json(format!("line {} column {}", error.line(), error.column()))
        })?;
        match signed.certificates.len() {
            1..=CHAIN_MAX => Ok(signed),
            found => Err(SignedError::Chain(found)),
        }
    }
}

/// Why bytes are no signed payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignedError {
    /// Not the JSON of one.
    #[error("expected a signed payload: not understood at {0}")]
    Json(String),
    /// A chain of no certificate, or of too many.
    #[error("expected a chain of 1 to {CHAIN_MAX} certificates, found {0}")]
    Chain(usize),
}

impl From<Octets> for String {
    fn from(octets: Octets) -> Self {
        STANDARD.encode(octets.0)
    }
}

impl TryFrom<String> for Octets {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = STANDARD.decode(text);
        bytes.map(Self).map_err(|_| "expected base64")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_for_one_purpose_is_another_message_for_another() {
        let facts = Signed::message(SignedFor::Facts, b"[]");
        assert_ne!(facts, Signed::message(SignedFor::Receipts, b"[]"));
    }

    #[test]
    fn a_chain_has_a_signer() {
        let json = br#"{"scheme":1027,"certificates":[],"payload":"","signature":""}"#;
        assert_eq!(Signed::from_json(json), Err(SignedError::Chain(0)));
    }

    #[test]
    fn what_stands_there_is_not_in_the_error() {
        let error = Signed::from_json(br#"{"scheme":"4302231990"}"#).unwrap_err();
        assert!(!error.to_string().contains("4302231990"), "{error}");
    }
}
