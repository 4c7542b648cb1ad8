//! Whose certificate it is, and its number: what is read from a certificate that TLS verified.

use std::fmt;

use lujiang_wire::{DEVICE_URN, DeviceId};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// The number of a certificate, as lowercase hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(String);

/// Whose certificate it says to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The device.
    pub device: DeviceId,
    /// The number of the certificate.
    pub serial: Serial,
}

/// A certificate that names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the certificate names no device: expected one alternative name urn:lujiang:device:<id>")]
pub struct NoIdentity;

impl Serial {
    /// The number of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(bytes))
    }

    /// A number as it was stored.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Identity {
    /// Reads a certificate (DER).
    ///
    /// # Errors
    /// Where it names no device, or more than one.
    pub fn read(certificate: &[u8]) -> Result<Self, NoIdentity> {
        let (_, certificate) = X509Certificate::from_der(certificate).map_err(|_| NoIdentity)?;
        let names = certificate
            .subject_alternative_name()
            .ok()
            .flatten()
            .ok_or(NoIdentity)?;
        let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else {
            return Err(NoIdentity);
        };
        let device = uri.strip_prefix(DEVICE_URN).ok_or(NoIdentity)?;
        Ok(Self {
            device: device.parse().map_err(|_| NoIdentity)?,
            serial: Serial::of(certificate.raw_serial()),
        })
    }
}

/// The name of a device in its certificate.
pub(super) fn device_uri(device: &DeviceId) -> String {
    format!("{DEVICE_URN}{device}")
}
