//! Sealing of readers to the loan desk (HPKE, RFC 9180, base mode: X25519, HKDF-SHA256,
//! ChaCha20-Poly1305). Whoever has what is sealed here, this device included, cannot open it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use lujiang_wire::{DeskKey, Label, Patron, READER_SEAL_INFO};

use super::ReaderCard;

/// Seals readers to one key of the desk.
#[derive(Clone)]
pub(super) struct ReaderSeal {
    kid: Label,
    public: <X25519HkdfSha256 as Kem>::PublicKey,
}

/// Why there is no seal, or nothing was sealed: it is no key of X25519 that anybody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the loan desk's key is no X25519 key")]
pub(super) struct SealError;

impl ReaderSeal {
    /// The seal of this key; it has sealed something before it is believed.
    pub(super) fn of(key: &DeskKey) -> Result<Self, SealError> {
        let public = Deserializable::from_bytes(key.public.reveal()).map_err(|_| SealError)?;
        let seal = Self {
            kid: key.kid.clone(),
            public,
        };
        seal.seal_bytes(&[]).map(|_| seal)
    }

    /// Seals a reader.
    pub(super) fn seal(&self, reader: &ReaderCard) -> Result<Patron, SealError> {
        Ok(Patron::Sealed {
            sealed: URL_SAFE_NO_PAD.encode(self.seal_bytes(reader.reveal().as_bytes())?),
            kid: self.kid.clone(),
        })
    }

    /// The encapsulated key, and what is sealed.
    fn seal_bytes(&self, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let (encapsulated, sealed) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &self.public,
                READER_SEAL_INFO,
                plain,
                self.kid.as_str().as_bytes(),
            )
            .map_err(|_| SealError)?;
        Ok([encapsulated.to_bytes().as_slice(), &sealed].concat())
    }
}

impl std::fmt::Debug for ReaderSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReaderSeal")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}
