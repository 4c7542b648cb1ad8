//! Another device of the same gateway, met on a local network: known by the certificate the
//! gateway gave it, whoever of the two dialled.

use std::sync::Arc;

use lujiang_wire::DeviceId;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use super::{moment_within, unix_time};
use crate::identity::{facts_of, provider};
use crate::measured_time::MeasuredTime;

/// Takes the certificates of some devices. Their dates count while our clock is synchronised;
/// that one was revoked we cannot know without the gateway.
#[derive(Debug)]
pub(crate) struct Fellow {
    inner: Arc<dyn ClientCertVerifier>,
    time: MeasuredTime,
    taken: Vec<DeviceId>,
}

impl Fellow {
    /// These devices, of these roots, at least one.
    pub(crate) fn new(roots: Arc<RootCertStore>, time: MeasuredTime, taken: Vec<DeviceId>) -> Self {
        let inner = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .build()
            .expect("an identity has at least one root");
        Self { inner, time, taken }
    }

    fn judge(
        &self,
        own: &CertificateDer<'_>,
        issuers: &[CertificateDer<'_>],
    ) -> Result<ClientCertVerified, Error> {
        let when = match self.time.synchronised_wall() {
            Some(now) => now,
            None => moment_within(own, issuers)?,
        };
        let verified = self
            .inner
            .verify_client_cert(own, issuers, unix_time(when))?;
        let device = device_of(own);
        if device.is_some_and(|it| self.taken.contains(&it)) {
            return Ok(verified);
        }
        Err(CertificateError::NotValidForName.into())
    }
}

/// The device a certificate names.
pub(crate) fn device_of(certificate: &CertificateDer<'_>) -> Option<DeviceId> {
    facts_of(certificate).ok()?.device?.parse().ok()
}

impl ClientCertVerifier for Fellow {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(end_entity, intermediates)
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

impl ServerCertVerifier for Fellow {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity, intermediates)
            .map(|_| ServerCertVerified::assertion())
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
