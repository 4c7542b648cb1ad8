//! One generation of the views in a sled store of its own.
//!
//! All records and the cursor lie in one Tree and are written in one Batch, which sled recovers
//! whole or not at all. sled panics on damage, or iterates without end: every access is caught,
//! every value carries a CRC over its key and itself, every scan has a budget and ends at the
//! first error. A store that was damaged once is never touched again.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lujiang_config::ByteSize;

use crate::entry::EntryNumber;
use crate::ledger::Head;
use crate::views::codec::{Decoder, Encoder};
use crate::views::key::CURSOR;
use crate::views::pages::{Damage, Pages, Records, Sum, check};

/// Raised whenever the same ledger would give other records.
const VIEW_VERSION: u64 = 6;

/// Attempts to open a store that ended neither well nor badly: the process died in them. One may
/// be an unlucky kill; after these the store itself is suspected of killing us.
const ATTEMPTS_MAX: usize = 2;

/// How long a store may be in use by one that is just being closed.
const RELEASED_WITHIN: Duration = Duration::from_secs(2);

/// Between two looks whether it is still in use.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Where sled lies within the folder.
const STORE: &str = "store";

/// Counts attempts to open, one byte each; gone once one has ended.
const ATTEMPTS: &str = "attempts";

/// Written last: without it the folder was never finished.
const READY: &str = "ready";

/// A generation of the views.
pub(crate) struct Shelf {
    folder: PathBuf,
    cursor: Cursor,
    tree: Option<(sled::Db, sled::Tree)>,
    is_damaged: AtomicBool,
    has_panicked: AtomicBool,
}

/// Up to where the ledger was folded, and what the records then add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The last entry folded and the CRC of its record.
    pub(crate) head: Head,
    /// The sum over all records.
    pub(crate) sum: Sum,
    /// The time zone days were cut in.
    pub(crate) zone: String,
}

/// Why a generation could not be opened or made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShelfError {
    /// It must be rebuilt.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// Somebody has it open.
    #[error("the store is in use by another process")]
    InUse,
    /// The folder cannot be written.
    #[error(transparent)]
    Folder(#[from] io::Error),
}

impl Shelf {
    /// Makes an empty generation, not yet finished.
    pub(crate) fn create(folder: &Path, cache: ByteSize, zone: String) -> Result<Self, ShelfError> {
        fs::create_dir_all(folder)?;
        let tree = open_tree(&folder.join(STORE), cache)?;
        let mut shelf = Self::over(folder, tree, zone);
        let Cursor { head, sum, .. } = shelf.cursor;
        shelf.write(Vec::new(), sum, head)?;
        Ok(shelf)
    }

    /// Opens a finished generation and checks every record.
    pub(crate) fn open(folder: &Path, cache: ByteSize) -> Result<Self, ShelfError> {
        let attempts = folder.join(ATTEMPTS);
        let mut tried = fs::read(&attempts).unwrap_or_default();
        if tried.len() >= ATTEMPTS_MAX {
            return Err(Damage("the process died as it was opened".to_owned()).into());
        }
        tried.push(b'.');
        fs::write(&attempts, tried)?;
        let store = folder.join(STORE);
        remove_half_written_snapshots(&store)?;
        let opened = open_released(&store, cache).and_then(|tree| {
            let mut shelf = Self::over(folder, tree, String::new());
            shelf.cursor = shelf.read_cursor()?;
            shelf.verify()?;
            Ok(shelf)
        });
        fs::remove_file(&attempts)?;
        opened
    }

    fn over(folder: &Path, tree: (sled::Db, sled::Tree), zone: String) -> Self {
        let head = Head {
            number: EntryNumber::NONE,
            crc: 0,
        };
        let sum = Sum::default();
        Self {
            folder: folder.to_owned(),
            cursor: Cursor { head, sum, zone },
            tree: Some(tree),
            is_damaged: AtomicBool::new(false),
            has_panicked: AtomicBool::new(false),
        }
    }

