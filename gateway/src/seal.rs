//! Sealing of personal data and quarantined bytes (HPKE, RFC 9180: X25519, HKDF-SHA256,
//! ChaCha20-Poly1305).
//!
//! Three keys, made at the first start, mode 0600: the desk's (opens reader ids), the
//! quarantine's (opens elements kept aside), and one that keeps the digest of a clear reader id
//! from being guessed. Sealing needs the public halves only.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};

use crate::ledger::Digest;

type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;

/// Bytes of an encapsulated key, at the beginning of everything sealed.
const ENCAPSULATED_BYTES: usize = 32;

/// What is sealed for one purpose does not open as the other's.
const INFO_PERSON: &[u8] = b"lujiang person v1";
const INFO_QUARANTINE: &[u8] = b"lujiang quarantine v1";

/// The keys intake seals with.
pub struct Seals {
    desk: SealKey,
    quarantine: SealKey,
    /// Keys the digest of content that holds a clear reader id.
    digest: [u8; 32],
}

/// A key pair and its name.
struct SealKey {
    kid: String,
    public: PublicKey,
    private: PrivateKey,
}

/// Why the keys could not be read or used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A key file could not be read or made.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key file does not hold a key.
    #[error("{path} holds no key: expected 64 hexadecimal digits")]
    Key {
        /// Which.
        path: PathBuf,
    },
    /// The bytes were not sealed to this key, or were changed.
    #[error("cannot be opened with key {kid}")]
    Open {
        /// The key tried.
        kid: String,
    },
    /// No random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
}

impl Seals {
    /// Reads the keys from their folder, and makes those that are not there.
    ///
    /// # Errors
    /// Where a file cannot be read or made, or holds no key. An unreadable key is never replaced:
    /// what was sealed to it would be lost.
    pub fn open(folder: &Path) -> Result<Self, SealError> {
        Ok(Self {
            desk: SealKey::open(folder, "desk.key")?,
            quarantine: SealKey::open(folder, "quarantine.key")?,
            digest: secret(&folder.join("digest.key"))?,
        })
    }

    /// The name of the desk's key, and its public half for those who seal to it.
    #[must_use]
    pub fn desk(&self) -> (&str, [u8; 32]) {
        (&self.desk.kid, self.desk.public.to_bytes().into())
    }

    /// Seals a reader id to the desk.
    #[must_use]
    pub fn seal_person(&self, reader: &str) -> Vec<u8> {
        self.desk.seal(INFO_PERSON, reader.as_bytes())
    }

    /// Opens a reader id: for the desk alone, in memory alone.
    ///
    /// # Errors
    /// Where it was not sealed to this desk.
    pub fn open_person(&self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.desk.open_sealed(INFO_PERSON, sealed)
    }

    /// Seals the bytes of an element kept aside.
    #[must_use]
    pub fn seal_quarantined(&self, raw: &[u8]) -> Vec<u8> {
        self.quarantine.seal(INFO_QUARANTINE, raw)
    }

    /// Opens the bytes of an element kept aside; an audited act.
    ///
    /// # Errors
    /// Where they were not sealed to this quarantine.
    pub fn open_quarantined(&self, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.quarantine.open_sealed(INFO_QUARANTINE, sealed)
    }

    /// A digest of content that holds a clear reader id, or may. Card numbers are few enough to be tried
    /// one by one against a plain SHA-256, so this one is keyed (twice, so that the outer digest
    /// says nothing of the inner).
    #[must_use]
    pub fn keyed_digest(&self, content: &[u8]) -> Digest {
        let inner = Digest::of(&[self.digest.as_slice(), content].concat());
        Digest::of(&[self.digest.as_slice(), inner.0.as_slice()].concat())
    }
}

impl SealKey {
    fn open(folder: &Path, name: &str) -> Result<Self, SealError> {
        let path = folder.join(name);
        let bytes = secret(&path)?;
        let private = PrivateKey::from_bytes(&bytes).map_err(|_| SealError::Key { path })?;
        let public = X25519HkdfSha256::sk_to_pk(&private);
        let public_bytes: [u8; 32] = public.to_bytes().into();
        let kid = hex::encode(&Digest::of(&public_bytes).0[..8]);
        Ok(Self {
            kid,
            public,
            private,
        })
    }

    fn seal(&self, info: &[u8], plain: &[u8]) -> Vec<u8> {
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

    fn open_sealed(&self, info: &[u8], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
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

/// Reads 32 secret bytes, or makes them: a new file, synced, given its name, and the folder
/// synced, so that nothing is ever sealed to a key that a power cut can take away.
fn secret(path: &Path) -> Result<[u8; 32], SealError> {
    let failed = |source| SealError::File {
        path: path.to_owned(),
        source,
    };
    match fs::read_to_string(path) {
        Ok(text) => {
            let mut bytes = [0; 32];
            hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| SealError::Key {
                path: path.to_owned(),
            })?;
            Ok(bytes)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|error| SealError::Random(error.to_string()))?;
            keep_secret(path, &bytes).map_err(failed)?;
            Ok(bytes)
        }
        Err(error) => Err(failed(error)),
    }
}

fn keep_secret(path: &Path, bytes: &[u8; 32]) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    writeln!(file, "{}", hex::encode(bytes))?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_are_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let first = Seals::open(folder.path()).unwrap();
        let sealed = first.seal_person("350200-18");
        let second = Seals::open(folder.path()).unwrap();

        assert_eq!(second.open_person(&sealed).unwrap(), b"350200-18");
        for name in ["desk.key", "quarantine.key", "digest.key"] {
            let mode = fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions();
            assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn what_is_sealed_for_one_purpose_does_not_open_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let seals = Seals::open(folder.path()).unwrap();
        let mut sealed = seals.seal_quarantined(b"garbage");

        assert!(seals.open_person(&sealed).is_err());
        *sealed.last_mut().unwrap() ^= 1;
        assert!(seals.open_quarantined(&sealed).is_err());
    }

    #[test]
    fn a_key_that_cannot_be_read_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("desk.key"), "nonsense").unwrap();

        assert!(matches!(
            Seals::open(folder.path()),
            Err(SealError::Key { .. })
        ));
    }
}
