//! How downloads are to behave.

use std::time::Duration;

use lujiang_config::DownloadsSection;

/// How downloads are to behave.
#[derive(Debug, Clone)]
pub struct DownloadOptions {
    /// Blobs on the line at once.
    pub connections: u8,
    /// A source that says nothing for this long is asked anew.
    pub patience: Duration,
    /// The first pause after a break.
    pub pause_min: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// Bytes of the disk that are left to others.
    pub reserve: u64,
}

impl From<&DownloadsSection> for DownloadOptions {
    fn from(section: &DownloadsSection) -> Self {
        Self {
            connections: section.connections,
            patience: section.patience,
            pause_min: section.pause_min,
            pause_max: section.pause_max,
            reserve: section.reserve.as_u64(),
        }
    }
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self::from(&DownloadsSection::default())
    }
}
