//! What each block of a blob must be. A core: it is made of bytes that were checked against a
//! signed hash, and is believed from then on.

use std::ops::Range;

use lujiang_wire::{BLOCK_BYTES, BlobHash};
use sha2::{Digest as _, Sha256};

use super::Wanted;

/// Bytes of a SHA-256 in a list.
const HASH_BYTES: usize = 32;

/// The hash of each block of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blocks {
    size: u64,
    block_bytes: u64,
    hashes: Vec<[u8; HASH_BYTES]>,
}

impl Blocks {
    /// The list that needs no asking: that of a blob of one block is its hash. So is that of a
    /// blob without a list, which is one large block then.
    pub(super) fn known(wanted: &Wanted) -> Option<Self> {
        let is_small = wanted.size <= BLOCK_BYTES as u64;
        (is_small || wanted.blocks.is_none()).then(|| Self {
            size: wanted.size,
            block_bytes: wanted.size.max(1),
            hashes: match wanted.size {
                0 => Vec::new(),
                _ => vec![*wanted.blob.as_bytes()],
            },
        })
    }

    /// Reads a list that came from somewhere, and believes it only if it is the signed one.
    pub(super) fn checked(wanted: &Wanted, signed: &BlobHash, list: &[u8]) -> Option<Self> {
        let is_signed = Sha256::digest(list).as_slice() == signed.as_bytes();
        let fits = list.len() as u64 == Self::list_bytes(wanted);
        let (hashes, _) = list.as_chunks::<HASH_BYTES>();
        (is_signed && fits).then(|| Self {
            size: wanted.size,
            block_bytes: BLOCK_BYTES as u64,
            hashes: hashes.to_vec(),
        })
    }

    /// The length of the list of a blob: nothing longer is read.
    pub(super) fn list_bytes(wanted: &Wanted) -> u64 {
        wanted.size.div_ceil(BLOCK_BYTES as u64) * HASH_BYTES as u64
    }

    /// Bytes of the blob.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// How many blocks there are.
    pub(super) fn count(&self) -> usize {
        self.hashes.len()
    }

    /// The block a byte belongs to.
    pub(super) fn of(&self, at: u64) -> usize {
        usize::try_from(at / self.block_bytes).expect("a list in memory has as many entries")
    }

    /// The bytes of a block.
    pub(super) fn range(&self, block: usize) -> Range<u64> {
        let start = block as u64 * self.block_bytes;
        start..self.size.min(start + self.block_bytes)
    }

    /// Whether these bytes, hashed, are the block.
    pub(super) fn is(&self, block: usize, hashed: Sha256) -> bool {
        self.hashes.get(block).map(<[u8; HASH_BYTES]>::as_slice)
            == Some(hashed.finalize().as_slice())
    }
}
