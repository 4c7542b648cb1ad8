//! `[content]` of the gateway's configuration: where releases are kept, and how hard the lines of
//! devices that fetch them may pull.

mod read;

use std::path::PathBuf;
use std::time::Duration;

use crate::ByteSize;

/// `[content]`: the repository of releases.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentSection {
    /// Largest file of a title.
    pub blob_max: ByteSize,
    /// Blobs being fetched by devices at once; more are told to come back.
    pub downloads_max: usize,
    /// How long such a device is told to wait.
    pub retry_after: Duration,
    /// How often it is looked whether something signed on-line is past half its life.
    pub renewal_interval: Duration,
    /// How long a file stays that no release and no notice names any more.
    pub unnamed_kept: Duration,
    /// Largest file of a notice's picture.
    pub notice_image_max: ByteSize,
    /// Most pixels of a notice's picture: width times height.
    pub notice_image_pixels_max: u64,
    /// Releases being made at once.
    pub drafts_max: usize,
    /// Files of one of them.
    pub draft_files_max: usize,
    /// Bytes of all its files.
    pub draft_max: ByteSize,
    /// How long one stays that nobody changes.
    pub draft_kept: Duration,
    /// `[content.s3]`
    pub s3: S3Section,
}

/// `[content.s3]`: a bucket for the blobs in place of the data folder.
#[derive(Debug, Clone, PartialEq)]
pub struct S3Section {
    /// The bucket; none: blobs lie in the data folder.
    pub bucket: Option<String>,
    /// The endpoint, where it is not Amazon's own. Plain HTTP on loopback only.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The file with the access key's id and, on the next line, its secret; mode 0600.
    pub credentials_file: Option<PathBuf>,
}

impl Default for ContentSection {
    fn default() -> Self {
        Self {
            blob_max: ByteSize::mib(1_024),
            downloads_max: 64,
            retry_after: Duration::from_secs(30),
            renewal_interval: Duration::from_secs(3_600),
            unnamed_kept: Duration::from_secs(14 * 24 * 3_600),
            notice_image_max: ByteSize::mib(5),
            notice_image_pixels_max: 16_000_000,
            drafts_max: 4,
            draft_files_max: 1_000,
            draft_max: ByteSize::mib(8_192),
            draft_kept: Duration::from_secs(30 * 24 * 3_600),
            s3: S3Section::default(),
        }
    }
}

impl Default for S3Section {
    fn default() -> Self {
        Self {
            bucket: None,
            endpoint: None,
            region: "us-east-1".to_owned(),
            credentials_file: None,
        }
    }
}
