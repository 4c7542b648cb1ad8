//! The block list: what a library system exports of the readers it lends nothing, understood line
//! by line, and kept sealed.
//!
//! A problem names its line and its column and never what stood there: that may be a reader.

mod file;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::Transaction;
use serde_json::{Value, json};

use super::{Papers, PapersError};
use crate::data_dir::random_bytes;
use crate::registry::Actor;
use crate::store::papers::{self as rows, BlockedHead};

pub use file::{BlockFile, BlockProblem, NotAList, Understood};

/// Who wrote a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockSource {
    /// A table with a column `reader`, and `until` where a block ends.
    Csv,
    /// Koha: an export of `borrowers`.
    Koha,
    /// Evergreen: patron barcodes with their flags, or its off-line block list.
    Evergreen,
}

/// How a list is to be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockImport {
    /// Who wrote it.
    pub from: BlockSource,
    /// When the library system said so; now where that is not known.
    pub as_of: Option<Timestamp>,
    /// What is done with it.
    pub mode: ImportMode,
}

/// What is done with a list that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportMode {
    /// Only say what is understood.
    Check,
    /// Take it, if every line is understood: a line that is not may be a reader who is blocked.
    Whole,
    /// Take what is understood of it.
    Understood,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// What was read.
    pub file: BlockFile,
    /// As of when it is.
    pub as_of: Timestamp,
    /// Whether it is the block list now.
    pub is_taken: bool,
}

/// The block list there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockListState {
    /// How many readers.
    pub readers: u64,
    /// When the library system said so.
    pub as_of: Timestamp,
    /// When it was imported.
    pub imported: Timestamp,
}

impl BlockSource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Koha, Self::Evergreen];

    /// The name on the command line and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Koha => "koha",
            Self::Evergreen => "evergreen",
        }
    }
}

impl fmt::Display for BlockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BlockSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|source| source.as_str() == text)
            .ok_or_else(|| "expected csv, koha or evergreen".to_owned())
    }
}

impl Papers {
    /// The block list there is; none where none was ever imported. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn block_list(&self) -> Result<Option<BlockListState>, PapersError> {
        let head = self.0.store.read(rows::blocked_head)?;
        Ok(head.map(|head| BlockListState {
            readers: head.readers,
            as_of: head.as_of,
            imported: head.imported,
        }))
    }

    /// Reads an exported list, and puts it in the place of the one before where it is to be taken.
    ///
    /// # Errors
    /// Where it is no list at all, or nothing could be written.
    pub async fn import_blocks(
        &self,
        import: BlockImport,
        bytes: Vec<u8>,
        actor: &Actor,
    ) -> Result<Result<Imported, NotAList>, PapersError> {
        let now = self.now();
        let as_of = import.as_of.unwrap_or(now);
        let today = as_of.to_zoned(self.0.zone.clone()).date();
        let papers = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let file = BlockFile::read(import.from, &bytes, today)?;
            let sealed = papers.0.seals.seal_blocked(&file.to_bytes());
            Ok((file, sealed))
        });
        let (file, (kid, sealed)) = match reading.await.map_err(|_| PapersError::Interrupted)? {
            Ok(read) => read,
            Err(not_a_list) => return Ok(Err(not_a_list)),
        };
        let is_taken = match import.mode {
            ImportMode::Check => false,
            ImportMode::Whole => file.problems_total == 0,
            ImportMode::Understood => true,
        };
        if is_taken {
            let head = BlockedHead {
                revision: hex::encode(random_bytes::<16>()),
                as_of,
                imported: now,
                readers: file.readers.len() as u64,
                kid,
            };
            let problems = file.problems_total;
            let put = move |tx: &Transaction<'_>| {
                let before = rows::blocked_head(tx)?.map(|head| told(&head));
                rows::put_blocked(tx, &head, &sealed)?;
                let mut after = told(&head);
                after["from"] = import.from.as_str().into();
                after["problems"] = problems.into();
                Ok(Ok(((), before, Some(after))))
            };
            self.change("loans.blocks", "block list", actor, put)
                .await?;
        }
        Ok(Ok(Imported {
            file,
            as_of,
            is_taken,
        }))
    }
}

/// For the audit: counts and times, no reader.
fn told(head: &BlockedHead) -> Value {
    json!({ "readers": head.readers, "as_of": head.as_of })
}
