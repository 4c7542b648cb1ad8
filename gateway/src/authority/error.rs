//! Why the authority cannot do its work.

use std::io;
use std::path::PathBuf;

use crate::data_dir::DataDirError;

/// Why the authority cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A file could not be read.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file in the data folder could not be written.
    #[error(transparent)]
    Write(#[from] DataDirError),
    /// A secret or key is not where it should be.
    #[error(
        "there is no {}: put the file back that was there when the authority was made", path.display()
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A secret or key is open to others.
    #[error(
        "{} is open to others (mode {mode:o}): expected a file for its owner alone; chmod 600 it",
        path.display()
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A secret is none.
    #[error("{} holds no secret: expected {expected}", path.display())]
    Secret {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The authority's key does not open.
    #[error(
        "the secret in {} does not open {}: put back the secret it was made with, or both files of one backup",
        secret.display(), path.display()
    )]
    WrongSecret {
        /// The secret.
        secret: PathBuf,
        /// The key.
        path: PathBuf,
    },
    /// A file is not what it should be.
    #[error("{} is not {expected}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// A certificate could not be made.
    #[error("cannot make {what}: {reason}")]
    Make {
        /// What.
        what: &'static str,
        /// Why, in the words of the library; it knows no secret.
        reason: String,
    },
    /// TLS could not be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}
