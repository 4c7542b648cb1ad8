//! Connections for reading, kept for the next reader.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, OpenFlags};

use crate::ledger::LedgerError;
use crate::store::writer::BUSY_TIMEOUT;

/// Idle connections kept; more are closed after use. Callers bound how many read at once.
const IDLE_MAX: usize = 8;

/// The pool.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Reads within one snapshot.
    pub(crate) fn read<T>(
        &self,
        f: impl FnOnce(&Connection) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_read_only(&self.path)?,
        };
        let result = {
            let snapshot = connection.unchecked_transaction()?;
            f(&snapshot)
        };
        // A connection that read something wrong may have it in its memory: it is closed, and the
        // next one reads from the disk.
        let mut idle = self.lock();
        if result.is_ok() && idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        result
    }

    /// Closes the idle connections.
    pub(crate) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle
            .lock()
            .expect("nobody panics while holding it: only moves happen under this lock")
    }
}

/// Opens a database for reading. The file is opened for writing all the same, because a log left
/// by a killed writer can only be read by who may also make its index.
pub(crate) fn open_read_only(path: &Path) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}
