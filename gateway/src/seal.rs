//! Sealing of personal data and quarantined bytes (HPKE, RFC 9180: X25519, HKDF-SHA256,
//! ChaCha20-Poly1305).
//!
//! The keys are made at the first start, mode 0600: the desk's (opens reader ids), the
//! quarantine's (opens elements kept aside), one that keeps the digest of a clear reader id from
//! being guessed, and one the block lists of devices are made with. The desk's key is replaced
//! now and then; those before it stay, for what is sealed to them: the name of the key beside
//! everything sealed says which one opens it. Sealing needs the public halves only.

mod key;
mod mac;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use lujiang_wire::{DeskKey, DeviceId, KeyText, READER_SEAL_INFO, normalise_reader};

use crate::data_dir::{DataDirError, random_bytes};
use crate::ledger::{Digest, SealedPerson};
pub(crate) use key::secret;
use key::{SealKey, keep_secret, read_secret};
pub(crate) use mac::mac;

/// What is sealed for one purpose does not open as another's.
const INFO_QUARANTINE: &[u8] = b"lujiang quarantine v1";
const INFO_BLOCKED: &[u8] = b"lujiang blocked readers v1";

/// The desk's present key.
const DESK_FILE: &str = "desk.key";

/// What the files of its earlier keys begin with; their names follow.
const EARLIER_PREFIX: &str = "desk-";

/// The keys intake seals with, and the desk opens with.
pub struct Seals {
    folder: PathBuf,
    desk: ArcSwap<DeskKeys>,
    quarantine: SealKey,
    /// Keys the digest of content that holds a clear reader id.
    digest: [u8; 32],
    /// Of it each device's key for its block list is made.
    blocks: [u8; 32],
}

/// The desk's keys. The present one is among all of them.
struct DeskKeys {
    present: Arc<SealKey>,
    all: Vec<Arc<SealKey>>,
}

/// Why the keys could not be read or used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A key file could not be read.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A key file could not be written.
    #[error("a key could not be kept")]
    NotKept(#[from] DataDirError),
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
    /// They were sealed to a key that is not here.
    #[error("sealed to key {kid}, which is not here")]
    UnknownKey {
        /// The key asked for.
        kid: String,
    },
}

impl Seals {
    /// Reads the keys from their folder, and makes those that are not there.
    ///
    /// # Errors
    /// Where a file cannot be read or made, or holds no key. An unreadable key is never replaced:
    /// what was sealed to it would be lost.
    pub fn open(folder: &Path) -> Result<Self, SealError> {
        Ok(Self {
            desk: ArcSwap::from_pointee(DeskKeys::open(folder)?),
            quarantine: SealKey::open(&folder.join("quarantine.key"))?,
            digest: secret(&folder.join("digest.key"))?,
            blocks: secret(&folder.join("blocks.key"))?,
            folder: folder.to_owned(),
        })
    }

    /// The name and the public half of the desk's present key, for those who seal to it.
    ///
    /// # Panics
    /// Never: the name of a key is 16 hexadecimal digits.
    #[must_use]
    pub fn desk(&self) -> DeskKey {
        let keys = self.desk.load();
        DeskKey {
            kid: (keys.present.kid().parse()).expect("16 hexadecimal digits are a label"),
            public: KeyText::new(keys.present.public()),
        }
    }

    /// The names of all the desk's keys, the present one first.
    #[must_use]
    pub fn desk_kids(&self) -> Vec<String> {
        let keys = self.desk.load();
        keys.all.iter().map(|key| key.kid().to_owned()).collect()
    }

    /// Gives the desk a new key; the one before still opens what is sealed to it. To be called
    /// by one at a time: the writer's thread. Returns the name of the new key.
    ///
    /// # Errors
    /// Where a key cannot be kept; then the present key stays.
    pub fn rotate_desk(&self) -> Result<String, SealError> {
        let path = self.folder.join(DESK_FILE);
        let before = secret(&path)?;
        let kid = SealKey::of(&before, &path)?.kid().to_owned();
        // First the old key under its own name: a crash between the two loses none.
        let earlier = self.folder.join(format!("{EARLIER_PREFIX}{kid}.key"));
        keep_secret(&earlier, &before)?;
        keep_secret(&path, &random_bytes())?;
        let keys = DeskKeys::open(&self.folder)?;
        let kid = keys.present.kid().to_owned();
        self.desk.store(Arc::new(keys));
        Ok(kid)
    }

    /// Seals a reader to the desk, in the one form a reader has.
    #[must_use]
    pub fn seal_person(&self, reader: &str) -> SealedPerson {
        let key = Arc::clone(&self.desk.load().present);
        let sealed = key.seal(READER_SEAL_INFO, normalise_reader(reader).as_bytes());
        SealedPerson {
            sealed: BASE64_URL_SAFE_NO_PAD.encode(sealed),
            kid: key.kid().to_owned(),
        }
    }

