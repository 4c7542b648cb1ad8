//! What has come of a blob, on disk. Bytes are written as they come, half a block too, so that the
//! slowest line gets on; a block is believed once its hash is right, whether it came now or was
//! found. After a power cut the end of the file may be anything: it is what the blocks say.
//!
//! Blocking. The file is locked while one of these lives, so that what still writes after it was
//! given up and what begins anew do not meet.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use lujiang_wire::BlobHash;
use sha2::{Digest as _, Sha256};

use super::blocks::Blocks;

/// What comes is synced this often, in bytes and in time: so much a power cut costs at most.
const SYNC_BYTES: u64 = 1024 * 1024;
const SYNC_EVERY: Duration = Duration::from_secs(10);

/// Bytes read from disk at once.
const READ_BYTES: usize = 64 * 1024;

/// Nobody else has business with it.
const MODE: u32 = 0o600;

/// A blob of which something has come.
#[derive(Debug)]
pub(super) struct Part {
    file: File,
    blocks: Blocks,
    /// By block: it is on disk and right.
    good: Vec<bool>,
    /// Bytes of those.
    good_bytes: u64,
    /// Bytes of the file that were written by somebody.
    reach: u64,
    /// Where the next byte belongs.
    at: u64,
    /// The bytes from the start of the block up to there.
    hasher: Sha256,
    /// How often a block came and was wrong.
    wrong: BTreeMap<usize, u32>,
    unsynced: u64,
    synced: Instant,
}

/// A block that came and is not what was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Which.
    pub(super) block: usize,
    /// How often it has been by now.
    pub(super) times: u32,
}

impl Part {
    /// Opens what has come, and checks all of it.
    pub(super) fn open(path: &Path, blocks: Blocks) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(path)?;
        file.lock()?;
        let length = file.metadata()?.len();
        if length > blocks.size() {
            file.set_len(blocks.size())?;
        }
        let mut part = Self {
            good: vec![false; blocks.count()],
            good_bytes: 0,
            reach: length.min(blocks.size()),
            file,
            blocks,
            at: 0,
            hasher: Sha256::new(),
            wrong: BTreeMap::new(),
            unsynced: 0,
            synced: Instant::now(),
        };
        part.read_back()?;
        Ok(part)
    }

    /// Bytes that are there and right, or may yet be: those of the block that is on its way.
    pub(super) fn bytes(&self) -> u64 {
        let under_way = self.gap().map_or(0, |gap| {
            gap.start - self.blocks.range(self.blocks.of(gap.start)).start
        });
        self.good_bytes + under_way
    }

    /// What is to come next: the bytes from here to the next that are there. None once all are.
    pub(super) fn gap(&self) -> Option<Range<u64>> {
        let from = self.blocks.of(self.at);
        let next = self.good.iter().skip(from).position(|good| *good);
        let end = next.map_or(self.blocks.size(), |next| {
            self.blocks.range(from + next).start
        });
        (self.at < end).then_some(self.at..end)
    }

    /// Writes the next bytes, of which those beyond the gap are not used; tells of blocks that are
    /// wrong. Such a block is passed over, and is a gap of its own once the rest is there.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> io::Result<Vec<Wrong>> {
        let mut wrong = Vec::new();
        let Some(gap) = self.gap() else {
            return Ok(wrong);
        };
        while !bytes.is_empty() && self.at < gap.end {
            let block = self.blocks.of(self.at);
            let end = self.blocks.range(block).end;
            let room = usize::try_from(end - self.at).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.file.write_all_at(now, self.at)?;
            self.hasher.update(now);
            self.at += now.len() as u64;
            self.reach = self.reach.max(self.at);
            self.unsynced += now.len() as u64;
            if self.at == end {
                wrong.extend(self.end_block(block));
            }
            bytes = later;
        }
        if self.at == gap.end {
            self.seek()?;
        }
        self.sync_now_and_then()?;
        Ok(wrong)
    }

    /// Fills the gaps from a file that says it is the blob; what is wrong there stays a gap.
    pub(super) fn fill_from(&mut self, file: &File) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        // Once through: what was wrong before is a gap before here.
        let mut from = 0;
        while let Some(gap) = self.gap().filter(|gap| gap.start >= from) {
            let most = usize::try_from(gap.end - gap.start).unwrap_or(usize::MAX);
            let read = file.read_at(&mut buffer[..most.min(READ_BYTES)], gap.start)?;
            if read == 0 {
                break;
            }
            self.take(&buffer[..read])?;
            from = gap.start + read as u64;
        }
        Ok(())
    }

    /// Reads all of it back from disk. What is wrong there is a gap again; without a gap, this is
    /// the hash of the whole.
    pub(super) fn read_back(&mut self) -> io::Result<BlobHash> {
        let mut whole = Sha256::new();
        self.good_bytes = 0;
        for block in 0..self.blocks.count() {
            let range = self.blocks.range(block);
            let mut hasher = Sha256::new();
            let there = range.start..range.end.min(self.reach);
            self.read(there, |bytes| {
                hasher.update(bytes);
                whole.update(bytes);
            })?;
            self.good[block] = range.end <= self.reach && self.blocks.is(block, hasher);
            if self.good[block] {
                self.good_bytes += range.end - range.start;
            }
        }
        self.seek()?;
        Ok(BlobHash::new(whole.finalize().into()))
    }

    /// Has all of it on disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        (self.unsynced, self.synced) = (0, Instant::now());
        Ok(())
    }

    fn end_block(&mut self, block: usize) -> Option<Wrong> {
        let hashed = std::mem::take(&mut self.hasher);
        self.good[block] = self.blocks.is(block, hashed);
        if self.good[block] {
            let range = self.blocks.range(block);
            self.good_bytes += range.end - range.start;
            self.wrong.remove(&block);
            return None;
        }
        let times = self.wrong.entry(block).or_default();
        *times += 1;
        Some(Wrong {
            block,
            times: *times,
        })
    }

    /// Goes to the first byte that is missing. Where the file ends within a block, the bytes of it
    /// that are there are kept, and judged once the block is whole.
    fn seek(&mut self) -> io::Result<()> {
        let first = self.good.iter().position(|good| !good);
        let range = first.map_or(self.blocks.size()..self.blocks.size(), |block| {
            self.blocks.range(block)
        });
        let kept = match self.reach {
            reach if range.contains(&reach) => range.start..reach,
            _ => range.start..range.start,
        };
        self.at = kept.end;
        let mut hasher = Sha256::new();
        self.read(kept, |bytes| hasher.update(bytes))?;
        self.hasher = hasher;
        Ok(())
    }

    fn read(&self, range: Range<u64>, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        let mut at = range.start;
        while at < range.end {
            let most = usize::try_from(range.end - at).unwrap_or(usize::MAX);
            let now = &mut buffer[..most.min(READ_BYTES)];
            self.file.read_exact_at(now, at)?;
            each(now);
            at += now.len() as u64;
        }
        Ok(())
    }

    fn sync_now_and_then(&mut self) -> io::Result<()> {
        let is_due = self.unsynced >= SYNC_BYTES || self.synced.elapsed() >= SYNC_EVERY;
        if self.unsynced > 0 && is_due {
            self.file.sync_data()?;
            (self.unsynced, self.synced) = (0, Instant::now());
        }
        Ok(())
    }
}
