//! Signatures for what travels by a third party: the gateway's over receipts, a device's over its
//! facts. Keys and certificates are those of TLS; so are the schemes.

use std::time::Duration;

use lujiang_wire::{Octets, Signed, SignedFor};
use rustls::SignatureScheme;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{Authority, Identity, NoIdentity, provider};

/// Why something is not believed to be a device's.
#[derive(Debug, thiserror::Error)]
pub enum SignatureRefusal {
    /// The certificate is not of this authority, or not good now.
    #[error("the signer's certificate does not hold: {0}")]
    Chain(rustls::Error),
    /// The certificate names no device.
    #[error(transparent)]
    Nobody(#[from] NoIdentity),
    /// The scheme is none of ours.
    #[error("signature scheme {0:#06x} is not taken")]
    Scheme(u16),
    /// The signature is not the signer's over this.
    #[error("the signature does not hold")]
    Signature,
}

impl Authority {
    /// Who signed this, by a certificate of this authority. Whether the registry still takes that
    /// certificate is not asked here.
    ///
    /// # Errors
    /// Where chain or signature do not hold.
    pub fn signer(
        &self,
        signed: &Signed,
        purpose: SignedFor,
    ) -> Result<Identity, SignatureRefusal> {
        let chain: Vec<CertificateDer<'_>> = signed
            .certificates
            .iter()
            .map(|octets| CertificateDer::from(octets.0.as_slice()))
            .collect();
        let (own, issuers) = chain
            .split_first()
            .ok_or(SignatureRefusal::Nobody(NoIdentity))?;
        self.signers
            .verify_client_cert(own, issuers, self.now())
            .map_err(SignatureRefusal::Chain)?;
        let identity = Identity::read(own)?;
        let (_, own) = X509Certificate::from_der(own).map_err(|_| NoIdentity)?;
        let scheme = SignatureScheme::from(signed.scheme);
        let algorithms = provider().signature_verification_algorithms.mapping;
        let (_, algorithms) = algorithms
            .iter()
            .find(|(it, _)| *it == scheme)
            .ok_or(SignatureRefusal::Scheme(signed.scheme))?;
        let key = &own.public_key().subject_public_key.data;
        let message = Signed::message(purpose, &signed.payload.0);
        let holds = algorithms.iter().any(|it| {
            it.verify_signature(key, &message, &signed.signature.0)
                .is_ok()
        });
        match holds {
            true => Ok(identity),
            false => Err(SignatureRefusal::Signature),
        }
    }

    /// Signs with the key of the certificate the gateway shows; none where that key cannot.
    #[must_use]
    pub fn sign(&self, purpose: SignedFor, payload: Vec<u8>) -> Option<Signed> {
        let shown = self.presented.key();
        let algorithms = provider().signature_verification_algorithms;
        let signer = shown.key.choose_scheme(&algorithms.supported_schemes())?;
        let signature = signer.sign(&Signed::message(purpose, &payload)).ok()?;
        Some(Signed {
            scheme: signer.scheme().into(),
            certificates: shown.cert.iter().map(|it| Octets(it.to_vec())).collect(),
            payload: Octets(payload),
            signature: Octets(signature),
        })
    }

    fn now(&self) -> UnixTime {
        // Before 1970 no certificate is good.
        let seconds = u64::try_from(self.clock.wall().as_second()).unwrap_or_default();
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }
}
