//! What the gateway signed for the devices on the route, kept until there is something newer. The
//! carrier reads of it what it needs to load; it is believed by whom it is for alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lujiang_wire::{CarriedWish, DeviceId, Label, Signed};

use crate::durable_file;

/// Which letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letter {
    /// What the ledger holds of a device.
    Receipts,
    /// What a device should have: all of it is on board.
    Wish,
}

/// The folder of letters; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Letters {
    folder: PathBuf,
    /// One at a time: what an errand that was given up is still writing, the next waits for.
    writing: Arc<Mutex<()>>,
}

impl Letters {
    /// Opens the folder, and makes it where there is none.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            writing: Arc::default(),
        })
    }

    /// Keeps a letter in place of the one before.
    pub(crate) fn keep(&self, device: &DeviceId, letter: Letter, signed: &[u8]) -> io::Result<()> {
        let _one = self.one_at_a_time();
        let place = self.place(device, letter);
        if fs::read(&place).is_ok_and(|before| before == signed) {
            return Ok(());
        }
        durable_file::replace(&place, signed)
    }

    /// The letter, if there is one.
    pub(crate) fn read(&self, device: &DeviceId, letter: Letter) -> io::Result<Option<Vec<u8>>> {
        absent_is_none(fs::read(self.place(device, letter)))
    }

    /// Shuts a device out, until the gateway knows it again: what is for it is taken away.
    pub(crate) fn shut_out(&self, device: &DeviceId) -> io::Result<()> {
        let _one = self.one_at_a_time();
        durable_file::replace(&self.mark(device), b"")?;
        for letter in [Letter::Receipts, Letter::Wish] {
            absent_is_none(fs::remove_file(self.place(device, letter)))?;
        }
        Ok(())
    }

    /// The gateway knows a device.
    pub(crate) fn let_in(&self, device: &DeviceId) -> io::Result<()> {
        absent_is_none(fs::remove_file(self.mark(device))).map(|_| ())
    }

    /// Whether the gateway said that it does not know a device any more. Where it cannot be read
    /// whether it did, it did.
    pub(crate) fn is_shut_out(&self, device: &DeviceId) -> bool {
        self.mark(device).try_exists().unwrap_or(true)
    }

    fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mark(&self, device: &DeviceId) -> PathBuf {
        self.folder.join(format!("{device}.shut-out"))
    }

    fn place(&self, device: &DeviceId, letter: Letter) -> PathBuf {
        let kind = match letter {
            Letter::Receipts => "receipts",
            Letter::Wish => "wish",
        };
        self.folder.join(format!("{device}.{kind}"))
    }
}

/// The release that a wish names; not verified, for who believes it verifies it.
pub(crate) fn release_of(wish: &[u8]) -> Option<Label> {
    let signed = Signed::from_json(wish).ok()?;
    let wish: CarriedWish = serde_json::from_slice(&signed.payload.0).ok()?;
    wish.content?.release
}

fn absent_is_none<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a letter, and how often two write one: enough to meet.
    const BYTES: usize = 100_000;
    const TIMES: u8 = 20;

    #[test]
    fn two_errands_that_keep_the_same_letter_leave_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let letters = Letters::open(folder.path()).unwrap();
        let device: DeviceId = "kiosk-1".parse().unwrap();
        let write = |first: u8| {
            for number in 0..TIMES {
                let letter = vec![first + number; BYTES];
                letters.keep(&device, Letter::Wish, &letter).unwrap();
                let kept = letters.read(&device, Letter::Wish).unwrap().unwrap();
                let is_whole = kept.len() == BYTES && kept.iter().all(|byte| *byte == kept[0]);
                assert!(is_whole, "{} bytes", kept.len());
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| write(0));
            scope.spawn(|| write(TIMES));
        });
    }
}
