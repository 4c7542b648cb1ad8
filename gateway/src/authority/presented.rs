//! What the gateway shows of itself in TLS: a chain of its own, or the operator's.
//!
//! A newer one takes effect with the next handshake; connections that stand are not touched. A
//! chain of the gateway's own lives in memory only: a restart makes another, and devices know the
//! gateway by the authority above it, which is part of what is shown.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use lujiang_config::{AuthoritySection, TlsSection};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::issuer::{CertificateIssuer, Validity};
use super::secret::read_private;
use super::{AuthorityError, provider};

/// More certificates are no chain.
const CHAIN_MAX: usize = 16;

/// What is shown now, and where the next one comes from.
pub(super) struct Presented {
    shown: ArcSwap<Shown>,
    source: Source,
    /// The operator's files as they were last tried, good or bad.
    tried: Mutex<Option<Stamp>>,
}

struct Shown {
    key: Arc<CertifiedKey>,
    /// The topmost certificate: what a token pins.
    top: CertificateDer<'static>,
    /// When all of the chain is good.
    validity: Validity,
    /// When it is to be replaced by another of our own.
    renew_after: Option<Timestamp>,
}

/// Where the chain comes from.
enum Source {
    /// The gateway's own authority.
    Own {
        issuer: Arc<CertificateIssuer>,
        names: Vec<String>,
        valid: std::time::Duration,
    },
    /// The operator's files.
    Operator { certificate: PathBuf, key: PathBuf },
}

/// Who makes the chain, and replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The gateway itself.
    Gateway,
    /// The operator.
    Operator,
}

/// When certificate and key were last written, and how long they are: one that was half written when
/// it was looked at may be whole within the same tick of the clock.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Presented {
    /// Reads or makes the first chain.
    pub(super) fn open(
        issuer: &Arc<CertificateIssuer>,
        tls: &TlsSection,
        authority: &AuthoritySection,
        now: Timestamp,
    ) -> Result<Self, AuthorityError> {
        let source = match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => Source::Operator {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            _ => Source::Own {
                issuer: Arc::clone(issuer),
                names: tls.names.clone(),
                valid: authority.gateway_certificate_valid,
            },
        };
        let tried = Mutex::new(source.stamp());
        let shown = ArcSwap::from_pointee(source.load(now)?);
        Ok(Self {
            shown,
            source,
            tried,
        })
    }

    /// The key and the chain that are shown.
    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.shown.load().key)
    }

    /// When all of what is shown is good.
    pub(super) fn validity(&self) -> Validity {
        self.shown.load().validity
    }

    /// Who replaces what is shown.
    pub(super) fn origin(&self) -> Origin {
        match self.source {
            Source::Own { .. } => Origin::Gateway,
            Source::Operator { .. } => Origin::Operator,
        }
    }

    /// The certificate that a device may pin.
    pub(super) fn top(&self) -> CertificateDer<'static> {
        self.shown.load().top.clone()
    }

    /// Takes up a newer chain where it is time for one.
    ///
    /// # Errors
    /// Where the newer one is not good; the older stays, and the same files are not tried again.
    pub(super) fn refresh(&self, now: Timestamp) -> Result<Refreshed, AuthorityError> {
        let is_due = match self.shown.load().renew_after {
            Some(renew_after) => now >= renew_after,
            None => {
                let stamp = self.source.stamp();
                let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::replace(&mut *tried, stamp) != stamp
            }
        };
        if !is_due {
            return Ok(Refreshed::Same);
        }
        self.shown.store(Arc::new(self.source.load(now)?));
        Ok(Refreshed::Newer)
    }
}

/// What a look at the chain came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refreshed {
    /// Nothing is newer.
    Same,
    /// Another one is shown from now on.
    Newer,
}

impl Source {
    fn load(&self, now: Timestamp) -> Result<Shown, AuthorityError> {
        match self {
            Self::Own {
                issuer,
                names,
                valid,
            } => {
                let validity = Validity::of(now, *valid);
                let (leaf, key) = issuer.name_gateway(names, validity)?;
                let key = PrivatePkcs8KeyDer::from(key).into();
                let chain = vec![leaf, issuer.der().clone()];
                let key = CertifiedKey::from_der(chain, key, &provider())
                    .map_err(|error| AuthorityError::Tls(error.to_string()))?;
                Ok(Shown {
                    key: Arc::new(key),
                    top: issuer.der().clone(),
                    validity,
                    renew_after: Some(validity.renew_after(now)),
                })
            }
            Self::Operator { certificate, key } => load_files(certificate, key),
        }
    }

    /// None where the chain is our own.
    fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Own { .. } => None,
            Self::Operator { certificate, key } => {
                let written = |path: &PathBuf| {
                    let known = fs::metadata(path).ok()?;
                    Some((known.modified().ok()?, known.len()))
                };
                Some([written(certificate), written(key)])
            }
        }
    }
}

fn load_files(certificate: &Path, key: &Path) -> Result<Shown, AuthorityError> {
    let text = fs::read(certificate).map_err(|source| AuthorityError::File {
        action: "read",
        path: certificate.to_owned(),
        source,
    })?;
    let no_chain = || AuthorityError::Content {
        path: certificate.to_owned(),
        expected: "a certificate chain (PEM), the gateway's certificate first",
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .take(CHAIN_MAX)
        .collect::<Result<_, _>>()
        .map_err(|_| no_chain())?;
    let top = chain.last().ok_or_else(no_chain)?.clone();
    let validity = Validity::of_chain(&chain).ok_or_else(no_chain)?;
    let no_key = || AuthorityError::Content {
        path: key.to_owned(),
        expected: "the key (PEM) of the first certificate in [tls] certificate",
    };
    let key_der = PrivateKeyDer::from_pem_slice(&read_private(key)?).map_err(|_| no_key())?;
    let key = CertifiedKey::from_der(chain, key_der, &provider()).map_err(|_| no_key())?;
    Ok(Shown {
        key: Arc::new(key),
        top,
        validity,
        renew_after: None,
    })
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.shown.load().key))
    }
}

impl std::fmt::Debug for Presented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Presented([redacted])")
    }
}
