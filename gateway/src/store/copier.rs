//! The copier: copies the log into the database beside the writer, so that no commit has to wait
//! for it. A passive checkpoint of SQLite (sqlite.org/wal.html) takes no lock a writer needs.
//!
//! The writer itself still copies what is left once the log is at its bound: then the log begins
//! anew. Nothing depends on the copier; where it fails, the writer does more.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::ledger::LedgerError;
use crate::store::StoreOptions;
use crate::store::writer::open;

/// Between two copies. A page that changed often meanwhile is copied once; and under full load
/// what comes within it is a part of the log's bound.
const COPY_EVERY: Duration = Duration::from_millis(250);

/// The handle on the thread.
pub(crate) struct Copier {
    notice: Arc<Notice>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the copier waits for.
#[derive(Default)]
pub(crate) struct Notice {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    has_committed: bool,
    is_closed: bool,
}

impl Copier {
    /// Starts the thread, with a connection of its own.
    pub(crate) fn start(path: &Path, options: StoreOptions) -> Result<Self, LedgerError> {
        let connection = open(path, options)?;
        let notice = Arc::new(Notice::default());
        let watched = Arc::clone(&notice);
        let thread = std::thread::Builder::new()
            .name("ledger-copier".to_owned())
            .spawn(move || {
                while watched.wait() {
                    if let Err(error) = copy(&connection) {
                        // A full disk, mostly: the writer meets it too, and says so.
                        tracing::debug!(%error, "the log was not copied");
                    }
                }
            })
            .map_err(|error| LedgerError::Database(error.to_string()))?;
        Ok(Self {
            notice,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// To be told of commits.
    pub(crate) fn notice(&self) -> Arc<Notice> {
        Arc::clone(&self.notice)
    }

    /// Ends the thread and joins it.
    pub(crate) fn close(&self) {
        self.notice.lock().is_closed = true;
        self.notice.changed.notify_one();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the ledger's copier panicked");
        }
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.close();
    }
}

impl Notice {
    /// Something was committed; never waits for the copier.
    pub(crate) fn committed(&self) {
        let mut state = self.lock();
        if !state.has_committed {
            state.has_committed = true;
            self.changed.notify_one();
        }
    }

    /// Waits for a commit and then for others to come; says whether to go on.
    fn wait(&self) -> bool {
        let waits = |state: &mut State| !state.has_committed && !state.is_closed;
        let state = self.changed.wait_while(self.lock(), waits);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(state, COPY_EVERY, |state| !state.is_closed);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.has_committed = false;
        !state.is_closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Two marks, each true whatever happened elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Copies as much as no reader of an older state needs, and syncs the database.
fn copy(connection: &Connection) -> Result<(), LedgerError> {
    let sql = "PRAGMA wal_checkpoint(PASSIVE)";
    Ok(connection.query_row(sql, [], |_| Ok(()))?)
}
