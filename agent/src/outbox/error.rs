//! What can go wrong with an outbox.

use std::path::PathBuf;

/// Why the outbox did not do it.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// It was made for another device.
    #[error(
        "the outbox at {path} belongs to device {found}, not {expected}: every device has its own data folder"
    )]
    OtherDevice {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Who asked.
        expected: String,
    },
    /// It was made by a version with another form.
    #[error("the outbox at {path} has format {found}, this agent reads format {expected}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: String,
        /// Ours.
        expected: &'static str,
    },
    /// SQLite would not do what durability needs.
    #[error(
        "{pragma} answered {found:?}, expected {expected:?}: this file system cannot hold an outbox"
    )]
    Pragma {
        /// What was asked for.
        pragma: &'static str,
        /// What it answered.
        found: String,
        /// What it has to answer.
        expected: &'static str,
    },
    /// What is stored is not what was written.
    #[error("{what} in the outbox is damaged")]
    Damaged {
        /// Which part.
        what: String,
    },
    /// There is no room, and nothing may be given up for it.
    #[error("the outbox is full and nothing in it may be given up")]
    Full,
    /// The process is ending.
    #[error("the agent is ending")]
    Interrupted,
    /// The file or its folder.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database.
    #[error("the database of the outbox failed")]
    Database(#[from] rusqlite::Error),
}

impl OutboxError {
    /// Whether it is room that lacks: below the outbox's own bound, or on the disk.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let is_disk_full = |error: &rusqlite::Error| {
            error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        };
        match self {
            Self::Full => true,
            Self::Database(error) => is_disk_full(error),
            Self::OtherDevice { .. } | Self::Format { .. } | Self::Pragma { .. } => false,
            Self::Damaged { .. } | Self::Interrupted | Self::File { .. } => false,
        }
    }
}
