//! What a carrier brings: another device's facts, believed by that device's signature alone. The
//! carrier can lose them, keep them and bring them twice; it can neither make nor change them.

use lujiang_broker::{Arrival, Origin};
use lujiang_wire::{Signed, SignedError, SignedFor};

use crate::authority::{Authority, SignatureRefusal};
use crate::registry::{CertificateRefusal, Registry};

/// Why what was brought is nobody's.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSigned {
    /// It is no signed payload.
    #[error(transparent)]
    Form(#[from] SignedError),
    /// The signature is not a device's.
    #[error(transparent)]
    Signature(#[from] SignatureRefusal),
    /// The device's certificate is not taken.
    #[error(transparent)]
    Certificate(#[from] CertificateRefusal),
}

/// What arrived, as the signer's own.
pub(super) fn unpack(
    arrival: &Arrival,
    authority: &Authority,
    registry: &Registry,
) -> Result<Arrival, NotSigned> {
    let signed = Signed::from_json(&arrival.payload)?;
    let signer = authority.signer(&signed, SignedFor::Facts)?;
    registry.signer_stands(&signer)?;
    Ok(Arrival {
        device: signer.device,
        origin: Origin::Carried,
        payload: signed.payload.0.into(),
        received: arrival.received,
    })
}
