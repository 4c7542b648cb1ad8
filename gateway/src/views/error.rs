//! Why the views gave no answer: being rebuilt, asked wrongly, or cut off from what they need.

use crate::ledger::LedgerError;

/// Why the views gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// They are being rebuilt from the ledger; ask again later.
    #[error("the views are being rebuilt: {done} of {total} entries")]
    Rebuilding {
        /// Entries folded.
        done: u64,
        /// Entries in the ledger.
        total: u64,
    },
    /// The question cannot be answered as it is put: the asker's fault.
    #[error("{0}")]
    Question(String),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read")]
    Ledger(#[from] LedgerError),
    /// The folder of the views cannot be used.
    #[error("the folder of the views cannot be used: {0}")]
    Folder(String),
}