    /// Up to where this generation is folded.
    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Writes records and moves the cursor, at once or not at all.
    pub(crate) fn write(&mut self, records: Records, sum: Sum, head: Head) -> Result<(), Damage> {
        let zone = self.cursor.zone.clone();
        let cursor = Cursor { head, sum, zone };
        let mut batch = sled::Batch::default();
        for (key, value) in records {
            let framed = framed(&key, value);
            batch.insert(key, framed);
        }
        batch.insert(CURSOR, framed(CURSOR, cursor.encode()));
        self.access(|tree| tree.apply_batch(batch))?;
        self.cursor = cursor;
        Ok(())
    }

    /// Gives everything written to the system, so that a killed process loses nothing.
    pub(crate) fn flush(&self) -> Result<(), Damage> {
        self.access(|tree| tree.flush().map(drop))
    }

    /// Makes everything durable and marks the generation as finished.
    pub(crate) fn finish(&self) -> Result<(), ShelfError> {
        self.flush()?;
        // sled's own flush leaves the data with the disk's cache.
        fs::File::open(self.folder.join(STORE).join("db"))?.sync_all()?;
        fs::File::create(self.folder.join(READY))?.sync_all()?;
        fs::File::open(&self.folder)?.sync_all()?;
        Ok(())
    }

    /// Whether a generation was finished.
    pub(crate) fn is_finished(folder: &Path) -> bool {
        folder.join(READY).exists()
    }

    /// Where it lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn read_cursor(&self) -> Result<Cursor, Damage> {
        let bytes = self.access(|tree| tree.get(CURSOR))?;
        bytes
            .as_ref()
            .and_then(|bytes| unframed(CURSOR, bytes))
            .and_then(Cursor::decode)
            .ok_or_else(|| self.damaged("the cursor cannot be read, or is of another version"))
    }

    /// Reads everything once and compares it with what the cursor says.
    fn verify(&self) -> Result<(), Damage> {
        // One record more than there should be ends the scan; so does the first error.
        let budget = self.cursor.sum.records.saturating_add(2);
        let found = self.access(|tree| {
            let mut sum = Sum::default();
            let mut last: Option<sled::IVec> = None;
            for item in tree.iter() {
                let (key, bytes) = item?;
                let is_after = last.as_ref().is_none_or(|last| *last < key);
                let value = unframed(&key, &bytes).filter(|_| is_after);
                let Some(value) = value else { return Ok(None) };
                if *key != *CURSOR {
                    sum.add(&key, value);
                }
                if sum.records >= budget {
                    return Ok(None);
                }
                last = Some(key);
            }
            Ok(Some(sum))
        })?;
        let found = found.ok_or_else(|| self.damaged("a record fails its check"))?;
        if found == self.cursor.sum {
            return Ok(());
        }
        let (found, expected) = (found.records, self.cursor.sum.records);
        let found = format!("records add up wrongly: {found} found, {expected} expected");
        Err(self.damaged(&found))
    }

    /// Does something with the tree; whatever goes wrong, goes wrong for good.
    fn access<T>(&self, f: impl FnOnce(&sled::Tree) -> sled::Result<T>) -> Result<T, Damage> {
        // Relaxed: a late reader meets the damage itself.
        let healthy = !self.is_damaged.load(Ordering::Relaxed);
        let Some((_, tree)) = self.tree.as_ref().filter(|_| healthy) else {
            return Err(Damage("it was damaged before".to_owned()));
        };
        match caught(|| f(tree)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(self.damaged(&error.to_string())),
            Err(panic) => {
                self.has_panicked.store(true, Ordering::Relaxed);
                Err(self.damaged(&panic.0))
            }
        }
    }

    fn damaged(&self, what: &str) -> Damage {
        self.is_damaged.store(true, Ordering::Relaxed);
        Damage(what.to_owned())
    }
}

