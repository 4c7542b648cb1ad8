//! The satchel: facts of others on their way to the gateway, each a file, on disk before whoever
//! gave it is told so. What is in it is signed: the carrier reads none of it.
//!
//! A payload goes by its PUBACK alone. Should it be lost after that, who gave it has it still, and
//! gives it again until the gateway's receipt has come back.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::durable_file;

/// What the name of a payload ends in.
const ENDING: &str = ".json";

/// A payload by its place in the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PayloadNumber(u64);

/// Why a payload is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SatchelError {
    /// So many bytes are on the way already.
    #[error("the satchel is full: {bytes} bytes of at most {most} are on the way")]
    Full {
        /// On the way.
        bytes: u64,
        /// The bound.
        most: u64,
    },
    /// The disk does not take it.
    #[error("the satchel cannot be written")]
    Disk(#[from] io::Error),
}

/// The satchel; clones share it. Its calls wait for the disk.
#[derive(Debug, Clone)]
pub(crate) struct Satchel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    bytes_max: u64,
    content: Mutex<Content>,
    /// Moves when there is something new to bring.
    changes: watch::Sender<u64>,
    /// Moves when something was brought.
    brought: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Content {
    payloads: BTreeMap<PayloadNumber, Payload>,
    /// The last put on this connection.
    handed: Option<PayloadNumber>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Payload {
    hash: String,
    bytes: u64,
}

impl Satchel {
    /// Opens the folder, and makes it where there is none. What was being written when the agent was
    /// killed goes: nobody was told that it is here.
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut content = Content::default();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if let Some((number, hash)) = read_name(&name) {
                let bytes = entry.metadata()?.len();
                content.payloads.insert(number, Payload { hash, bytes });
            } else if durable_file::is_half(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self(Arc::new(Inner {
            folder: folder.to_owned(),
            bytes_max,
            content: Mutex::new(content),
            changes: watch::Sender::new(0),
            brought: watch::Sender::new(0),
        })))
    }

    /// Takes a payload; one that is in it already is there once.
    pub(crate) fn take(&self, payload: &[u8]) -> Result<(), SatchelError> {
        let mut content = self.lock();
        let hash = hex::encode(Sha256::digest(payload));
        if content.payloads.values().any(|it| it.hash == hash) {
            return Ok(());
        }
        let bytes: u64 = content.payloads.values().map(|it| it.bytes).sum();
        let more = payload.len() as u64;
        if bytes + more > self.0.bytes_max {
            return Err(SatchelError::Full {
                bytes,
                most: self.0.bytes_max,
            });
        }
        // After the last that was handed, too: what is before it, this connection does not bring.
        let last = content.payloads.last_key_value().map(|(number, _)| *number);
        let last = last.max(content.handed);
        let number = PayloadNumber(last.map_or(1, |last| last.0 + 1));
        durable_file::replace(&self.place(number, &hash), payload)?;
        let payload = Payload { hash, bytes: more };
        content.payloads.insert(number, payload);
        drop(content);
        self.0.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    /// The next to bring on this connection.
    pub(crate) fn next(&self) -> io::Result<Option<(PayloadNumber, Vec<u8>)>> {
        let mut content = self.lock();
        let next = content
            .payloads
            .iter()
            .find(|(number, _)| content.handed.is_none_or(|handed| **number > handed));
        let Some((number, payload)) = next else {
            return Ok(None);
        };
        let number = *number;
        let bytes = fs::read(self.place(number, &payload.hash))?;
        content.handed = Some(number);
        Ok(Some((number, bytes)))
    }

    /// The PUBACK of a payload came: it is the gateway's.
    pub(crate) fn brought(&self, number: PayloadNumber) -> io::Result<()> {
        let mut content = self.lock();
        if let Some(payload) = content.payloads.remove(&number) {
            fs::remove_file(self.place(number, &payload.hash))?;
        }
        drop(content);
        self.0.brought.send_modify(|count| *count += 1);
        Ok(())
    }

    /// What an earlier connection did not bring to its end is brought again.
    pub(crate) fn begin_connection(&self) {
        self.lock().handed = None;
    }

    /// Payloads on the way.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().payloads.len()
    }

    /// Moves when there is something new to bring.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Moves when something was brought.
    pub(crate) fn deliveries(&self) -> watch::Receiver<u64> {
        self.0.brought.subscribe()
    }

    fn place(&self, number: PayloadNumber, hash: &str) -> PathBuf {
        let name = format!("{:020}-{hash}{ENDING}", number.0);
        self.0.folder.join(name)
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0
            .content
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_name(name: &str) -> Option<(PayloadNumber, String)> {
    let (number, hash) = name.strip_suffix(ENDING)?.split_once('-')?;
    let number = PayloadNumber(number.parse().ok()?);
    Some((number, hash.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> Satchel {
        Satchel::open(folder, 100).unwrap()
    }

    #[test]
    fn what_was_taken_is_there_after_a_crash_in_its_order_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let satchel = open(folder.path());
        for payload in [&b"first"[..], b"second", b"first"] {
            satchel.take(payload).unwrap();
        }
        // A payload that was being written when the plug was pulled.
        let half = folder.path().join(format!("{:020}-ab.json.new", 3));
        fs::write(&half, b"ha").unwrap();

        let satchel = open(folder.path());

        assert!(!half.exists(), "it would lie there for ever");

        let (first, bytes) = satchel.next().unwrap().unwrap();
        assert_eq!(bytes, b"first");
        assert_eq!(satchel.next().unwrap().unwrap().1, b"second");
        assert_eq!(satchel.next().unwrap(), None);
        satchel.brought(first).unwrap();
        assert_eq!(open(folder.path()).waiting(), 1);
    }

    #[test]
    fn what_a_connection_did_not_bring_is_brought_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let satchel = open(folder.path());
        satchel.take(b"only").unwrap();
        let first = satchel.next().unwrap();
        assert_eq!(satchel.next().unwrap(), None);

        satchel.begin_connection();

        assert_eq!(satchel.next().unwrap(), first);
    }

    #[test]
    fn what_is_given_after_all_was_brought_goes_by_the_same_connection() {
        let folder = tempfile::tempdir().unwrap();
        let satchel = open(folder.path());
        satchel.take(b"first").unwrap();
        let (number, _) = satchel.next().unwrap().unwrap();
        satchel.brought(number).unwrap();

        satchel.take(b"second").unwrap();

        let next = satchel.next().unwrap();
        assert_eq!(next.map(|(_, bytes)| bytes), Some(b"second".to_vec()));
    }

    #[test]
    fn a_full_satchel_takes_nothing_and_says_so_and_takes_again_when_something_was_brought() {
        let folder = tempfile::tempdir().unwrap();
        let satchel = open(folder.path());
        satchel.take(&[1; 60]).unwrap();
        let full = satchel.take(&[2; 60]).unwrap_err();
        assert_eq!(
            full.to_string(),
            "the satchel is full: 60 bytes of at most 100 are on the way"
        );
        let (number, _) = satchel.next().unwrap().unwrap();
        satchel.brought(number).unwrap();
        satchel.take(&[2; 60]).unwrap();
    }
}
