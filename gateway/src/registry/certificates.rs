//! Certificates: which of a device's are taken, and what ends them.
//!
//! A device has at most one that it has shown and one that is new. The new one's first use ends
//! the other, so that a copy of an old one is worth nothing once its successor is in use; until
//! then the old one stays good, for an answer may be lost on its way.

use lujiang_wire::DeviceId;
use serde_json::json;

use super::change::Change;
use super::{Actor, Device, Registry, RegistryError};
use crate::authority::{Identity, IssuedCertificate};
use crate::store::authority::{self as rows, CertificateRow};

/// A device may renew again after this part of a certificate's life: often enough for an answer
/// that was lost, too seldom to fill the audit.
const RENEWALS_IN_LIFE: u32 = 1_000;

/// Why a certificate is refused though TLS found nothing wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateEnd {
    /// Somebody revoked the device's credentials.
    Revoked,
    /// Its successor is in use.
    Superseded,
}

/// Why somebody with a certificate is not let in.
#[derive(Debug, thiserror::Error)]
pub enum CertificateRefusal {
    /// Issued by this authority, but not known to this registry: it was restored from an older
    /// copy, or the device was removed.
    #[error("the registry does not know this certificate: enrol the device anew")]
    Unknown,
    /// It has ended.
    #[error("{}", told(*.0))]
    Ended(CertificateEnd),
    /// The device may not connect.
    #[error("the device is disabled")]
    Disabled,
    /// Its first use could not be written down.
    #[error("the registry cannot be written")]
    Registry(#[from] RegistryError),
}

/// A device that was let in by its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The device.
    pub device: Device,
    /// Whether this was the first use of a successor, which ended the one before.
    pub is_first: bool,
}

impl CertificateEnd {
    /// As stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Superseded => "superseded",
        }
    }

    /// From what was stored.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        [Self::Revoked, Self::Superseded]
            .into_iter()
            .find(|end| end.as_str() == text)
    }
}

fn told(end: CertificateEnd) -> &'static str {
    match end {
        CertificateEnd::Revoked => "the certificate was revoked",
        CertificateEnd::Superseded => "the certificate was replaced by a newer one",
    }
}

impl Registry {
    /// Lets in the device of a certificate that TLS has verified. The first use of one is
    /// written down before the device is let in, and ends the one before.
    ///
    /// # Errors
    /// Where the certificate is not taken, or its first use cannot be written down.
    pub async fn show_certificate(&self, shown: &Identity) -> Result<Shown, CertificateRefusal> {
        let snapshot = self.snapshot();
        let row = snapshot.certificate(shown)?;
        let device = self
            .device(&row.device)
            .ok_or(CertificateRefusal::Unknown)?;
        if !device.enabled {
            return Err(CertificateRefusal::Disabled);
        }
        if row.used.is_some() {
            return Ok(Shown {
                device,
                is_first: false,
            });
        }
        let actor = Actor::device(&device.id);
        let identity = shown.clone();
        self.change(&actor, move |change| change.first_use(&identity))
            .await?;
        // It may have been revoked meanwhile.
        self.snapshot().certificate(shown)?;
        Ok(Shown {
            device,
            is_first: true,
        })
    }

    /// Whether what a device signed with the key of this certificate is taken when a carrier brings
    /// it. A certificate that was replaced since is good for that: the device signed before, or
    /// had not heard of it. One that was revoked is not.
    ///
    /// # Errors
    /// Where it is not taken.
    pub fn signer_stands(&self, signer: &Identity) -> Result<(), CertificateRefusal> {
        match self.snapshot().certificate(signer) {
            Ok(_) | Err(CertificateRefusal::Ended(CertificateEnd::Superseded)) => {}
            Err(refusal) => return Err(refusal),
        }
        let device = self.device(&signer.device);
        match device.ok_or(CertificateRefusal::Unknown)?.enabled {
            true => Ok(()),
            false => Err(CertificateRefusal::Disabled),
        }
    }

