//! What stands for a reader in the memory of this device: an HMAC under a key that is made here
//! and never leaves it. Whoever has the file of the outbox alone cannot find out who is in it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::ReaderCard;
use crate::durable_file;

/// What the HMAC is taken over before the reader.
const INFO: &[u8] = b"lujiang lent here v1\0";

/// Bytes of the HMAC that are kept: two readers of one library never share them.
const MARK_BYTES: usize = 16;

/// The key of this device, made at its first start.
pub(super) struct LocalKey(hmac::Key);

/// Stands for a reader: always the same on this device, and nothing elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ReaderMark(String);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalKeyError {
    /// The file.
    #[error("the key of this device's memory of readers cannot be read or made")]
    File(#[from] std::io::Error),
    /// The system.
    #[error("no random numbers: {0}")]
    Random(String),
}

impl LocalKey {
    /// Reads the key, or makes it. One that is damaged is made anew: then the device does not
    /// recognise the readers it remembers, and its limits begin again.
    pub(super) fn open(path: &Path) -> Result<Self, LocalKeyError> {
        let found = match fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let mut bytes = [0_u8; 32];
        let is_key = found
            .as_ref()
            .map(|text| hex::decode_to_slice(text.trim(), &mut bytes).is_ok());
        if is_key != Some(true) {
            if is_key == Some(false) {
                tracing::warn!("the key of the memory of readers is damaged, and made anew");
            }
            getrandom::fill(&mut bytes)
                .map_err(|error| LocalKeyError::Random(error.to_string()))?;
            durable_file::replace(path, format!("{}\n", hex::encode(bytes)).as_bytes())?;
        }
        Ok(Self::new(&bytes))
    }

    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// What stands for this reader.
    pub(super) fn mark(&self, reader: &ReaderCard) -> ReaderMark {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(INFO);
        context.update(reader.reveal().as_bytes());
        ReaderMark(hex::encode(&context.sign().as_ref()[..MARK_BYTES]))
    }
}

impl ReaderMark {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The mark of this text, as it stands in a note.
    pub(super) fn from_note(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_made_once_is_nobody_elses_and_a_damaged_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reader.key");
        let card = ReaderCard::new("43022319900101123X".to_owned());
        let mark = LocalKey::open(&path).unwrap().mark(&card);
        assert_eq!(LocalKey::open(&path).unwrap().mark(&card), mark);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "nonsense").unwrap();
        assert_ne!(LocalKey::open(&path).unwrap().mark(&card), mark);
    }
}
