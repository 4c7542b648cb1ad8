//! What SQLite says, in the words of the ledger.

use rusqlite::ErrorCode;

use crate::ledger::LedgerError;

impl From<rusqlite::Error> for LedgerError {
    /// A disk that takes no writes (full, failing, read-only) is [`LedgerError::Full`]: nothing
    /// was committed and it is worth trying again. Everything else is a failed database.
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen,
            ) => {
                tracing::debug!(%error, "the disk takes no write");
                Self::Full
            }
            _ => Self::Database(error.to_string()),
        }
    }
}