impl Pages for Shelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Damage> {
        let Some(bytes) = self.access(|tree| tree.get(key))? else {
            return Ok(None);
        };
        match unframed(key, &bytes) {
            Some(value) => Ok(Some(value.to_vec())),
            None => Err(self.damaged("a record fails its check")),
        }
    }

    fn scan(&self, from: &[u8], until: &[u8]) -> Result<Records, Damage> {
        if from >= until {
            return Ok(Vec::new());
        }
        let budget = usize::try_from(self.cursor.sum.records).unwrap_or(usize::MAX);
        let found = self.access(|tree| {
            let mut found = Vec::new();
            for item in tree.range(from..until) {
                let (key, bytes) = item?;
                match unframed(&key, &bytes) {
                    Some(value) if found.len() < budget => {
                        found.push((key.to_vec(), value.to_vec()));
                    }
                    Some(_) | None => return Ok(None),
                }
            }
            Ok(Some(found))
        })?;
        found.ok_or_else(|| self.damaged("a record fails its check"))
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let Some(tree) = self.tree.take() else { return };
        if *self.has_panicked.get_mut() {
            // Closing flushes, and after a panic within sled that may wait for ever: the memory
            // and the file are given back when the process ends. An error is no such case: sled
            // then does not flush.
            std::mem::forget(tree);
            return;
        }
        if let Err(damage) = caught(|| drop(tree)) {
            tracing::warn!(%damage, "the views could not be closed; they are checked when opened");
        }
    }
}

impl Cursor {
    fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder
            .number(VIEW_VERSION)
            .signed(self.head.number.0)
            .number(self.head.crc.into())
            .number(self.sum.records)
            .number(self.sum.digest)
            .text(&self.zone);
        encoder.finish()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        if decoder.number()? != VIEW_VERSION {
            return None;
        }
        let head = Head {
            number: EntryNumber(decoder.signed()?),
            crc: decoder.number()?.try_into().ok()?,
        };
        let sum = Sum {
            records: decoder.number()?,
            digest: decoder.number()?,
        };
        let zone = decoder.text()?;
        decoder.is_at_end().then_some(Self { head, sum, zone })
    }
}

fn open_tree(store: &Path, cache: ByteSize) -> Result<(sled::Db, sled::Tree), ShelfError> {
    let config = sled::Config::new()
        .path(store)
        .cache_capacity(cache.as_u64())
        .flush_every_ms(None);
    let opened = caught(|| {
        let db = config.open()?;
        let tree = db.open_tree("figures")?;
        Ok((db, tree))
    })?;
    match opened {
        Ok(opened) => Ok(opened),
        Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") => {
            Err(ShelfError::InUse)
        }
        Err(error) => Err(Damage(error.to_string()).into()),
    }
}

/// Opens a store that somebody may just have closed: sled gives its lock back from a thread of
/// its own, a moment after the last handle is gone.
fn open_released(store: &Path, cache: ByteSize) -> Result<(sled::Db, sled::Tree), ShelfError> {
    let give_up = Instant::now() + RELEASED_WITHIN;
    loop {
        match open_tree(store, cache) {
            Err(ShelfError::InUse) if Instant::now() < give_up => {
                std::thread::park_timeout(LOOK_AGAIN);
            }
            opened => return opened,
        }
    }
}

/// A crash while sled writes a snapshot leaves one that makes every later open fail.
fn remove_half_written_snapshots(store: &Path) -> io::Result<()> {
    for file in fs::read_dir(store)? {
        let path = file?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Runs something of sled's; a panic within is damage.
fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Damage> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("without a word");
        Damage(format!("the store panicked: {text}"))
    })
}

/// A value with its CRC behind it.
fn framed(key: &[u8], mut value: Vec<u8>) -> Vec<u8> {
    let check = check(key, &value);
    value.extend_from_slice(&check.to_le_bytes());
    value
}

/// A value whose CRC is right.
fn unframed<'a>(key: &[u8], bytes: &'a [u8]) -> Option<&'a [u8]> {
    let (value, crc) = bytes.split_last_chunk()?;
    (check(key, value) == u32::from_le_bytes(*crc)).then_some(value)
}
