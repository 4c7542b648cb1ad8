//! What `lujiang-agent content import` and a running agent say to each other: a request in the
//! data folder, and what became of it. The request stays until it is answered, so that an import
//! goes on after a restart.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lujiang_wire::{BlobHash, Label, TakingState};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::durable_file;

/// The request, in the data folder.
const REQUEST: &str = "import.json";

/// The answer.
const ANSWER: &str = "imported.json";

/// A stick is to be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// Tells one request from the next.
    pub id: String,
    /// Where the stick is.
    pub folder: PathBuf,
    /// The release to take.
    pub release: Label,
    /// The code of the stick, where somebody compared it.
    #[serde(default)]
    pub code: Option<BlobHash>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportAnswer {
    /// Of which request.
    pub id: String,
    /// How far it is.
    pub state: ImportState,
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ImportState {
    /// It goes on.
    Working {
        /// What the kiosk takes meanwhile.
        taking: Option<TakingState>,
    },
    /// Its release is on the shelf now.
    OnShelf,
    /// It was there before.
    WasThere,
    /// First contact, and nobody has compared the code.
    Unconfirmed {
        /// The SHA-256 of its first root and its newest snapshot, one after the other.
        code: BlobHash,
    },
    /// Nothing was taken.
    Refused {
        /// Why.
        reason: String,
    },
    /// It broke off.
    BrokeOff {
        /// Why.
        reason: String,
    },
}

/// Asks the agent to take a stick; the answer to a request before is forgotten. The request belongs
/// to whom the data folder belongs to: the agent's user, whoever asks.
///
/// # Errors
/// Where the data folder cannot be written, or is another's and we are not root.
pub fn ask(data: &Path, request: &ImportRequest) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(request)?;
    durable_file::replace_for_owner(&data.join(REQUEST), &text)
}

/// What the agent answered last.
///
/// # Errors
/// Where it cannot be read.
pub fn answer(data: &Path) -> io::Result<Option<ImportAnswer>> {
    read(&data.join(ANSWER))
}

/// When the agent said so: while it takes a stick it says it every few seconds, moved or not.
///
/// # Errors
/// Where nothing was said, or it cannot be looked at.
pub fn answered_at(data: &Path) -> io::Result<SystemTime> {
    std::fs::metadata(data.join(ANSWER))?.modified()
}

/// What is asked of the agent.
pub(crate) fn request(data: &Path) -> io::Result<Option<ImportRequest>> {
    read(&data.join(REQUEST))
}

/// Answers.
pub(crate) fn tell(data: &Path, answer: &ImportAnswer) -> io::Result<()> {
    write(&data.join(ANSWER), answer)
}

/// The request is done with.
pub(crate) fn settle(data: &Path) -> io::Result<()> {
    match std::fs::remove_file(data.join(REQUEST)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn write<T: Serialize>(path: &Path, what: &T) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(what)?;
    durable_file::replace(path, &text)
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, chown};

    use super::*;

    /// Nobody, on most systems.
    const ANOTHER: u32 = 65_534;

    #[test]
    fn a_request_belongs_to_the_agents_user_whoever_asks() {
        let data = tempfile::tempdir().unwrap();
        // Only root can give a folder away, and only root then has to give the request away.
        let _ = chown(data.path(), Some(ANOTHER), Some(ANOTHER));
        let owner = std::fs::metadata(data.path()).unwrap();
        let asked = ImportRequest {
            id: "1".to_owned(),
            folder: "/media/stick".into(),
            release: "2026-12".parse().unwrap(),
            code: None,
        };

        ask(data.path(), &asked).unwrap();

        let file = std::fs::metadata(data.path().join(REQUEST)).unwrap();
        assert_eq!((file.uid(), file.gid()), (owner.uid(), owner.gid()));
        assert_eq!(file.mode() & 0o777, 0o600);
        assert_eq!(request(data.path()).unwrap(), Some(asked));
    }
}
