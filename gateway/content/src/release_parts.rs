//! What a release is made of once a person has consented to it, ready to be signed.

use std::path::PathBuf;

use lujiang_wire::{Allotment, BlobHash, Catalogue};

/// A release before it is signed. Its catalogue and its allotment name the same titles, and every
/// blob the catalogue links to stands in `blobs`, or in a release before this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseParts {
    /// The titles and their licences.
    pub catalogue: Catalogue,
    /// The copies by device.
    pub allotment: Allotment,
    /// The files and covers that are new with it.
    pub blobs: Vec<BlobOrigin>,
    /// Files and covers at hand that the gateway has from a release before: they are brought again
    /// where it has lost them.
    pub at_hand: Vec<BlobOrigin>,
}

/// A blob and the file it is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobOrigin {
    /// Its name.
    pub blob: BlobHash,
    /// Its bytes.
    pub size: u64,
    /// Where they are.
    pub file: PathBuf,
}
