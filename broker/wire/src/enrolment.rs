//! Enrolment: how a device gets its certificate, in the words both sides speak.
//!
//! A technician has the gateway make an [`EnrolmentToken`]. The agent dials the gateway over TLS,
//! takes for true only a chain that holds the certificate the token pins, makes its key, and
//! sends an [`EnrolmentRequest`] to [`ENROLMENT_PATH`]. Later it renews by itself with a
//! [`RenewalRequest`] to [`RENEWAL_PATH`], known by the certificate it has.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::DeviceId;

/// Where an [`EnrolmentRequest`] goes, by POST; answered with [`CertificateIssued`].
pub const ENROLMENT_PATH: &str = "/api/v1/enrolment";

/// Where a [`RenewalRequest`] goes, by POST over mutual TLS; answered with [`CertificateIssued`].
pub const RENEWAL_PATH: &str = "/api/v1/certificate";

/// What stands before a device's id in the alternative name (a URI, the only one) of its
/// certificate. No DNS name: ids know letters that host names do not.
pub const DEVICE_URN: &str = "urn:lujiang:device:";

/// What every token begins with, so that a person and a search see what it is.
const PREFIX: &str = "lje1";

/// A one-time permission for one device to get a certificate: a secret, and the pin by which the
/// device knows the gateway. Debug shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken {
    /// What the gateway asks for; only its hash is kept there.
    pub secret: TokenSecret,
    /// SHA-256 over the DER of a certificate in the chain the gateway presents: its authority, or
    /// the topmost certificate of what the operator brought.
    pub pin: [u8; 32],
}

/// The secret half of a token: 256 random bits. Debug shows none of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenSecret([u8; 32]);

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an enrolment token: expected lje1.<43 characters>.<43 characters>, as `lujiang-gateway device enrol` printed it"
)]
pub struct TokenError;

/// A device asks for its first certificate, or for one after a lapse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    /// Who it is.
    pub device: DeviceId,
    /// The secret of its token.
    pub secret: TokenSecret,
    /// A certificate signing request (PKCS #10, PEM). Only its key is used.
    pub csr: String,
}

/// A device asks for the next certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalRequest {
    /// A certificate signing request (PKCS #10, PEM). Only its key is used.
    pub csr: String,
}

/// A certificate for the device, and what it takes the gateway's own for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateIssued {
    /// The device's certificate, then its issuer's (PEM).
    pub certificate: String,
    /// What the gateway's own certificates may be rooted in (PEM, one or several).
    pub roots: String,
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// When the device should ask for the next one.
    pub renew_after: Timestamp,
}

impl TokenSecret {
    /// A secret of these random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be hashed or compared, never shown.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<TokenSecret> for String {
    fn from(secret: TokenSecret) -> Self {
        URL_SAFE_NO_PAD.encode(secret.0)
    }
}

impl TryFrom<String> for TokenSecret {
    type Error = TokenError;

    fn try_from(text: String) -> Result<Self, TokenError> {
        read_32(&text).map(Self)
    }
}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl EnrolmentToken {
    /// The token as a person copies it. Named so that no log does it by accident.
    #[must_use]
    pub fn reveal(&self) -> String {
        let (secret, pin) = (
            URL_SAFE_NO_PAD.encode(self.secret.0),
            URL_SAFE_NO_PAD.encode(self.pin),
        );
        format!("{PREFIX}.{secret}.{pin}")
    }
}

impl FromStr for EnrolmentToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let mut parts = text.trim().split('.');
        let (Some(PREFIX), Some(secret), Some(pin), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError);
        };
        Ok(Self {
            secret: TokenSecret(read_32(secret)?),
            pin: read_32(pin)?,
        })
    }
}

fn read_32(text: &str) -> Result<[u8; 32], TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError)?;
    bytes.try_into().map_err(|_| TokenError)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_token_we_write_we_read(secret: [u8; 32], pin: [u8; 32]) {
            let token = EnrolmentToken { secret: TokenSecret::new(secret), pin };
            prop_assert_eq!(token.reveal().parse(), Ok(token));
        }

        #[test]
        fn what_is_no_token_is_refused_and_never_shown(text in "[a-zA-Z0-9_.-]{0,100}") {
            prop_assume!(!text.starts_with("lje1"));
            prop_assert_eq!(text.parse::<EnrolmentToken>(), Err(TokenError));
        }
    }

    #[test]
    fn no_token_and_no_secret_is_ever_printed() {
        let token = EnrolmentToken {
            secret: TokenSecret::new([7; 32]),
            pin: [8; 32],
        };
        let request = EnrolmentRequest {
            device: "gate-1".parse().unwrap(),
            secret: token.secret.clone(),
            csr: String::new(),
        };
        let shown = format!("{token:?} {:?} {request:?}", token.secret);
        assert!(!shown.contains("BwcH") && !shown.contains("[7"), "{shown}");
    }

    #[test]
    fn a_token_with_a_part_missing_or_too_much_is_refused() {
        let token = EnrolmentToken {
            secret: TokenSecret::new([7; 32]),
            pin: [8; 32],
        };
        let text = token.reveal();
        for wrong in [&text[..text.len() - 1], &format!("{text}."), &text[5..]] {
            assert_eq!(wrong.parse::<EnrolmentToken>(), Err(TokenError));
        }
        assert_eq!(format!(" {text}\n").parse(), Ok(token));
    }
}
