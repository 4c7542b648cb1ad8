//! The gateway as a device knows it before it is enrolled: by the pin of its token.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256};

use super::{moment_within, unix_time};
use crate::identity::provider;

/// Takes a chain with the pinned certificate in it, from which the gateway's own descends and
/// which bears the name we dialled. No date is judged: the clock may stand at 1970, and a token
/// lives only for a while by the gateway's.
#[derive(Debug)]
pub(crate) struct PinnedGateway {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
    refusal: OnceLock<Refusal>,
}

/// Why a gateway was not taken. The library would bury it in the text of an error.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// No certificate it presents is the pinned one.
    Foreign,
    /// The pinned one is there, but the rest does not follow from it.
    Unsound(Error),
}

impl PinnedGateway {
    /// Of this pin: SHA-256 over the DER of a certificate the gateway presents.
    pub(crate) fn new(pin: [u8; 32]) -> Self {
        Self {
            pin,
            provider: provider(),
            refusal: OnceLock::new(),
        }
    }

    /// Why a gateway was not taken, if one was not.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.refusal.get().cloned()
    }

    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        Sha256::digest(certificate).as_slice() == self.pin
    }

    fn judge(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> Result<(), Refusal> {
        if self.is_pinned(own) {
            return ParsedCertificate::try_from(own)
                .and_then(|own| verify_server_name(&own, name))
                .map_err(Refusal::Unsound);
        }
        let pinned = others
            .iter()
            .find(|certificate| self.is_pinned(certificate))
            .ok_or(Refusal::Foreign)?;
        let verify = || {
            let mut roots = RootCertStore::empty();
            roots.add(pinned.clone().into_owned())?;
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots.into(), self.provider.clone())
                    .build()
                    .map_err(|error| Error::General(error.to_string()))?;
            let when = unix_time(moment_within(own, others)?);
            verifier.verify_server_cert(own, others, name, &[], when)
        };
        verify().map(|_| ()).map_err(Refusal::Unsound)
    }
}

impl ServerCertVerifier for PinnedGateway {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity, intermediates, server_name)
            .map(|()| ServerCertVerified::assertion())
            .map_err(|refusal| {
                let error = match &refusal {
                    Refusal::Foreign => CertificateError::ApplicationVerificationFailure.into(),
                    Refusal::Unsound(error) => error.clone(),
                };
                // The first refusal is the one that is told.
                let _ = self.refusal.set(refusal);
                error
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
