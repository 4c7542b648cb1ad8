//! The names in a repository of releases [TUF], and where a device asks for them over HTTPS.
//!
//! Every target is a blob, fetched by its SHA-256 whatever its name; names say what it is for.

use serde::{Deserialize, Serialize};

use crate::{BlobHash, Label};

/// TUF metadata by file name, with consistent snapshots: `2.root.json`, `timestamp.json`.
pub const CONTENT_METADATA_PATH: &str = "/content/v1/metadata/";

/// Most bytes of a PDF, and of one file of an EPUB once expanded: a kiosk holds it in memory while
/// somebody reads, and opens nothing larger. So nothing larger is published.
pub const BOOK_FILE_BYTES_MAX: u64 = 64 << 20;

/// Blobs by SHA-256, with Range, If-Range and a strong ETag, which is the hash.
pub const CONTENT_BLOBS_PATH: &str = "/content/v1/blobs/";

/// The [block list](BLOCK_BYTES) of a blob, by the blob's SHA-256.
pub const CONTENT_BLOCKS_PATH: &str = "/content/v1/blocks/";

/// A block list is the SHA-256 of each so many bytes of a blob, one after the other, 32 bytes
/// each; the last block may be shorter. 64 KiB: one bad byte costs a second on a village's line,
/// and the list of a 5 MB book is 2.5 kB.
pub const BLOCK_BYTES: usize = 64 * 1024;

/// The delegated role that may add notices and hide titles, and nothing else.
pub const NOTICES_ROLE: &str = "notices";

/// What the delegated role may name.
pub const NOTICES_PATHS: &str = "notices/*";

/// The target with the [`Notices`](crate::Notices).
pub const NOTICES_TARGET: &str = "notices/notices.json";

/// The target with the [`Catalogue`](crate::Catalogue) of a release.
#[must_use]
pub fn catalogue_target(release: &Label) -> String {
    format!("releases/{release}/catalogue.json")
}

/// The target with the [`Allotment`](crate::Allotment) of a release.
#[must_use]
pub fn allotment_target(release: &Label) -> String {
    format!("releases/{release}/allotment.json")
}

/// The target of a title's file or cover.
#[must_use]
pub fn blob_target(blob: &BlobHash) -> String {
    format!("blobs/{blob}")
}

/// The target of an image of a notice.
#[must_use]
pub fn notice_image_target(blob: &BlobHash) -> String {
    format!("notices/{blob}")
}

/// The member `custom` of a target that is the file of a title, in the targets metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobCustom {
    /// The SHA-256 of the block list: it is believed because this is signed.
    pub blocks: BlobHash,
}