    /// Writes down the next certificate of a device, asked for with the present one.
    ///
    /// # Errors
    /// Where the present one is not taken any more, the device renews too often, or nothing could
    /// be written.
    pub async fn renew_certificate(
        &self,
        present: &Identity,
        next: &IssuedCertificate,
    ) -> Result<(), CertificateRefusal> {
        let actor = Actor::device(&present.device);
        let (identity, next) = (present.clone(), next.clone());
        self.snapshot().certificate(present)?;
        let change = move |change: &Change<'_>| {
            let device = &identity.device;
            if change.snapshot.certificate(&identity).is_err() {
                return Err(RegistryError::NotTaken);
            }
            change.renews_seldom(device, &next)?;
            change.add_certificate(device, &next)?;
            let after =
                json!({ "serial": next.serial.as_str(), "not_after": next.validity.not_after });
            change.record("device.renew", device.as_str(), None, Some(after))
        };
        Ok(self.change(&actor, change).await?)
    }

    /// Refuses every certificate, token and password of a device from now on, and ends its
    /// connections. It may be enrolled again, or be given a password.
    ///
    /// # Errors
    /// Where there is no such device, or nothing could be written.
    pub async fn revoke_device(&self, id: &DeviceId, actor: &Actor) -> Result<(), RegistryError> {
        let device = id.clone();
        let change = move |change: &Change<'_>| {
            change.device(&device)?;
            let now = change.certificates(&device);
            let taken = now.iter().filter(|row| row.ended.is_none()).count();
            // One that was replaced still signs what carriers bring: it ends, too.
            let revoked = Some(CertificateEnd::Revoked);
            for row in now.into_iter().filter(|row| row.ended != revoked) {
                let ended = revoked;
                rows::put_certificate(change.connection, &CertificateRow { ended, ..row })?;
            }
            change.withdraw_tokens(&device)?;
            change.remove_password(&device)?;
            let after = json!({ "certificates": taken });
            change.record("device.revoke", device.as_str(), None, Some(after))
        };
        self.change(actor, change).await?;
        self.withdraw(id);
        Ok(())
    }
}

impl super::snapshot::Snapshot {
    /// The row of a certificate that is taken.
    pub(super) fn certificate(
        &self,
        shown: &Identity,
    ) -> Result<&CertificateRow, CertificateRefusal> {
        let row = self.certificates.get(&shown.serial);
        let row = row.filter(|row| row.device == shown.device);
        let row = row.ok_or(CertificateRefusal::Unknown)?;
        match row.ended {
            Some(end) => Err(CertificateRefusal::Ended(end)),
            None => Ok(row),
        }
    }
}

impl Change<'_> {
    /// Adds a device's new certificate. One before it that was never shown is forgotten, and so
    /// are those that have lapsed.
    pub(super) fn add_certificate(
        &self,
        device: &DeviceId,
        issued: &IssuedCertificate,
    ) -> Result<(), RegistryError> {
        for row in self.certificates(device) {
            let is_unshown = row.ended.is_none() && row.used.is_none();
            if is_unshown || row.not_after < self.at {
                rows::remove_certificate(self.connection, &row.serial)?;
            }
        }
        let row = CertificateRow {
            serial: issued.serial.clone(),
            device: device.clone(),
            issued: self.at,
            not_after: issued.validity.not_after,
            used: None,
            ended: None,
        };
        Ok(rows::put_certificate(self.connection, &row)?)
    }

    fn first_use(&self, shown: &Identity) -> Result<(), RegistryError> {
        let device = &shown.device;
        for row in self.certificates(device) {
            let changed = match () {
                () if row.ended.is_some() => continue,
                () if row.serial == shown.serial => CertificateRow {
                    used: row.used.or(Some(self.at)),
                    ..row
                },
                () => CertificateRow {
                    ended: Some(CertificateEnd::Superseded),
                    ..row
                },
            };
            rows::put_certificate(self.connection, &changed)?;
        }
        let after = json!({ "serial": shown.serial.as_str() });
        self.record("device.certificate", device.as_str(), None, Some(after))
    }

    fn renews_seldom(
        &self,
        device: &DeviceId,
        next: &IssuedCertificate,
    ) -> Result<(), RegistryError> {
        let validity = next.validity;
        let life = validity.not_after.duration_since(validity.not_before);
        let pause = std::time::Duration::try_from(life).unwrap_or_default() / RENEWALS_IN_LIFE;
        let unshown = self.certificates(device).into_iter();
        let last = unshown
            .filter(|row| row.used.is_none())
            .map(|row| row.issued);
        let is_early = |last: jiff::Timestamp| {
            last <= self.at && last.saturating_add(pause).is_ok_and(|next| next > self.at)
        };
        match last.max().is_some_and(is_early) {
            true => Err(RegistryError::RenewedJustNow { pause }),
            false => Ok(()),
        }
    }

    fn certificates(&self, device: &DeviceId) -> Vec<CertificateRow> {
        let all = self.snapshot.certificates.values();
        all.filter(|row| row.device == *device).cloned().collect()
    }
}
