//! The tables, created in one transaction whose last statement says that they are whole.

use lujiang_wire::LedgerId;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::ledger::LedgerError;
use crate::store::registry;
use crate::store::{
    audit, authority, content, drafts, loans, papers, past_stops, people, presence, quarantine,
    rollouts,
};

/// Version of the tables below; another one is not opened, but for those that are moved on.
const VERSION: &str = "8";

/// What each version adds to the one before. A new database takes the same steps, so that there
/// is one way to every version.
const STEPS: [Step; 7] = [
    Step {
        from: "1",
        to: "2",
        sql: &[quarantine::SECOND, people::SECOND, authority::SECOND],
    },
    Step {
        from: "2",
        to: "3",
        sql: &[past_stops::THIRD, papers::THIRD, loans::THIRD],
    },
    Step {
        from: "3",
        to: "4",
        sql: &[content::FOURTH],
    },
    Step {
        from: "4",
        to: "5",
        sql: &[rollouts::FIFTH],
    },
    Step {
        from: "5",
        to: "6",
        sql: &[content::SIXTH],
    },
    Step {
        from: "6",
        to: "7",
        sql: &[drafts::SEVENTH],
    },
    Step {
        from: "7",
        to: "8",
        sql: &[loans::EIGHTH, papers::EIGHTH],
    },
];

/// From one version to the next.
struct Step {
    from: &'static str,
    to: &'static str,
    sql: &'static [&'static str],
}

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

/// Makes the tables where there are none, moves those of an older version on, and checks that
/// they are ours.
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
        begin(&tx)?;
    }
    move_on(&tx)?;
    let ledger = checked(&tx)?;
    tx.commit()?;
    Ok(ledger)
}

/// Version 1, empty.
fn begin(tx: &Connection) -> Result<(), LedgerError> {
    tx.execute_batch("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;")?;
    for sql in [FACTS, registry::TABLES, audit::TABLES, presence::TABLES] {
        tx.execute_batch(sql)?;
    }
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| LedgerError::Database(error.to_string()))?;
    for (key, value) in [
        ("version", "1".to_owned()),
        ("ledger", hex::encode(random)),
        ("opened", "0".to_owned()),
        ("ready", "1".to_owned()),
    ] {
        tx.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, value])?;
    }
    Ok(())
}

/// Takes the steps from the version found to ours; a database without a version is no ledger,
/// and is left as it is.
fn move_on(tx: &Connection) -> Result<(), LedgerError> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'meta'";
    if !tx.prepare(sql)?.exists([])? {
        return Ok(());
    }
    for step in STEPS {
        if found_version(tx)?.as_deref() != Some(step.from) {
            continue;
        }
        for sql in step.sql {
            tx.execute_batch(sql)?;
        }
        let sql = "UPDATE meta SET value = ?1 WHERE key = 'version'";
        tx.execute(sql, [step.to])?;
    }
    Ok(())
}

fn found_version(connection: &Connection) -> Result<Option<String>, LedgerError> {
    let sql = "SELECT value FROM meta WHERE key = 'version'";
    let version = connection.query_row(sql, [], |row| row.get(0));
    Ok(version.optional()?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_of_version_1_is_moved_on_with_what_it_holds() {
        let mut connection = Connection::open_in_memory().unwrap();
        begin(&connection).unwrap();
        connection
            .execute_batch(
                "INSERT INTO quarantine VALUES
                     (1, 'gate-1', 0, NULL, 'not-readable', '', '', '', 3, x'00', x'01')",
            )
            .unwrap();
        let name: String = connection
            .query_row("SELECT value FROM meta WHERE key = 'ledger'", [], |row| {
                row.get(0)
            })
            .unwrap();

        for _ in 0..2 {
            assert_eq!(prepare(&mut connection).unwrap(), LedgerId(name.clone()));
        }

        let state: String = connection
            .query_row("SELECT state FROM quarantine", [], |row| row.get(0))
            .unwrap();
        assert_eq!(state, "open");
    }

    #[test]
    fn a_ledger_of_another_version_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        prepare(&mut connection).unwrap();
        connection
            .execute("UPDATE meta SET value = '9' WHERE key = 'version'", [])
            .unwrap();

        let refused = prepare(&mut connection).unwrap_err().to_string();

        assert!(refused.contains("version 9, expected 8"), "{refused}");
    }
}
