//! The tables, created in one transaction whose last statement says that they are whole.

use lujiang_wire::LedgerId;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::ledger::LedgerError;
use crate::store::{audit, presence, registry};

/// Version of the tables below; another one is not opened.
const VERSION: &str = "1";

/// Times are microseconds since 1970-01-01T00:00:00Z.
const FACTS: &str = "
CREATE TABLE fact (
    number     INTEGER PRIMARY KEY,
    device     TEXT NOT NULL,
    received   INTEGER NOT NULL,
    epoch      TEXT,
    stream     TEXT,
    sequence   INTEGER,
    verdict    TEXT NOT NULL,
    body       TEXT,
    correction INTEGER,
    quality    TEXT,
    digest     BLOB NOT NULL,
    crc        INTEGER NOT NULL
) STRICT;
CREATE INDEX fact_place ON fact (device, epoch, stream, sequence) WHERE sequence IS NOT NULL;

-- Ids that do not follow from a place: those of plain devices. Ids of agents are their places.
CREATE TABLE seen (
    device TEXT NOT NULL,
    id     TEXT NOT NULL,
    digest BLOB NOT NULL,
    entry  INTEGER NOT NULL,
    PRIMARY KEY (device, id)
) STRICT, WITHOUT ROWID;

-- One row for each stream of each life of an outbox, kept for ever: entries stand there, or were
-- given up, without a hole up to `through`; `last` is the newest entry of the stream.
CREATE TABLE settled (
    device  TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    stream  TEXT NOT NULL,
    through INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, stream)
) STRICT, WITHOUT ROWID;

-- Ranges an outbox gave up, both ends included, and the entry that says so.
CREATE TABLE given_up (
    device  TEXT NOT NULL,
    epoch   TEXT NOT NULL,
    stream  TEXT NOT NULL,
    first   INTEGER NOT NULL,
    through INTEGER NOT NULL,
    entry   INTEGER NOT NULL,
    PRIMARY KEY (device, epoch, stream, first, entry)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    number      INTEGER PRIMARY KEY,
    device      TEXT NOT NULL,
    received    INTEGER NOT NULL,
    event_type  TEXT,
    reason      TEXT NOT NULL,
    error_place TEXT NOT NULL,
    expected    TEXT NOT NULL,
    excerpt     TEXT NOT NULL,
    bytes       INTEGER NOT NULL,
    digest      BLOB NOT NULL,
    sealed      BLOB NOT NULL,
    UNIQUE (device, digest)
) STRICT;
CREATE INDEX quarantine_device ON quarantine (device, number, bytes);

CREATE TABLE person (
    fact      INTEGER PRIMARY KEY,
    sealed    TEXT,
    kid       TEXT NOT NULL,
    pseudonym BLOB
) STRICT;

-- The newest measurement of each boot; `ordinal` counts the boots of a device.
CREATE TABLE clock (
    device   TEXT NOT NULL,
    boot     TEXT NOT NULL,
    ordinal  INTEGER NOT NULL,
    uptime   INTEGER NOT NULL,
    time     INTEGER NOT NULL,
    error_ms INTEGER NOT NULL,
    PRIMARY KEY (device, boot)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables where there are none, and checks that they are ours.
///
/// A database without its `ready` row was never finished, so nothing of it was ever
/// acknowledged; the making is one transaction, so such a database has no table at all.
///
/// # Errors
/// Where the file is another's, or of another version.
pub(crate) fn prepare(connection: &mut Connection) -> Result<LedgerId, LedgerError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        tx.execute_batch("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;")?;
        for sql in [FACTS, registry::TABLES, audit::TABLES, presence::TABLES] {
            tx.execute_batch(sql)?;
        }
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).map_err(|error| LedgerError::Database(error.to_string()))?;
        for (key, value) in [
            ("version", VERSION.to_owned()),
            ("ledger", hex::encode(random)),
            ("opened", "0".to_owned()),
            ("ready", "1".to_owned()),
        ] {
            tx.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, value])?;
        }
    }
    let ledger = checked(&tx)?;
    tx.commit()?;
    Ok(ledger)
}

/// Reads the name of the ledger from a database that is whole and of our version.
pub(crate) fn checked(connection: &Connection) -> Result<LedgerId, LedgerError> {
    let meta = |key: &str| -> Result<String, LedgerError> {
        connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()?
            .ok_or_else(|| LedgerError::Database(format!("no ledger: it has no {key:?}")))
    };
    meta("ready")?;
    let version = meta("version")?;
    if version != VERSION {
        let found = format!("a ledger of version {version}, expected {VERSION}");
        return Err(LedgerError::Database(found));
    }
    meta("ledger").map(LedgerId)
}
