//! One key pair and the file it lies in.

use std::path::Path;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};

use super::SealError;
use crate::data_dir::{random_bytes, replace_file};
use crate::ledger::Digest;

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;

/// Bytes of an encapsulated key, at the beginning of everything sealed.
const ENCAPSULATED_BYTES: usize = 32;

/// A key pair and its name.
pub(super) struct SealKey {
    kid: String,
    public: PublicKey,
    private: PrivateKey,
}

impl SealKey {
    /// The key of a file, made where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, SealError> {
        Self::of(&secret(path)?, path)
    }

    /// The key made of these bytes; `path` stands in the error.
    pub(super) fn of(bytes: &[u8; 32], path: &Path) -> Result<Self, SealError> {
        let private = PrivateKey::from_bytes(bytes).map_err(|_| SealError::Key {
            path: path.to_owned(),
        })?;
        let public = X25519HkdfSha256::sk_to_pk(&private);
        let public_bytes: [u8; 32] = public.to_bytes().into();
        let kid = hex::encode(&Digest::of(&public_bytes).0[..8]);
        Ok(Self {
            kid,
            public,
            private,
        })
    }

    /// Its name: it follows from the public half.
    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    /// The half for those who seal.
    pub(super) fn public(&self) -> [u8; 32] {
        self.public.to_bytes().into()
    }

    pub(super) fn seal(&self, info: &[u8], plain: &[u8]) -> Vec<u8> {
        let (encapsulated, sealed) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &self.public,
                info,
                plain,
                self.kid.as_bytes(),
            )
            .expect("a public key made from a private one can be sealed to");
        let mut bytes = encapsulated.to_bytes().to_vec();
        bytes.extend(sealed);
        bytes
    }

    pub(super) fn open_sealed(&self, info: &[u8], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
        let refused = || SealError::Open {
            kid: self.kid.clone(),
        };
        let (encapsulated, sealed) = bytes
            .split_at_checked(ENCAPSULATED_BYTES)
            .ok_or_else(refused)?;
        let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated)
            .map_err(|_| refused())?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            info,
            sealed,
            self.kid.as_bytes(),
        )
        .map_err(|_| refused())
    }
}

/// Reads 32 secret bytes, or makes them. They are on disk before they are used: nothing is ever
/// sealed to a key that a power cut can take away.
pub(crate) fn secret(path: &Path) -> Result<[u8; 32], SealError> {
    if let Some(bytes) = read_secret(path)? {
        return Ok(bytes);
    }
    let bytes = random_bytes();
    keep_secret(path, &bytes)?;
    Ok(bytes)
}

/// Reads 32 secret bytes; none where there is no such file.
pub(crate) fn read_secret(path: &Path) -> Result<Option<[u8; 32]>, SealError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(SealError::File {
                path: path.to_owned(),
                source,
            });
        }
    };
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| SealError::Key {
        path: path.to_owned(),
    })?;
    Ok(Some(bytes))
}

/// Puts 32 secret bytes in place, whole after any crash.
pub(super) fn keep_secret(path: &Path, bytes: &[u8; 32]) -> Result<(), SealError> {
    let line = format!("{}\n", hex::encode(bytes));
    Ok(replace_file(path, line.as_bytes())?)
}
