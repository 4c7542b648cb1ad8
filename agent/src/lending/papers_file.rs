//! The file in which a device keeps its last papers, mode 0600: it lends by them after a restart,
//! also where it never had a link since. A damaged file is set aside; the next papers replace it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::papers::{Papers, PapersError};
use crate::durable_file;

/// The name of the file in the data folder.
const NAME: &str = "loan-papers.json";

/// Largest papers: a block list of 100,000 readers takes 2.5 MB.
pub(super) const PAPERS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What stands around the papers in the file.
const AROUND_BYTES_MAX: u64 = 4_096;

/// The form of the file; another form is another number.
const FORM: u32 = 1;

/// The file.
#[derive(Debug, Clone)]
pub(super) struct PapersFile {
    path: PathBuf,
}

/// What stands in it. The papers are as they came, under their CRC-32C: a block list with one bit
/// turned would let somebody through.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    form: u32,
    crc: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fetched: Option<Timestamp>,
    #[serde(borrow)]
    papers: &'a RawValue,
}

/// Why there are no papers in the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum PapersFileError {
    /// It cannot be read or written.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another version wrote it, or the disk changed it.
    #[error("{path} is damaged")]
    Damaged {
        /// Which.
        path: PathBuf,
    },
    /// Papers that are not good, from the file or for it.
    #[error("papers that cannot be used")]
    Papers(#[from] PapersError),
}

impl PapersFile {
    /// The file in this data folder.
    pub(super) fn in_folder(data: &Path) -> Self {
        Self {
            path: data.join(NAME),
        }
    }

    /// The papers that are kept; none where none ever came. What is damaged is set aside first.
    pub(super) fn load(&self) -> Result<Option<Papers>, PapersFileError> {
        let Some(text) = self.read().map_err(|source| self.failed(source))? else {
            return Ok(None);
        };
        let read = self.understand(&text);
        if read.is_err() {
            let aside = self.path.with_extension("damaged");
            fs::rename(&self.path, aside).map_err(|source| self.failed(source))?;
        }
        read.map(Some)
    }

    /// Keeps papers as they came, once they are found good; they are on disk when it returns.
    pub(super) fn keep(
        &self,
        text: &[u8],
        fetched: Option<Timestamp>,
    ) -> Result<Papers, PapersFileError> {
        let papers = Papers::read(text, fetched)?;
        let raw: &RawValue = serde_json::from_slice(text).map_err(PapersError::Form)?;
        let stored = Stored {
            form: FORM,
            crc: crc32c::crc32c(raw.get().as_bytes()),
            fetched,
            papers: raw,
        };
        let text = serde_json::to_vec(&stored).map_err(PapersError::Form)?;
        durable_file::replace(&self.path, &text).map_err(|source| self.failed(source))?;
        Ok(papers)
    }

    fn read(&self) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let most = PAPERS_BYTES_MAX as u64 + AROUND_BYTES_MAX;
        let mut text = Vec::new();
        file.take(most).read_to_end(&mut text)?;
        Ok(Some(text))
    }

    fn understand(&self, text: &[u8]) -> Result<Papers, PapersFileError> {
        let damaged = || PapersFileError::Damaged {
            path: self.path.clone(),
        };
        let stored: Stored<'_> = serde_json::from_slice(text).map_err(|_| damaged())?;
        let papers = stored.papers.get().as_bytes();
        if stored.form != FORM || crc32c::crc32c(papers) != stored.crc {
            return Err(damaged());
        }
        Ok(Papers::read(papers, stored.fetched)?)
    }

    fn failed(&self, source: io::Error) -> PapersFileError {
        PapersFileError::File {
            path: self.path.clone(),
            source,
        }
    }
}
