//! The identity of a device: its key, the certificate the gateway gave for it, and what the
//! gateway's own certificates are rooted in.
//!
//! All of it stands in one file, `identity.json` (mode 0600) in the folder `[uplink] identity`
//! (mode 0700), replaced by one rename: there is no moment at which a key stands beside the
//! certificate of another, or a certificate beside roots that do not fit (decision 0012). The key
//! is made on the device; after that only a TLS handshake uses it.

mod certificate;
mod error;
mod folder;
mod key;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use lujiang_wire::{CertificateIssued, DeviceId};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use certificate::{Validity, facts_of};
pub use error::IdentityError;
pub use folder::IdentityFolder;
pub(crate) use key::DeviceKey;

use crate::gateway_url::GatewayUrl;

/// What a person can do where a certificate is not good any more.
pub const ENROL_AGAIN: &str = "make a token with `lujiang-gateway device enrol` and run \
                               `lujiang-agent enrol --again` with it";

/// What the gateway knows a device by, checked: the key is the certificate's, the certificate is
/// the device's, and there is at least one root. Debug shows no key.
#[derive(Clone)]
pub struct Identity {
    stored: Stored,
    certificate: Validity,
    key: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
}

/// What stands in the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    /// Of this form.
    version: u32,
    /// Where the certificate came from, and where the next one comes from.
    gateway: GatewayUrl,
    /// When to ask for the next one.
    renew_after: Timestamp,
    /// PKCS #8, PEM.
    key: String,
    /// The device's own, then its issuer's, PEM.
    certificate: String,
    /// PEM, one or several.
    roots: String,
}

/// The form this version writes.
const VERSION: u32 = 1;

impl Identity {
    /// Puts together what the gateway issued for this key; nothing is written.
    ///
    /// # Errors
    /// Where the parts do not belong together or cannot be read.
    pub(crate) fn assemble(
        device: &DeviceId,
        gateway: GatewayUrl,
        key: &DeviceKey,
        issued: CertificateIssued,
    ) -> Result<Self, IdentityError> {
        let stored = Stored {
            version: VERSION,
            gateway,
            renew_after: issued.renew_after,
            key: key.to_pem(),
            certificate: issued.certificate,
            roots: issued.roots,
        };
        Self::check(device, stored)
    }

    /// Reads and checks the text of an identity file.
    fn parse(device: &DeviceId, text: &str) -> Result<Self, IdentityError> {
        // The text of the error would show what stands there, and that may be the key.
        let stored = serde_json::from_str(text).map_err(|_| IdentityError::Form)?;
        Self::check(device, stored)
    }

    fn check(device: &DeviceId, stored: Stored) -> Result<Self, IdentityError> {
        if stored.version != VERSION {
            return Err(IdentityError::Version {
                found: stored.version,
                expected: VERSION,
            });
        }
        let chain = certificates(&stored.certificate, "certificate")?;
        let own = facts_of(&chain[0])?;
        if own.device.as_deref() != Some(device.as_str()) {
            return Err(IdentityError::OtherDevice {
                found: own.device.unwrap_or_else(|| "no device".to_owned()),
                expected: device.clone(),
            });
        }
        let mut roots = RootCertStore::empty();
        for root in certificates(&stored.roots, "roots")? {
            roots
                .add(root)
                .map_err(|_| IdentityError::Part { part: "roots" })?;
        }
        let key = PrivateKeyDer::from_pem_slice(stored.key.as_bytes())
            .map_err(|_| IdentityError::Part { part: "key" })?;
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => IdentityError::OtherKey,
            _ => IdentityError::Part { part: "key" },
        })?;
        Ok(Self {
            certificate: own.validity,
            key: Arc::new(key),
            roots: Arc::new(roots),
            stored,
        })
    }

    /// The gateway it is from.
    #[must_use]
    pub fn gateway(&self) -> &GatewayUrl {
        &self.stored.gateway
    }

    /// From when the certificate is good.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.certificate.not_before
    }

    /// Until when the certificate is good.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.certificate.not_after
    }

    /// When to ask for the next one.
    #[must_use]
    pub fn renew_after(&self) -> Timestamp {
        self.stored.renew_after
    }

    /// A number that is as good as random and stays with the certificate.
    pub(crate) fn scatter(&self) -> u16 {
        let digest = Sha256::digest(&self.key.cert[0]);
        u16::from_be_bytes([digest[0], digest[1]])
    }

    /// Whether the other one has the same certificate.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.stored.certificate == other.stored.certificate
    }

    /// For a handshake: the key with its certificates.
    pub(crate) fn certified_key(&self) -> Arc<CertifiedKey> {
        self.key.clone()
    }

    /// For a handshake: what the gateway's chain must end in.
    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        self.roots.clone()
    }

    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(&self.stored).expect("an identity is texts and a number")
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("gateway", &self.stored.gateway)
            .field("certificate", &self.certificate)
            .field("key", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

/// What all cryptography here is done with.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The certificates of a PEM text: at least one.
fn certificates(
    text: &str,
    part: &'static str,
) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(IdentityError::Part { part }),
    }
}

#[cfg(test)]
mod tests;
