//! What `lujiang-agent content import` and a running agent say to each other: a request in the
//! data folder, and what became of it. The request stays until it is answered, so that an import
//! goes on after a restart.

use std::io;
use std::path::{Path, PathBuf};

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
    /// The SHA-256 of the first root, where somebody compared it.
    #[serde(default)]
    pub root: Option<BlobHash>,
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
    /// First contact, and nobody has compared the root.
    Unconfirmed {
        /// The root's SHA-256.
        root: BlobHash,
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

/// Asks the agent to take a stick; the answer to a request before is forgotten.
///
/// # Errors
/// Where the data folder cannot be written.
pub fn ask(data: &Path, request: &ImportRequest) -> io::Result<()> {
    write(&data.join(REQUEST), request)
}

/// What the agent answered last.
///
/// # Errors
/// Where it cannot be read.
pub fn answer(data: &Path) -> io::Result<Option<ImportAnswer>> {
    read(&data.join(ANSWER))
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
