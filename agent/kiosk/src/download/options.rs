//! How downloads are to behave.

use std::time::Duration;

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
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            connections: 1,
            patience: Duration::from_secs(30),
            pause_min: Duration::from_millis(200),
            pause_max: Duration::from_secs(5 * 60),
        }
    }
}
