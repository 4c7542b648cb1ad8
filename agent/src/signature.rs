//! Signatures for what travels by a third party: the device's over its facts, the gateway's over
//! receipts and wishes. Keys, certificates and schemes are those of TLS.

use lujiang_wire::{Octets, Signed, SignedFor};
use rustls::SignatureScheme;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use serde::de::DeserializeOwned;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::identity::{Identity, provider};
use crate::measured_time::MeasuredTime;
use crate::tls::{RootedGateway, Trust};

/// Why something is not believed to be the gateway's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotTheGateways {
    /// It is no signed payload.
    #[error(transparent)]
    Form(#[from] lujiang_wire::SignedError),
    /// The certificate is not that of our gateway.
    #[error("the signer's certificate does not hold: {0}")]
    Chain(#[from] rustls::Error),
    /// The scheme is none of ours.
    #[error("signature scheme {0:#06x} is not taken")]
    Scheme(u16),
    /// The signature is not the signer's over this.
    #[error("the signature does not hold")]
    Signature,
    /// What is signed is something else.
    #[error("what is signed is not what was asked for")]
    Payload,
}

impl Identity {
    /// Signs with the key of the certificate; none where that key cannot.
    pub(crate) fn sign(&self, purpose: SignedFor, payload: Vec<u8>) -> Option<Signed> {
        let own = self.certified_key();
        let algorithms = provider().signature_verification_algorithms;
        let signer = own.key.choose_scheme(&algorithms.supported_schemes())?;
        let signature = signer.sign(&Signed::message(purpose, &payload)).ok()?;
        Some(Signed {
            scheme: signer.scheme().into(),
            certificates: own.cert.iter().map(|it| Octets(it.to_vec())).collect(),
            payload: Octets(payload),
            signature: Octets(signature),
        })
    }

    /// What the gateway of this identity signed, whoever brought it: its chain, its name and its
    /// signature hold as they must in TLS.
    pub(crate) fn of_gateway<T: DeserializeOwned>(
        &self,
        json: &[u8],
        purpose: SignedFor,
        time: &MeasuredTime,
    ) -> Result<T, NotTheGateways> {
        let signed = Signed::from_json(json)?;
        let chain: Vec<CertificateDer<'_>> = signed
            .certificates
            .iter()
            .map(|octets| CertificateDer::from(octets.0.as_slice()))
            .collect();
        let (own, issuers) = chain.split_first().ok_or(NotTheGateways::Signature)?;
        let gateway = RootedGateway::new(self.roots(), time.clone(), Trust::default());
        let name = self.gateway().server_name();
        let name = name.ok_or(NotTheGateways::Signature)?;
        let now = UnixTime::since_unix_epoch(std::time::Duration::ZERO);
        gateway.verify_server_cert(own, issuers, &name, &[], now)?;
        let unreadable = |_| NotTheGateways::Signature;
        let (_, own) = X509Certificate::from_der(own).map_err(unreadable)?;
        let scheme = SignatureScheme::from(signed.scheme);
        let algorithms = provider().signature_verification_algorithms.mapping;
        let algorithms = algorithms.iter().find(|(it, _)| *it == scheme);
        let (_, algorithms) = algorithms.ok_or(NotTheGateways::Scheme(signed.scheme))?;
        let key = &own.public_key().subject_public_key.data;
        let message = Signed::message(purpose, &signed.payload.0);
        let holds = algorithms.iter().any(|it| {
            it.verify_signature(key, &message, &signed.signature.0)
                .is_ok()
        });
        if !holds {
            return Err(NotTheGateways::Signature);
        }
        serde_json::from_slice(&signed.payload.0).map_err(|_| NotTheGateways::Payload)
    }
}

#[cfg(test)]
mod tests;
