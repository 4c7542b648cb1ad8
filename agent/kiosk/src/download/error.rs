//! Why a blob cannot be had, where waiting does not help.

use std::io;

use lujiang_wire::BlobHash;

use crate::SourceError;

/// Why blobs cannot be had. Each is final until somebody does something about it; what has come
/// stays on disk.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No source has it, or the last of them says no.
    #[error("blob {blob} is not given")]
    Refused {
        /// The blob.
        blob: BlobHash,
        /// What the source says.
        #[source]
        source: SourceError,
    },
    /// A block is another than the signed one, each time it is asked for.
    #[error("block {block} of blob {blob} is not what was signed, {times} times")]
    Altered {
        /// The blob.
        blob: BlobHash,
        /// Counted from 0.
        block: u64,
        /// How often it was asked for.
        times: u32,
    },
    /// The block list is not the signed one.
    #[error("the block list of blob {blob} is not what was signed")]
    BlockList {
        /// The blob.
        blob: BlobHash,
    },
    /// All blocks are as signed and the whole is not. Both are hashes of the same bytes in one
    /// signed document, so no source, line or disk can bring this about: only who signed can.
    #[error("the signed block list and the signed hash of blob {blob} contradict each other")]
    Contradiction {
        /// The blob.
        blob: BlobHash,
    },
    /// It has another length than the signed one.
    #[error("blob {blob} should have {expected} bytes, and the source has {found:?}")]
    Length {
        /// The blob.
        blob: BlobHash,
        /// What is signed.
        expected: u64,
        /// What the source says, or where it ends.
        found: Option<u64>,
    },
    /// The disk has too little room.
    #[error("the disk lacks {missing} bytes of what is to stay free")]
    Room {
        /// So much more must be free.
        missing: u64,
    },
    /// The disk fails.
    #[error("the folder of blobs cannot be written")]
    Disk(#[source] io::Error),
}

impl DownloadError {
    /// Whether it is for want of room that it cannot go on.
    pub(super) fn is_for_room(&self) -> bool {
        match self {
            Self::Room { .. } => true,
            Self::Disk(error) => error.kind() == io::ErrorKind::StorageFull,
            Self::Refused { .. } | Self::Altered { .. } | Self::BlockList { .. } => false,
            Self::Contradiction { .. } | Self::Length { .. } => false,
        }
    }

    /// Why, as a word for machines.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused {
                source: SourceError::Absent(_),
                ..
            } => "absent",
            Self::Refused { .. } => "refused",
            Self::Altered { .. } | Self::BlockList { .. } => "hash-mismatch",
            Self::Contradiction { .. } => "contradiction",
            Self::Length { .. } => "wrong-length",
            Self::Room { .. } => "disk-full",
            Self::Disk(error) if error.kind() == io::ErrorKind::StorageFull => "disk-full",
            Self::Disk(_) => "disk",
        }
    }
}
