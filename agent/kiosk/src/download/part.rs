//! A blob that is coming: which of its blocks are good, and what is to be asked for next.
//!
//! A block is good once it was read or written whole and is as the signed list says. The last
//! block that came may be a beginning: its bytes are kept and gone on from, and judged when it is
//! whole. After a power loss the disk may hold anything: opening reads all of it again.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use lujiang_wire::{BLOCK_BYTES, BlobHash};
use sha2::{Digest as _, Sha256};

use super::{DownloadError, Wanted, altered};
use crate::blob_folder::BlobFolder;
use crate::durable::finish;

/// A blob that is coming.
pub(super) struct Part {
    wanted: Wanted,
    path: PathBuf,
    file: File,
    /// Bytes of a block of this blob.
    block: u64,
    list: Vec<[u8; 32]>,
    is_good: Vec<bool>,
    /// Bytes of the first block that is not good which are there from its beginning.
    begun: u64,
    good: u64,
}

impl Part {
    /// Opens what there is of it, and verifies it.
    pub(super) fn open(
        folder: &BlobFolder,
        wanted: &Wanted,
        list: Vec<[u8; 32]>,
    ) -> Result<Self, DownloadError> {
        let path = folder.part(&wanted.blob);
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let opened = options.open(&path);
        let file = opened.map_err(|source| disk(&path, source))?;
        let mut part = Self {
            wanted: *wanted,
            // A document without a list is one block.
            block: match wanted.blocks {
                Some(_) => BLOCK_BYTES as u64,
                None => wanted.size.max(1),
            },
            is_good: vec![false; list.len()],
            list,
            path,
            file,
            begun: 0,
            good: 0,
        };
        part.verify().map_err(|source| disk(&part.path, source))?;
        Ok(part)
    }

    /// Bytes that need not be asked for any more.
    pub(super) fn good(&self) -> u64 {
        self.good + self.begun
    }

    pub(super) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The first byte that is missing; none where none is.
    pub(super) fn next_missing(&self) -> Option<u64> {
        let first = self.is_good.iter().position(|is_good| !is_good)?;
        Some(first as u64 * self.block + self.begun)
    }

    /// Whether the byte at this place, and those after it, are of use.
    pub(super) fn wants(&self, at: u64) -> bool {
        let block = usize::try_from(at / self.block).unwrap_or(usize::MAX);
        self.is_good.get(block).is_some_and(|is_good| !is_good)
    }

    /// Writes bytes that came; says how many blocks turned out bad by them.
    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) -> Result<u32, DownloadError> {
        // What comes after its end is not of it.
        let left = self.wanted.size.saturating_sub(at);
        let of_it = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        let mut bad = 0;
        let (mut at, mut rest) = (at, &bytes[..of_it]);
        while !rest.is_empty() {
            let block = at / self.block;
            let end = (block + 1) * self.block;
            let length = (end - at).min(rest.len() as u64);
            let (now, later) = rest.split_at(usize::try_from(length).expect("within a slice"));
            bad += self.write_in_block(block, at, now)?;
            at += length;
            rest = later;
        }
        Ok(bad)
    }

    fn write_in_block(&mut self, block: u64, at: u64, bytes: &[u8]) -> Result<u32, DownloadError> {
        let number = usize::try_from(block).expect("within the list");
        // What is good already, and what does not go on from what is there, is of no use: a
        // source that ignores ranges sends both.
        let expected = block * self.block + self.begun;
        if self.is_good[number]
            || self.next_missing() != Some(expected)
            || at + (bytes.len() as u64) <= expected
        {
            return Ok(0);
        }
        let Some(skipped) = expected.checked_sub(at) else {
            return Ok(0);
        };
        let bytes = &bytes[usize::try_from(skipped).expect("within a slice")..];
        let written = self.file.write_all_at(bytes, expected);
        written.map_err(|source| disk(&self.path, source))?;
        self.begun += bytes.len() as u64;
        if self.begun < self.length_of(block) {
            return Ok(0);
        }
        self.begun = 0;
        let is_good = self
            .is_as_signed(block)
            .map_err(|source| disk(&self.path, source))?;
        if !is_good {
            return Ok(1);
        }
        self.is_good[number] = true;
        self.good += self.length_of(block);
        Ok(0)
    }

    /// What came is put on disk, so that a power loss costs no more than what came since.
    pub(super) fn flush(&self) -> Result<(), DownloadError> {
        self.file
            .sync_data()
            .map_err(|source| disk(&self.path, source))
    }

    /// The whole is verified, put on disk, and gets its name.
    pub(super) fn finish(self, folder: &BlobFolder) -> Result<(), DownloadError> {
        let failed = |source| disk(&self.path, source);
        self.file.set_len(self.wanted.size).map_err(failed)?;
        self.file.sync_all().map_err(failed)?;
        if self.hash().map_err(failed)? != self.wanted.blob {
            // Its blocks are as signed and it is not: who signed it was wrong.
            std::fs::remove_file(&self.path).map_err(failed)?;
            return Err(altered(&self.wanted, "its hash"));
        }
        finish(&self.path, &folder.place(&self.wanted.blob)).map_err(failed)?;
        // Needed no more; one that stays is taken away with what nobody names.
        let _ = std::fs::remove_file(folder.blocks(&self.wanted.blob));
        Ok(())
    }

    fn verify(&mut self) -> io::Result<()> {
        let there = self.file.metadata()?.len().min(self.wanted.size);
        for number in 0..self.list.len() as u64 {
            let end = number * self.block + self.length_of(number);
            if end > there {
                break;
            }
            let is_good = self.is_as_signed(number)?;
            self.is_good[usize::try_from(number).expect("within the list")] = is_good;
            if is_good {
                self.good += self.length_of(number);
            }
        }
        // Only the first block that is missing may have begun: it is the one that is gone on with.
        if let Some(first) = self.is_good.iter().position(|is_good| !is_good) {
            let begin = first as u64 * self.block;
            let is_last = begin + self.length_of(first as u64) > there;
            self.begun = if is_last {
                there.saturating_sub(begin)
            } else {
                0
            };
        }
        Ok(())
    }

    fn length_of(&self, block: u64) -> u64 {
        self.block
            .min(self.wanted.size - (block * self.block).min(self.wanted.size))
    }

    fn is_as_signed(&self, block: u64) -> io::Result<bool> {
        let length = usize::try_from(self.length_of(block)).expect("a block is in memory");
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, block * self.block)?;
        let number = usize::try_from(block).expect("within the list");
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        Ok(digest == self.list[number])
    }

    fn hash(&self) -> io::Result<BlobHash> {
        let mut hasher = Sha256::new();
        let mut bytes = vec![0; BLOCK_BYTES];
        let mut at = 0;
        while at < self.wanted.size {
            let length = self.file.read_at(&mut bytes, at)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            hasher.update(&bytes[..length]);
            at += length as u64;
        }
        Ok(BlobHash::new(hasher.finalize().into()))
    }
}

fn disk(path: &std::path::Path, source: io::Error) -> DownloadError {
    DownloadError::Disk {
        path: path.to_owned(),
        source,
    }
}
