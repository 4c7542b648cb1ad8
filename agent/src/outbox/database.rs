//! The file of an outbox: making, opening, and the marks that stand beside its rows.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lujiang_wire::{DeviceId, Epoch, Stream};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{OutboxError, Synchronous};
use crate::status::StreamDepth;

/// The form of the file; another form is another number.
const FORMAT: &str = "1";

/// Longest wait for a reader beside us (`status`) to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE stream (
        name TEXT PRIMARY KEY,
        written INTEGER NOT NULL,
        offered INTEGER NOT NULL,
        settled INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE fact (
        stream TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        text TEXT NOT NULL,
        crc INTEGER NOT NULL,
        settled_age_ms INTEGER,
        PRIMARY KEY (stream, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE note (name TEXT PRIMARY KEY, text TEXT NOT NULL, crc INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
";

/// A database ready for use.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) epoch: Epoch,
    pub(super) age: Duration,
}

/// How far a stream is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Last number written.
    pub(super) written: u64,
    /// Last number that may have been on a wire.
    pub(super) offered: u64,
    /// Last number the receipts cover.
    pub(super) settled: u64,
}

/// Opens the database, or makes it; returns after one synced write.
pub(super) fn open(
    path: &Path,
    device: &DeviceId,
    synchronous: Synchronous,
) -> Result<Opened, OutboxError> {
    let mut connection = connect(path, synchronous)?;
    if !is_ready(&connection)? {
        // Without its last word it was never finished, and nothing was ever promised from it.
        drop(connection);
        discard(path)?;
        connection = connect(path, synchronous)?;
        make(&mut connection, device)?;
        sync_folder(path)?;
    }
    let belongs = required(&connection, "device")?;
    if belongs != device.as_str() {
        return Err(OutboxError::OtherDevice {
            path: path.to_owned(),
            found: belongs,
            expected: device.to_string(),
        });
    }
    let format = required(&connection, "format")?;
    if format != FORMAT {
        return Err(OutboxError::Format {
            path: path.to_owned(),
            found: format,
            expected: FORMAT,
        });
    }
    let damaged = |what: &str| OutboxError::Damaged {
        what: what.to_owned(),
    };
    let epoch = required(&connection, "epoch")?
        .parse()
        .map_err(|_| damaged("the epoch"))?;
    let age_ms: u64 = required(&connection, "age_ms")?
        .parse()
        .map_err(|_| damaged("the age"))?;
    // One synced write before anything is shown: a row read back after a crash may not be on
    // the disk yet, and showing it would promise it.
    connection.execute(
        "UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = 'opened'",
        [],
    )?;
    Ok(Opened {
        connection,
        epoch,
        age: Duration::from_millis(age_ms),
    })
}

/// Opens a database to look at it only.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, OutboxError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// The marks of every stream.
pub(super) fn marks(connection: &Connection) -> Result<BTreeMap<Stream, Mark>, OutboxError> {
    Stream::ALL
        .into_iter()
        .map(|stream| Ok((stream, mark(connection, stream)?)))
        .collect()
}

/// The marks of one stream.
pub(super) fn mark(connection: &Connection, stream: Stream) -> Result<Mark, OutboxError> {
    let found = connection
        .prepare_cached("SELECT written, offered, settled FROM stream WHERE name = ?1")?
        .query_row([stream.as_str()], |row| {
            Ok(Mark {
                written: number(row.get(0)?),
                offered: number(row.get(1)?),
                settled: number(row.get(2)?),
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

pub(super) fn set_written(
    connection: &Connection,
    stream: Stream,
    to: u64,
) -> Result<(), OutboxError> {
    connection
        .prepare_cached(
            "INSERT INTO stream (name, written, offered, settled) VALUES (?1, ?2, 0, 0)
             ON CONFLICT (name) DO UPDATE SET written = excluded.written",
        )?
        .execute(params![stream.as_str(), integer(to)])?;
    Ok(())
}

/// Notes that facts up to this number may have been seen; does nothing where that is known.
pub(super) fn raise_offered(
    connection: &Connection,
    stream: Stream,
    to: u64,
) -> Result<(), OutboxError> {
    connection
        .prepare_cached("UPDATE stream SET offered = ?2 WHERE name = ?1 AND offered < ?2")?
        .execute(params![stream.as_str(), integer(to)])?;
    Ok(())
}

pub(super) fn set_settled(
    connection: &Connection,
    stream: Stream,
    to: u64,
) -> Result<(), OutboxError> {
    connection
        .prepare_cached("UPDATE stream SET settled = ?2 WHERE name = ?1")?
        .execute(params![stream.as_str(), integer(to)])?;
    Ok(())
}

/// Per stream that was ever used, how far it is and how many facts wait.
pub(super) fn depth(connection: &Connection) -> Result<BTreeMap<Stream, StreamDepth>, OutboxError> {
    let mut depths = BTreeMap::new();
    for (stream, mark) in marks(connection)? {
        if mark.written == 0 {
            continue;
        }
        let waiting: i64 = connection
            .prepare_cached("SELECT count(*) FROM fact WHERE stream = ?1 AND sequence > ?2")?
            .query_row(params![stream.as_str(), integer(mark.settled)], |row| {
                row.get(0)
            })?;
        let depth = StreamDepth {
            written: mark.written,
            sent: None,
            settled: mark.settled,
            waiting: number(waiting),
        };
        depths.insert(stream, depth);
    }
    Ok(depths)
}

pub(super) fn meta(connection: &Connection, name: &str) -> Result<Option<String>, OutboxError> {
    let value = connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(value)
}

pub(super) fn set_meta(
    connection: &Connection,
    name: &str,
    value: &str,
) -> Result<(), OutboxError> {
    connection
        .prepare_cached(
            "INSERT INTO meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute([name, value])?;
    Ok(())
}

pub(super) fn write_age(connection: &Connection, age: Duration) -> Result<(), OutboxError> {
    set_meta(connection, "age_ms", &age.as_millis().to_string())
}

/// The bytes of the file that hold something.
pub(super) fn bytes_used(connection: &Connection) -> Result<u64, OutboxError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")? - pragma("freelist_count")?;
    Ok(number(pages * pragma("page_size")?))
}

pub(super) fn checkpoint(connection: &Connection) -> Result<(), OutboxError> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// A number of ours as the database holds it; ours never pass `i64::MAX` (see `Sequence`).
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number of the database as ours; a negative one was never written.
pub(super) fn number(integer: i64) -> u64 {
    u64::try_from(integer).unwrap_or(0)
}

fn connect(path: &Path, synchronous: Synchronous) -> Result<Connection, OutboxError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    let journal: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    answers("journal_mode", &journal, "wal")?;
    let (word, level) = match synchronous {
        Synchronous::Full => ("FULL", "2"),
        Synchronous::Off => ("OFF", "0"),
    };
    connection.pragma_update(None, "synchronous", word)?;
    // What goes is overwritten: also of marks of readers nothing is left on free pages.
    connection.pragma_update(None, "secure_delete", "ON")?;
    let found: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    answers("synchronous", &found.to_string(), level)?;
    Ok(connection)
}

fn answers(pragma: &'static str, found: &str, expected: &'static str) -> Result<(), OutboxError> {
    if found == expected {
        return Ok(());
    }
    Err(OutboxError::Pragma {
        pragma,
        found: found.to_owned(),
        expected,
    })
}

fn is_ready(connection: &Connection) -> Result<bool, OutboxError> {
    let tables: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'",
        [],
        |row| row.get(0),
    )?;
    Ok(tables == 1 && meta(connection, "ready")?.is_some())
}

/// Makes the tables and a new epoch; READY is written last, in a commit of its own.
fn make(connection: &mut Connection, device: &DeviceId) -> Result<(), OutboxError> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits).map_err(|error| OutboxError::File {
        path: PathBuf::from("the system's random source"),
        source: std::io::Error::other(error.to_string()),
    })?;
    let epoch = Epoch::from_bits(u128::from_be_bytes(bits));
    let transaction = super::begin(connection)?;
    transaction.execute_batch(SCHEMA)?;
    let values = [
        ("format", FORMAT),
        ("device", device.as_str()),
        ("epoch", epoch.as_str()),
        ("age_ms", "0"),
        ("opened", "0"),
    ];
    for (name, value) in values {
        set_meta(&transaction, name, value)?;
    }
    transaction.commit()?;
    set_meta(connection, "ready", "1")
}

fn required(connection: &Connection, name: &str) -> Result<String, OutboxError> {
    meta(connection, name)?.ok_or_else(|| OutboxError::Damaged {
        what: format!("the entry {name:?}"),
    })
}

fn discard(path: &Path) -> Result<(), OutboxError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(OutboxError::File {
                    path: name.into(),
                    source,
                });
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn sync_folder(path: &Path) -> Result<(), OutboxError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| OutboxError::File {
            path: folder.to_owned(),
            source,
        })
}
