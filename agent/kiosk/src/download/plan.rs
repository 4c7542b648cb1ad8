//! What is to be fetched.

use std::path::PathBuf;

use lujiang_wire::BlobHash;

/// Blobs to fetch, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is wanted; what is named twice is fetched once.
    pub wanted: Vec<Wanted>,
    /// Folders in which blobs may already be, by their hash: a stick. They are copied and checked
    /// like what comes over the line.
    pub elsewhere: Vec<PathBuf>,
}

/// A blob, as a signature says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The SHA-256 of all of it, and its name.
    pub blob: BlobHash,
    /// Its bytes.
    pub size: u64,
    /// The SHA-256 of its block list, where it has one: without one, a bad byte costs the blob.
    pub blocks: Option<BlobHash>,
}
