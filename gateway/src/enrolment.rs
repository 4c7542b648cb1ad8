//! Enrolment: a token becomes a certificate, a certificate its successor.
//!
//! The one place where authority and registry meet: the authority signs, the registry's row
//! makes it good. What was signed and could not be written down was never issued.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_broker::{AddressLimits, Addresses};
use lujiang_config::GatewayConfig;
use lujiang_wire::{
    CertificateIssued, Clock, DeviceId, EnrolmentRequest, EnrolmentToken, RenewalRequest,
    TokenSecret,
};

use crate::authority::{Authority, Identity, IssuedCertificate, NoIdentity, RequestError};
use crate::data_dir::random_bytes;
use crate::registry::{Actor, CertificateRefusal, Registry, RegistryError, TokenHash};

/// Enrolment; clones share its rooms.
#[derive(Clone)]
pub struct Enrolment {
    authority: Authority,
    registry: Registry,
    clock: Arc<dyn Clock>,
    token_valid: Duration,
    addresses: Arc<Addresses>,
}

/// A token, and until when it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token, shown once.
    pub token: EnrolmentToken,
    /// Until when it is good.
    pub expires: Timestamp,
}

/// Why nobody gets a certificate.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// The registry refuses: the token, or the device.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The request is none.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The certificate shown is not taken.
    #[error(transparent)]
    Certificate(#[from] CertificateRefusal),
    /// The certificate shown names no device.
    #[error(transparent)]
    NoIdentity(#[from] NoIdentity),
}

impl Enrolment {
    /// Enrolment with these rooms; wrong tokens are counted by address as the door counts wrong
    /// passwords.
    #[must_use]
    pub fn new(
        authority: Authority,
        registry: Registry,
        clock: Arc<dyn Clock>,
        config: &GatewayConfig,
    ) -> Self {
        Self {
            authority,
            registry,
            clock,
            token_valid: config.authority.token_valid,
            addresses: Arc::new(Addresses::new(AddressLimits::of(&config.mqtt))),
        }
    }

    /// Who tries too often, and who brings wrong tokens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Makes a one-time token for a device; the one before is withdrawn.
    ///
    /// # Errors
    /// Where there is no such device, or nothing could be written.
    pub async fn token(
        &self,
        device: &DeviceId,
        actor: &Actor,
    ) -> Result<IssuedToken, RegistryError> {
        let token = EnrolmentToken {
            secret: TokenSecret::new(random_bytes()),
            pin: self.authority.pin(),
        };
        let hash = TokenHash::of(&token.secret);
        let adding = self
            .registry
            .add_token(device, hash, self.token_valid, actor);
        let expires = adding.await?;
        Ok(IssuedToken { token, expires })
    }

    /// Gives a device its certificate for its token.
    ///
    /// # Errors
    /// Where the token or the request is not good, or nothing could be written.
    pub async fn enrol(
        &self,
        request: EnrolmentRequest,
    ) -> Result<CertificateIssued, EnrolmentError> {
        let EnrolmentRequest {
            device,
            secret,
            csr,
        } = request;
        let hash = TokenHash::of(&secret);
        // Nothing is signed for strangers, and a request that is none does not use up the token.
        self.registry
            .check_token(&device, &hash)
            .map_err(RegistryError::from)?;
        let issued = self.sign(device.clone(), csr).await?;
        self.registry.spend_token(&device, hash, &issued).await?;
        Ok(self.answer(issued))
    }

    /// Gives a device its next certificate for the present one (DER), which TLS has verified.
    ///
    /// # Errors
    /// Where the present one or the request is not good, or nothing could be written.
    pub async fn renew(
        &self,
        present: &[u8],
        request: RenewalRequest,
    ) -> Result<CertificateIssued, EnrolmentError> {
        let present = Identity::read(present)?;
        let shown = self.registry.show_certificate(&present).await?;
        if shown.is_first {
            // As at the door: whoever is connected with the one before is not any more.
            self.registry.withdraw(&present.device);
        }
        let issued = self.sign(shown.device.id, request.csr).await?;
        self.registry.renew_certificate(&present, &issued).await?;
        Ok(self.answer(issued))
    }

    /// A signature checked and one made: a millisecond that is no runtime thread's.
    async fn sign(
        &self,
        device: DeviceId,
        csr: String,
    ) -> Result<IssuedCertificate, EnrolmentError> {
        let authority = self.authority.clone();
        let signing = tokio::task::spawn_blocking(move || authority.name_device(&device, &csr));
        let signed = signing.await.map_err(|_| RegistryError::Interrupted)?;
        Ok(signed?)
    }

    fn answer(&self, issued: IssuedCertificate) -> CertificateIssued {
        CertificateIssued {
            certificate: issued.certificate + self.authority.certificate(),
            roots: self.authority.roots(),
            not_before: issued.validity.not_before,
            not_after: issued.validity.not_after,
            renew_after: issued.validity.renew_after(self.clock.wall()),
        }
    }
}
