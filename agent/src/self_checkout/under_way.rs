//! Which request was with the library system when this process died. A machine that asks it again
//! is not handed on a second time: what became of it nobody knows, unless its answer had been
//! written down; then it is told that.
//!
//! What is kept is a code that only a request itself can match, under a key of its own, and of its
//! answer whether and until when. It is not synced: it outlives the process and not a power cut,
//! in which the machine's patience, and most often the machine, ends too; so it costs an answer
//! microseconds.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;

use super::effect::Decided;

/// Bytes of the key, and of the code.
const HALF: usize = 32;

/// Where what was decided begins.
const DECIDED_AT: u64 = 2 * HALF as u64;

/// Longest text of what was decided.
const DECIDED_BYTES_MAX: usize = 200;

/// The request of one machine that was last handed on.
pub(super) struct UnderWay {
    page: Arc<Page>,
    key: [u8; HALF],
    /// How many were noted by this process.
    count: u64,
    left: Option<LeftNote>,
}

/// The file, and the number of the note that stands in it: what is said of an earlier one comes
/// too late.
struct Page {
    file: File,
    number: Mutex<u64>,
}

/// What an earlier process left: its key, its code, and how far it had come.
struct LeftNote {
    key: [u8; HALF],
    code: [u8; HALF],
    left: Left,
}

/// What became of a request that an earlier process handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// Nobody knows.
    Unanswered,
    /// It was answered, and that is written down.
    Decided(Decided),
}

/// One note, to add to it what was decided.
pub(super) struct Noted {
    page: Arc<Page>,
    number: u64,
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
        let left = LeftNote::read(&file);
        let mut key = [0; HALF];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        let number = Mutex::new(0);
        Ok(Self {
            page: Arc::new(Page { file, number }),
            key,
            count: 0,
            left,
        })
    }

    /// What became of this request, if it is the one an earlier process had handed on last. It is
    /// told once.
    pub(super) fn take_left(&mut self, line: &[u8]) -> Option<Left> {
        let same = |note: &mut LeftNote| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &note.key);
            hmac::verify(&key, line, &note.code).is_ok()
        };
        self.left.take_if(same).map(|note| note.left)
    }

    /// Notes a request before it is handed on.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) async fn note(&mut self, line: &[u8]) -> io::Result<()> {
        // Whatever comes now, the request of that time is not the last any more.
        self.left = None;
        self.count += 1;
        let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.key), line);
        let mut bytes = self.key.to_vec();
        bytes.extend_from_slice(code.as_ref());
        let Noted { page, number } = self.noted();
        let write = move || {
            let mut stands = page.number();
            *stands = number;
            // First of all, what was decided about the one before is not about this one.
            page.file.set_len(0)?;
            page.file.write_all_at(&bytes, 0)
        };
        tokio::task::spawn_blocking(write)
            .await
            .map_err(io::Error::other)?
    }

    /// The request that was noted last.
    pub(super) fn noted(&self) -> Noted {
        Noted {
            page: self.page.clone(),
            number: self.count,
        }
    }
}

impl Noted {
    /// Notes what was decided about it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) async fn decided(self, decided: Decided) -> io::Result<()> {
        let text = serde_json::to_vec(&decided).map_err(io::Error::other)?;
        let write = move || {
            let stands = self.page.number();
            match *stands == self.number {
                true => self.page.file.write_all_at(&text, DECIDED_AT),
                false => Ok(()),
            }
        };
        tokio::task::spawn_blocking(write)
            .await
            .map_err(io::Error::other)?
    }
}

impl Page {
    fn number(&self) -> MutexGuard<'_, u64> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LeftNote {
    /// What stands in the file, where that is whole.
    fn read(file: &File) -> Option<Self> {
        let (mut key, mut code) = ([0; HALF], [0; HALF]);
        file.read_exact_at(&mut key, 0).ok()?;
        file.read_exact_at(&mut code, HALF as u64).ok()?;
        let mut text = [0; DECIDED_BYTES_MAX];
        let length = file.read_at(&mut text, DECIDED_AT).unwrap_or(0);
        let decided = serde_json::from_slice(&text[..length]);
        let left = decided.map_or(Left::Unanswered, Left::Decided);
        Some(Self { key, code, left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_handed_on_last_is_known_to_the_next_process_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = UnderWay::open(folder.path(), "desk").unwrap();
        assert_eq!(first.take_left(b"11A"), None, "a new file knows nothing");
        first.note(b"11A").await.unwrap();
        first.note(b"11B").await.unwrap();
        let mut second = UnderWay::open(folder.path(), "desk").unwrap();
        assert_eq!(second.take_left(b"11A"), None);
        assert_eq!(second.take_left(b"11B"), Some(Left::Unanswered));
        assert_eq!(second.take_left(b"11B"), None);
        let mut other = UnderWay::open(folder.path(), "side_room").unwrap();
        assert_eq!(other.take_left(b"11B"), None);
        std::fs::write(folder.path().join("self-checkout-desk.under-way"), b"torn").unwrap();
        let mut torn = UnderWay::open(folder.path(), "desk").unwrap();
        assert_eq!(torn.take_left(b"11B"), None);
    }

    #[tokio::test]
    async fn what_was_decided_is_known_of_the_request_it_was_about_and_of_no_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = UnderWay::open(folder.path(), "desk").unwrap();
        first.note(b"11A").await.unwrap();
        let decided = Decided {
            ok: true,
            due: Some("2026-12-24".parse().unwrap()),
            is_unsure: false,
        };
        first.noted().decided(decided).await.unwrap();
        let mut second = UnderWay::open(folder.path(), "desk").unwrap();
        assert_eq!(second.take_left(b"11A"), Some(Left::Decided(decided)));

        let of_the_first = first.noted();
        first.note(b"11B").await.unwrap();
        of_the_first.decided(decided).await.unwrap();
        let mut third = UnderWay::open(folder.path(), "desk").unwrap();
        assert_eq!(third.take_left(b"11B"), Some(Left::Unanswered));
    }
}
