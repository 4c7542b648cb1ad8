//! The block list of a blob, made while its bytes pass by.

use lujiang_wire::{BLOCK_BYTES, BlobHash};
use sha2::{Digest as _, Sha256};

/// Takes the bytes of a blob, and hashes them whole and in blocks.
#[derive(Debug, Clone, Default)]
pub struct BlockHasher {
    whole: Sha256,
    block: Sha256,
    in_block: usize,
    size: u64,
    list: Vec<u8>,
}

/// What a blob is, once all of it has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    /// Its name.
    pub blob: BlobHash,
    /// Its bytes.
    pub size: u64,
    /// Its block list.
    pub list: Vec<u8>,
}

impl BlockHasher {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.whole.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.in_block));
            self.block.update(now);
            self.in_block += now.len();
            if self.in_block == BLOCK_BYTES {
                self.end_block();
            }
            bytes = later;
        }
    }

    /// How many bytes have passed.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// That was all.
    #[must_use]
    pub fn finish(mut self) -> Hashed {
        if self.in_block > 0 {
            self.end_block();
        }
        Hashed {
            blob: BlobHash::new(self.whole.finalize().into()),
            size: self.size,
            list: self.list,
        }
    }

    fn end_block(&mut self) {
        self.list.extend_from_slice(&self.block.finalize_reset());
        self.in_block = 0;
    }
}

impl Hashed {
    /// The name of its block list.
    #[must_use]
    pub fn blocks(&self) -> BlobHash {
        BlobHash::new(Sha256::digest(&self.list).into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn however_the_bytes_come_the_list_is_of_64_kib_each(
            size in 0_usize..4 * BLOCK_BYTES,
            cuts in prop::collection::vec(1_usize..100_000, 1..20),
        ) {
            let bytes: Vec<u8> = (0..size).map(|it| (it % 251) as u8).collect();
            let mut hasher = BlockHasher::default();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                hasher.update(now);
                rest = later;
            }
            let hashed = hasher.finish();
            let expected: Vec<u8> = bytes.chunks(BLOCK_BYTES).flat_map(Sha256::digest).collect();
            prop_assert_eq!(hashed.list, expected);
            prop_assert_eq!(hashed.blob, BlobHash::new(Sha256::digest(&bytes).into()));
            prop_assert_eq!(hashed.size, size as u64);
        }
    }
}
