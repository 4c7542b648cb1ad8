//! The making of a device's key. It goes from here into the identity file, and nowhere else.

use std::fmt;

use lujiang_wire::DeviceId;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

/// A new ECDSA P-256 key. Debug shows nothing of it.
pub(crate) struct DeviceKey(KeyPair);

impl DeviceKey {
    /// Makes one.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub(crate) fn generate() -> Result<Self, rcgen::Error> {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map(Self)
    }

    /// The request for a certificate (PKCS #10, PEM), signed with the key to prove that we have
    /// it. It names the device for who reads it; the gateway goes by whom it knows.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub(crate) fn signing_request(&self, device: &DeviceId) -> Result<String, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::CommonName, device.as_str());
        params.serialize_request(&self.0)?.pem()
    }

    /// For the identity file.
    pub(super) fn to_pem(&self) -> String {
        self.0.serialize_pem()
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
