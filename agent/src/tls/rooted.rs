//! The gateway as an enrolled device knows it: by the roots it was given.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::{Trust, moment_within, unix_time};
use crate::identity::provider;
use crate::measured_time::MeasuredTime;

/// Takes a chain that ends in one of the roots and bears the name we dialled. Its dates count
/// while our clock is synchronised; otherwise the chain is verified as of a moment of its own.
#[derive(Debug)]
pub(crate) struct RootedGateway {
    inner: Arc<WebPkiServerVerifier>,
    time: MeasuredTime,
    trust: Trust,
}

impl RootedGateway {
    /// Of these roots, at least one.
    pub(crate) fn new(roots: Arc<RootCertStore>, time: MeasuredTime, trust: Trust) -> Self {
        let inner = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .build()
            .expect("an identity has at least one root");
        Self { inner, time, trust }
    }
}

impl ServerCertVerifier for RootedGateway {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let when = match self.time.synchronised_wall() {
            Some(now) => now,
            None => moment_within(end_entity, intermediates)?,
        };
        let when = unix_time(when);
        let verified = self.inner.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            when,
        );
        match (self.trust, &verified) {
            (Trust::Anybody, Err(_)) => Ok(ServerCertVerified::assertion()),
            // The name is looked at last: the chain is good.
            (Trust::AnyName, Err(error)) if is_of_name(error) => {
                Ok(ServerCertVerified::assertion())
            }
            (Trust::ChainAndName | Trust::AnyName | Trust::Anybody, _) => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn is_of_name(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}
