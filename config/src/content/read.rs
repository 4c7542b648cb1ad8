//! `[content]`, key by key.

use std::time::Duration;

use super::{ContentSection, S3Section};
use crate::ByteSize;
use crate::section::Section;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

/// What a bucket or an endpoint may be.
const TEXT: &str = "a text of at most 200 characters without blanks";

/// What a region may be.
const REGION: &str = "a text of 1 to 200 characters without blanks";

impl ContentSection {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            blob_max: section.size(
                "blob_max",
                default.blob_max,
                ByteSize::mib(1)..=ByteSize::mib(65_536),
            ),
            downloads_max: section.number("downloads_max", default.downloads_max, 1..=10_000),
            retry_after: section.seconds("retry_after", default.retry_after, SECOND..=HOUR),
            renewal_interval: section.duration(
                "renewal_interval",
                default.renewal_interval,
                SECOND..=DAY,
            ),
            unnamed_kept: section.duration("unnamed_kept", default.unnamed_kept, HOUR..=YEAR),
            notice_image_max: section.size(
                "notice_image_max",
                default.notice_image_max,
                ByteSize::kib(64)..=ByteSize::mib(20),
            ),
            notice_image_pixels_max: section.number(
                "notice_image_pixels_max",
                default.notice_image_pixels_max,
                100_000..=100_000_000,
            ),
            drafts_max: section.number("drafts_max", default.drafts_max, 1..=100),
            draft_files_max: section.number("draft_files_max", default.draft_files_max, 1..=20_000),
            draft_max: section.size(
                "draft_max",
                default.draft_max,
                ByteSize::mib(1)..=ByteSize::mib(262_144),
            ),
            draft_kept: section.duration("draft_kept", default.draft_kept, HOUR..=YEAR),
            s3: section.section("s3", S3Section::read),
        }
    }
}

impl S3Section {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let bucket = section.text("bucket", String::new(), TEXT, is_text);
        let endpoint = section.text("endpoint", String::new(), TEXT, is_text);
        let read = Self {
            bucket: Some(bucket).filter(|bucket| !bucket.is_empty()),
            endpoint: Some(endpoint).filter(|endpoint| !endpoint.is_empty()),
            region: section.text("region", default.region, REGION, is_region),
            credentials_file: section.optional_path("credentials_file"),
        };
        let together = read.bucket.is_some() == read.credentials_file.is_some();
        section.fits(
            "credentials_file",
            together,
            "a file with the keys of bucket",
        );
        read
    }
}

fn is_text(text: &str) -> bool {
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    text.chars().count() <= 200 && !text.contains(is_blank)
}

fn is_region(text: &str) -> bool {
    !text.is_empty() && is_text(text)
}
