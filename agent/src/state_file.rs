//! The small file in which a running agent keeps its account of itself, for `lujiang-agent
//! status`.

use std::path::{Path, PathBuf};

use crate::durable_file;
use crate::status::AgentStatus;

/// Its name in the data folder.
pub(crate) const NAME: &str = "state.json";

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What stands in it.
    #[error("{path} is not the state of an agent")]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Reads the account an agent last gave; none where it never ran.
///
/// # Errors
/// Where the file is there and cannot be read.
pub fn read(data: &Path) -> Result<Option<AgentStatus>, StateFileError> {
    let path = data.join(NAME);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| StateFileError::Content { path, source }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StateFileError::File { path, source }),
    }
}

/// Replaces the account.
pub(crate) fn write(data: &Path, status: &AgentStatus) -> Result<(), StateFileError> {
    let path = data.join(NAME);
    let text =
        serde_json::to_vec_pretty(status).expect("an account has text keys and plain values");
    durable_file::replace(&path, &text).map_err(|source| StateFileError::File { path, source })
}
