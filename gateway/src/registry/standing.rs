//! Whether someone who was let in still would be: asked again as a connection takes its place,
//! because its right may have been withdrawn while it was looked at.

use lujiang_broker::Pass;
use lujiang_wire::DeviceId;

use super::{PasswordHash, Registry};
use crate::authority::Serial;

/// Whose password it was, and what to ask about it later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<Row> {
    /// The device, or the reader.
    pub row: Row,
    /// What it was let in by.
    pub pass: Pass,
}

impl Registry {
    /// Whether a device may come in, and by this pass: its password was not changed, its
    /// certificate has not ended.
    #[must_use]
    pub fn device_stands(&self, id: &DeviceId, pass: &Pass) -> bool {
        let snapshot = self.snapshot();
        let Some((device, password)) = snapshot.devices.get(id) else {
            return false;
        };
        let mut certificates = snapshot.certificates.values();
        let stands = password.as_ref().is_some_and(|it| *pass == by_password(it))
            || certificates.any(|row| {
                let is_taken = row.device == *id && row.ended.is_none();
                is_taken && *pass == by_certificate(&row.serial)
            });
        device.enabled && stands
    }

    /// Whether a device has a certificate that is taken, and may connect.
    #[must_use]
    pub fn is_certified(&self, id: &DeviceId) -> bool {
        let snapshot = self.snapshot();
        let is_enabled = |(device, _): &(super::Device, _)| device.enabled;
        let mut certificates = snapshot.certificates.values();
        snapshot.devices.get(id).is_some_and(is_enabled)
            && certificates.any(|row| row.device == *id && row.ended.is_none())
    }

    /// Whether a reader may come in, and by this pass.
    #[must_use]
    pub fn reader_stands(&self, name: &DeviceId, pass: &Pass) -> bool {
        let snapshot = self.snapshot();
        let reader = snapshot.readers.get(name);
        reader.is_some_and(|(_, password)| *pass == by_password(password))
    }
}

/// The pass of whoever showed this certificate.
pub(crate) fn by_certificate(serial: &Serial) -> Pass {
    Pass::new(format!("certificate {serial}"))
}

/// The pass of whoever knew the password of this hash.
pub(super) fn by_password(hash: &PasswordHash) -> Pass {
    Pass::new(format!("password {}", hash.as_str()))
}
