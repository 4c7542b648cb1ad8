//! The gateway's own certificate authority: it names devices, and the gateway itself.
//!
//! Made at the first start; its key lies sealed in the data folder. What stands here knows
//! certificates and no registry: whether a certificate was revoked is the registry's row, asked
//! at every CONNECT and every renewal (decision 0010).

mod error;
mod identity;
mod issuer;
mod presented;
mod secret;
mod signature;
mod standing;
mod strongbox;
mod tls;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use lujiang_config::GatewayConfig;
use lujiang_wire::{Clock, DeviceId};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::server::danger::ClientCertVerifier;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::data_dir::{DataPaths, replace_file};
pub use error::AuthorityError;
pub use identity::{Identity, NoIdentity, Serial};
use issuer::{CertificateIssuer, IssuerKey};
pub use issuer::{IssuedCertificate, RequestError, Validity};
pub use presented::Origin;
use presented::{Presented, Refreshed};
use secret::{AuthoritySecret, SecretPlace};
pub use signature::SignatureRefusal;
pub use standing::Standing;
use strongbox::Strongbox;

/// How often the chain is looked at in a sixth of its own life: several times before it lapses.
const LOOKS_IN_LIFE: u32 = 6;

/// The shortest pause between two such looks.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(100);

/// How soon somebody is told again of a certificate that ends.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// The authority; clones share it.
#[derive(Clone)]
pub struct Authority {
    issuer: Arc<CertificateIssuer>,
    presented: Arc<Presented>,
    clock: Arc<dyn Clock>,
    /// Takes certificates of devices that come without a handshake.
    signers: Arc<dyn ClientCertVerifier>,
    device_valid: Duration,
    look_pause: Duration,
    /// How it stood with the certificate when somebody was last told, and when that was.
    told: Arc<Mutex<(Standing, Timestamp)>>,
}

/// The certificate the gateway shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownCertificate {
    /// When all of its chain is good.
    pub validity: Validity,
    /// How it stands with that now.
    pub standing: Standing,
    /// Who replaces it.
    pub origin: Origin,
}

impl Authority {
    /// Opens the authority of a data folder; makes it at the first start. Reads files.
    ///
    /// # Errors
    /// Where its secret is missing, wrong or open to others, or the operator's chain is not good.
    pub fn open(
        paths: &DataPaths,
        config: &GatewayConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuthorityError> {
        let section = &config.authority;
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
        let place = SecretPlace::choose(
            section.secret_file.as_deref(),
            credentials.as_deref().map(Path::new),
            paths.authority_secret_file(),
        );
        let now = clock.wall();
        let strongbox = Strongbox::at(&paths.authority_key_file());
        let issuer = if strongbox.exists() {
            let opened = strongbox.open(&place)?;
            CertificateIssuer::open(opened.certificate, &opened.key)?
        } else {
            let secret = AuthoritySecret::read_or_make(&place)?;
            let (issuer, key) = CertificateIssuer::make(&config.library.name, now)?;
            strongbox.fill(&secret, issuer.certificate(), &key)?;
            issuer
        };
        // For people and foreign clients; the gateway itself never reads it.
        replace_file(&paths.authority_file(), issuer.certificate().as_bytes())?;
        let issuer = Arc::new(issuer);
        let presented = Presented::open(&issuer, &config.tls, section, now)?;
        let look_pause = section.gateway_certificate_valid / LOOKS_IN_LIFE;
        let authority = Self {
            presented: Arc::new(presented),
            signers: tls::signers(issuer.der())?,
            issuer,
            clock,
            device_valid: section.device_certificate_valid,
            look_pause: config
                .tls
                .reload_interval
                .min(look_pause)
                .max(LOOK_PAUSE_MIN),
            told: Arc::new(Mutex::new((Standing::Good, now))),
        };
        authority.tell();
        Ok(authority)
    }

    /// TLS for a listener, without an application protocol.
    ///
    /// # Errors
    /// Where TLS cannot be set up.
    pub fn server_config(&self) -> Result<ServerConfig, AuthorityError> {
        let shown = Arc::clone(&self.presented);
        tls::server_config(self.issuer.der(), shown, Arc::clone(&self.clock))
    }

    /// Names a device, by the key of its request (PKCS #10, PEM); nothing else of it is used.
    ///
    /// # Errors
    /// Where it is no request, or not signed with its own key.
    pub fn name_device(
        &self,
        device: &DeviceId,
        request: &str,
    ) -> Result<IssuedCertificate, RequestError> {
        let now = self.clock.wall();
        self.issuer
            .name_device(device, request, self.device_valid, now)
    }

    /// The authority's certificate (PEM).
    #[must_use]
    pub fn certificate(&self) -> &str {
        self.issuer.certificate()
    }

    /// What certificates of the gateway may be rooted in (PEM): the authority, and what the
    /// operator's chain ends in.
    #[must_use]
    pub fn roots(&self) -> String {
        let (own, top) = (self.issuer.der(), self.presented.top());
        let mut roots = self.issuer.certificate().to_owned();
        if top != *own {
            roots.push_str(&pem(&top));
        }
        roots
    }

    /// By what a device knows the gateway before it has any certificate: SHA-256 over the topmost
    /// certificate of the chain the gateway shows.
    #[must_use]
    pub fn pin(&self) -> [u8; 32] {
        Sha256::digest(self.presented.top()).into()
    }

    /// Takes up a newer chain where there is one; the log has it where it is not good.
    pub fn refresh(&self) {
        match self.presented.refresh(self.clock.wall()) {
            Ok(Refreshed::Same) => {}
            Ok(Refreshed::Newer) => tracing::info!("the gateway shows a newer certificate"),
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "the newer certificate is not good: the older one stays"
            ),
        }
        self.tell();
    }

    /// What is shown now.
    #[must_use]
    pub fn shown(&self) -> ShownCertificate {
        let validity = self.presented.validity();
        ShownCertificate {
            validity,
            standing: validity.standing(self.clock.wall()),
            origin: self.presented.origin(),
        }
    }

    /// Tells the log where somebody has to see to the certificate: when that begins, and once a
    /// day.
    fn tell(&self) {
        let (shown, now) = (self.shown(), self.clock.wall());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (standing, at) = *told;
        if shown.standing == standing && now.duration_since(at).abs() < TOLD_AGAIN {
            return;
        }
        *told = (shown.standing, now);
        drop(told);
        let Validity {
            not_before,
            not_after,
        } = shown.validity;
        match shown.standing {
            Standing::Good => {}
            Standing::EndsSoon => tracing::warn!(
                %not_after,
                "the gateway's certificate ends soon: put a newer one in its place"
            ),
            Standing::Ended => tracing::error!(
                %not_after,
                "the gateway's certificate has ended: devices and browsers refuse it"
            ),
            Standing::NotBegun => tracing::error!(
                %not_before,
                "the gateway's certificate is not good yet: devices and browsers refuse it"
            ),
        }
    }

    /// Does so off the runtime's threads: two small files, or one signature.
    pub async fn look(&self) {
        let authority = self.clone();
        let looking = tokio::task::spawn_blocking(move || authority.refresh());
        if looking.await.is_err() {
            tracing::error!("looking for a newer certificate panicked");
        }
    }

    /// Keeps what the gateway shows from lapsing, until cancelled.
    pub(crate) async fn keep(self, cancel: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.look_pause) => {}
                () = cancel.cancelled() => return,
            }
            self.look().await;
        }
    }
}

/// The one library for TLS and for certificates.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A certificate as text [RFC 7468].
fn pem(certificate: &CertificateDer<'_>) -> String {
    let base64 = STANDARD.encode(certificate);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests;