    /// Opens a reader: for the desk alone, in memory alone.
    ///
    /// # Errors
    /// Where it was not sealed to this desk.
    pub fn open_person(&self, person: &SealedPerson) -> Result<Vec<u8>, SealError> {
        let key = self.desk_key(&person.kid)?;
        let refused = || SealError::Open {
            kid: person.kid.clone(),
        };
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(&person.sealed);
        key.open_sealed(READER_SEAL_INFO, &sealed.map_err(|_| refused())?)
    }

    /// Seals a list of blocked readers to the desk; its name comes first.
    #[must_use]
    pub fn seal_blocked(&self, readers: &[u8]) -> (String, Vec<u8>) {
        let key = Arc::clone(&self.desk.load().present);
        (key.kid().to_owned(), key.seal(INFO_BLOCKED, readers))
    }

    /// Opens a list of blocked readers, in memory alone.
    ///
    /// # Errors
    /// Where it was not sealed to this desk.
    pub fn open_blocked(&self, kid: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        self.desk_key(kid)?.open_sealed(INFO_BLOCKED, sealed)
    }

    /// The key of a device's own block list.
    #[must_use]
    pub fn blocks_key(&self, device: &DeviceId) -> KeyText {
        KeyText::new(mac(&self.blocks, &[device.as_str().as_bytes()]))
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

    fn desk_key(&self, kid: &str) -> Result<Arc<SealKey>, SealError> {
        let keys = self.desk.load();
        let key = keys.all.iter().find(|key| key.kid() == kid);
        key.cloned().ok_or_else(|| SealError::UnknownKey {
            kid: kid.to_owned(),
        })
    }
}

impl DeskKeys {
    fn open(folder: &Path) -> Result<Self, SealError> {
        let present = Arc::new(SealKey::open(&folder.join(DESK_FILE))?);
        let mut all = vec![Arc::clone(&present)];
        let unreadable = |source| SealError::File {
            path: folder.to_owned(),
            source,
        };
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let is_key = name.starts_with(EARLIER_PREFIX) && name.ends_with(".key");
            if is_key && let Some(bytes) = read_secret(&path)? {
                let key = SealKey::of(&bytes, &path)?;
                if key.kid() != present.kid() {
                    all.push(Arc::new(key));
                }
            }
        }
        Ok(Self { present, all })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_and_are_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let first = Seals::open(folder.path()).unwrap();
        let sealed = first.seal_person("350200-18");
        let second = Seals::open(folder.path()).unwrap();

        assert_eq!(second.open_person(&sealed).unwrap(), b"350200-18");
        for name in ["desk.key", "quarantine.key", "digest.key", "blocks.key"] {
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
        let person = seals.seal_person("350200-18");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(&person.sealed).unwrap();

        let as_person = SealedPerson {
            sealed: BASE64_URL_SAFE_NO_PAD.encode(&sealed),
            kid: person.kid.clone(),
        };
        assert!(seals.open_person(&as_person).is_err());
        assert!(seals.open_blocked(&person.kid, &bytes).is_err());
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

    #[test]
    fn what_was_sealed_before_the_desk_got_a_new_key_still_opens() {
        let folder = tempfile::tempdir().unwrap();
        let seals = Seals::open(folder.path()).unwrap();
        let mut sealed = Vec::new();
        for reader in ["A1", "A2", "A3"] {
            sealed.push((reader, seals.seal_person(reader)));
            let before = seals.desk().kid;
            let kid = seals.rotate_desk().unwrap();
            assert_ne!(kid, before.as_str());
            assert_eq!(seals.desk().kid.as_str(), kid);
        }

        for seals in [seals, Seals::open(folder.path()).unwrap()] {
            assert_eq!(seals.desk_kids().len(), 4);
            for (reader, person) in &sealed {
                assert_eq!(seals.open_person(person).unwrap(), reader.as_bytes());
            }
        }
    }

    #[test]
    fn a_reader_is_sealed_in_one_form_and_named_to_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let seals = Seals::open(folder.path()).unwrap();
        let mut person = seals.seal_person(" 43022319900101123x ");

        assert_eq!(seals.open_person(&person).unwrap(), b"43022319900101123X");
        person.kid = "0123456789abcdef".to_owned();
        assert!(matches!(
            seals.open_person(&person),
            Err(SealError::UnknownKey { .. })
        ));
    }

    #[test]
    fn every_device_has_a_block_list_of_its_own_and_the_same_again() {
        let folder = tempfile::tempdir().unwrap();
        let key = |device: &str| {
            let seals = Seals::open(folder.path()).unwrap();
            seals.blocks_key(&device.parse().unwrap())
        };
        assert_eq!(key("bus-1"), key("bus-1"));
        assert_ne!(key("bus-1"), key("bus-2"));
    }
}
