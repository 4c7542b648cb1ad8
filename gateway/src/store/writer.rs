//! The writer: the only thread that changes the database. It takes one job at a time, each a
//! transaction, and recovers in place from a disk that took no writes.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use lujiang_wire::LedgerId;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use crate::ledger::{Head, LedgerError};
use crate::store::{StoreOptions, Synchronous, rows, schema};

/// Jobs waiting for the thread; more wait at the door of the queue. Facts come as one job a
/// group, so this is decisions of people mostly.
const QUEUE_MAX: usize = 64;

/// How long a connection waits for a lock of another; only a second program has one.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The log is cut to this size in bytes once it has been copied into the database.
const LOG_SIZE_LIMIT: i64 = 64 * 1024 * 1024;

/// Memory for the writer's pages, in KiB: the ends of some thousand devices' ids stay in it.
const CACHE_KIB: i64 = 16 * 1024;

/// Prepared statements kept; all of intake's and some of the registry's.
const STATEMENTS_MAX: usize = 64;

type Job = Box<dyn FnOnce(&mut Writing) + Send>;

/// The handle on the writer thread.
pub(crate) struct Writer {
    /// None once closed.
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A started writer and what it found.
pub(crate) struct Opened {
    pub(crate) writer: Writer,
    pub(crate) ledger: LedgerId,
    pub(crate) head: watch::Receiver<Head>,
}

/// What the thread owns.
struct Writing {
    path: PathBuf,
    options: StoreOptions,
    connection: Connection,
    /// The last commit failed for want of disk; the next job opens the database anew.
    is_failing: bool,
    head: watch::Sender<Head>,
}

impl Writer {
    /// Opens the database and starts the thread.
    pub(crate) fn start(path: &Path, options: StoreOptions) -> Result<Opened, LedgerError> {
        let mut connection = open(path, options)?;
        let ledger = schema::prepare(&mut connection)?;
        write_once(&mut connection)?;
        sync_parent(path)?;
        let (head_sender, head) = watch::channel(rows::head(&connection)?);
        let (sender, mut jobs) = mpsc::channel::<Job>(QUEUE_MAX);
        let mut writing = Writing {
            path: path.to_owned(),
            options,
            connection,
            is_failing: false,
            head: head_sender,
        };
        let thread = std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || {
                while let Some(job) = jobs.blocking_recv() {
                    job(&mut writing);
                }
            })
            .map_err(|error| LedgerError::Database(error.to_string()))?;
        let writer = Self {
            queue: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        };
        Ok(Opened {
            writer,
            ledger,
            head,
        })
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (job, answer) = job(f);
        self.sender()?.send(job).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    pub(crate) fn run_blocking<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (job, answer) = job(f);
        self.sender()?.blocking_send(job).map_err(|_| closed())?;
        answer.blocking_recv().map_err(|_| closed())?
    }

    /// Copies the log into the database and leaves nothing in it; says whether that could be, now:
    /// whoever reads an older state needs it. Waits for nobody, so that facts do not either.
    pub(crate) async fn empty_log(&self) -> Result<bool, LedgerError> {
        let (sender, answer) = oneshot::channel();
        let job = move |writing: &mut Writing| {
            // Whoever asked may have gone; nothing is lost by it.
            let _ = sender.send(empty_log(&writing.connection));
        };
        let sent = self.sender()?.send(Box::new(job)).await;
        sent.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }

    /// Lets the thread finish what is queued, and joins it.
    pub(crate) fn close(&self) {
        lock(&self.queue).take();
        let thread = lock(&self.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the ledger writer panicked");
        }
    }

    fn sender(&self) -> Result<mpsc::Sender<Job>, LedgerError> {
        lock(&self.queue).clone().ok_or_else(closed)
    }
}

impl Writing {
    /// One transaction: all of it on disk, or nothing of it.
    fn transact<T>(
        &mut self,
        f: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if self.is_failing {
            self.recover()?;
        }
        let result = commit(&mut self.connection, f);
        match &result {
            Ok(_) => {
                let head = rows::head(&self.connection)?;
                self.head.send_if_modified(|known| {
                    let moved = *known != head;
                    *known = head;
                    moved
                });
            }
            Err(LedgerError::Full) => self.is_failing = true,
            Err(LedgerError::Database(_) | LedgerError::Damaged { .. }) => {}
        }
        result
    }

    /// Opens the database anew, copies the log into it, and writes to the disk once. After a
    /// failed sync the kernel may call pages of the log clean that never reached the disk, and
    /// syncing them again does nothing: a repeat of what stands in them must not be acknowledged
    /// by their word. Copied into the database they are new pages, which a sync does write.
    fn recover(&mut self) -> Result<(), LedgerError> {
        let mut connection = open(&self.path, self.options)?;
        schema::checked(&connection)?;
        copy_log(&connection)?;
        write_once(&mut connection)?;
        self.connection = connection;
        self.is_failing = false;
        Ok(())
    }
}

fn commit<T>(
    connection: &mut Connection,
    f: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = f(&tx)?;
    tx.commit()?;
    Ok(value)
}

fn job<T: Send + 'static>(
    f: impl FnOnce(&Transaction<'_>) -> Result<T, LedgerError> + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, LedgerError>>) {
    let (sender, receiver) = oneshot::channel();
    let job = move |writing: &mut Writing| {
        let result = writing.transact(f);
        // Whoever asked may have gone; the decision stands all the same.
        let _ = sender.send(result);
    };
    (Box::new(job), receiver)
}

/// Opens the database for writing: WAL, checked; synced as the options say; deleted content
/// overwritten.
fn open(path: &Path, options: StoreOptions) -> Result<Connection, LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let found = format!("journal_mode answers {mode:?}, expected \"wal\"");
        return Err(LedgerError::Database(found));
    }
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Off => "OFF",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "journal_size_limit", LOG_SIZE_LIMIT)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// One real, synced write. What a killed writer left in the log may have reached only the
/// kernel: without this, a repeat of it would be acknowledged with no sync at all.
fn write_once(connection: &mut Connection) -> Result<(), LedgerError> {
    commit(connection, bump)
}

/// Copies the whole log into the database and syncs that (a checkpoint; sqlite.org/wal.html).
fn copy_log(connection: &Connection) -> Result<(), LedgerError> {
    let counts = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (busy, frames, copied): (i64, i64, i64) =
        connection.query_row("PRAGMA wal_checkpoint(FULL)", [], counts)?;
    // Someone reads an older state: as a full disk it is tried again in a moment.
    match busy == 0 && frames == copied {
        true => Ok(()),
        false => Err(LedgerError::Full),
    }
}

/// As [`copy_log`], and cuts the log to nothing.
fn empty_log(connection: &Connection) -> Result<bool, LedgerError> {
    connection.busy_timeout(Duration::ZERO)?;
    let busy: Result<i64, _> =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(busy? == 0)
}

/// Counts up how often the store was opened or tried: a change that reaches the disk.
pub(crate) fn bump(tx: &Transaction<'_>) -> Result<(), LedgerError> {
    tx.execute(
        "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE key = 'opened'",
        [],
    )?;
    Ok(())
}

/// Syncs the folder, so that the files themselves are there after a power cut.
fn sync_parent(path: &Path) -> Result<(), LedgerError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| LedgerError::Database(format!("{}: {error}", folder.display())))
}

fn closed() -> LedgerError {
    LedgerError::Database("the store is closed".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("nobody panics while holding it: only moves happen under this lock")
}
