//! Which request was with the library system when this process died. A machine that asks it again
//! is not handed on a second time: what became of it nobody knows.
//!
//! What is kept is a code that only a request itself can match, under a key of its own. It is not
//! synced: it outlives the process and not a power cut, in which the machine's patience, and most
//! often the machine, ends too; so it costs an answer microseconds.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::hmac;

/// Bytes of the key, and of the code.
const HALF: usize = 32;

/// The request of one machine that was last handed on.
pub(super) struct UnderWay {
    file: Arc<File>,
    key: [u8; HALF],
    /// What an earlier process left: its key and its code.
    left: Option<([u8; HALF], [u8; HALF])>,
}

impl UnderWay {
    /// Opens the file of a machine in the data folder, and reads what an earlier process left. It
    /// waits for the disk.
    ///
    /// # Errors
    /// Where the file cannot be opened, or there are no random numbers.
    pub(super) fn open(data: &Path, machine: &str) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(data.join(format!("self-checkout-{machine}.under-way")))?;
        let (mut left_key, mut left_code) = ([0; HALF], [0; HALF]);
        let is_whole = file.read_exact_at(&mut left_key, 0).is_ok()
            && file.read_exact_at(&mut left_code, HALF as u64).is_ok();
        let mut key = [0; HALF];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self {
            file: Arc::new(file),
            key,
            left: is_whole.then_some((left_key, left_code)),
        })
    }

    /// Whether an earlier process died with this request handed on. It is told once.
    pub(super) fn was_left(&mut self, line: &[u8]) -> bool {
        let same = |(key, code): &([u8; HALF], [u8; HALF])| {
            hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), line, code).is_ok()
        };
        let is_left = self.left.as_ref().is_some_and(same);
        if is_left {
            self.left = None;
        }
        is_left
    }

    /// Notes a request before it is handed on.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) async fn note(&mut self, line: &[u8]) -> io::Result<()> {
        // Whatever comes now, the request of that time is not the last any more.
        self.left = None;
        let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.key), line);
        let mut bytes = self.key.to_vec();
        bytes.extend_from_slice(code.as_ref());
        let file = self.file.clone();
        let write = move || file.write_all_at(&bytes, 0);
        tokio::task::spawn_blocking(write)
            .await
            .map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_handed_on_last_is_known_to_the_next_process_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = UnderWay::open(folder.path(), "desk").unwrap();
        assert!(!first.was_left(b"11A"), "a new file knows nothing");
        first.note(b"11A").await.unwrap();
        first.note(b"11B").await.unwrap();
        let mut second = UnderWay::open(folder.path(), "desk").unwrap();
        assert!(!second.was_left(b"11A"));
        assert!(second.was_left(b"11B") && !second.was_left(b"11B"));
        let mut other = UnderWay::open(folder.path(), "side_room").unwrap();
        assert!(!other.was_left(b"11B"));
        std::fs::write(folder.path().join("self-checkout-desk.under-way"), b"torn").unwrap();
        let mut torn = UnderWay::open(folder.path(), "desk").unwrap();
        assert!(!torn.was_left(b"11B"));
    }
}
