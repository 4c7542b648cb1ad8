//! The rows of the repository of releases: its metadata as it is served, what the notices say,
//! and when each release was published. Each function is one statement; the audit record is the
//! caller's business.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lujiang_wire::BlobHash;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::registry::timestamp;
use crate::ledger::LedgerError;

/// What version 4 of the tables adds. Times are microseconds since 1970.
pub(crate) const FOURTH: &str = "
CREATE TABLE content_file (
    name  TEXT PRIMARY KEY,      -- of the metadata: 3.targets.json
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE content_said (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    notices TEXT NOT NULL,       -- the document, JSON
    images  TEXT NOT NULL        -- sizes by SHA-256, JSON
) STRICT;
CREATE TABLE content_release (
    name      TEXT PRIMARY KEY,
    published INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    titles    INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,  -- of its files and covers
    withdrawn INTEGER            -- since when it is no target any more
) STRICT, WITHOUT ROWID;
CREATE TABLE content_unnamed (
    blob  TEXT PRIMARY KEY,      -- that no target names
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What version 6 of the tables adds.
pub(crate) const SIXTH: &str = "
CREATE TABLE content_told (
    subject  TEXT PRIMARY KEY,   -- hidden:urn:isbn:…, of what is hidden now
    revision INTEGER NOT NULL    -- the first that says so
) STRICT, WITHOUT ROWID;
";

/// When a release was published, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReleaseRow {
    pub(crate) name: String,
    pub(crate) published: Timestamp,
    pub(crate) actor: String,
    pub(crate) titles: u64,
    pub(crate) bytes: u64,
    pub(crate) withdrawn: Option<Timestamp>,
}

/// All metadata that is served.
pub(crate) fn files(connection: &Connection) -> Result<BTreeMap<String, Vec<u8>>, LedgerError> {
    let mut statement = connection.prepare_cached("SELECT name, bytes FROM content_file")?;
    let mut rows = statement.query([])?;
    let mut files = BTreeMap::new();
    while let Some(row) = rows.next()? {
        files.insert(row.get(0)?, row.get(1)?);
    }
    Ok(files)
}

/// Puts a file of metadata there, or another in its place.
pub(crate) fn put_file(
    connection: &Connection,
    name: &str,
    bytes: &[u8],
) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO content_file (name, bytes) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes",
        params![name, bytes],
    )?;
    Ok(())
}

/// Takes a file of metadata away.
pub(crate) fn remove_file(connection: &Connection, name: &str) -> Result<(), LedgerError> {
    connection.execute("DELETE FROM content_file WHERE name = ?1", [name])?;
    Ok(())
}

/// What the notices say, and the sizes of their images.
pub(crate) fn said(connection: &Connection) -> Result<Option<(String, String)>, LedgerError> {
    let sql = "SELECT notices, images FROM content_said";
    let said = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    Ok(said.optional()?)
}

/// Puts what is said in the place of what was.
pub(crate) fn put_said(
    connection: &Connection,
    notices: &str,
    images: &str,
) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO content_said (one, notices, images) VALUES (1, ?1, ?2)
         ON CONFLICT (one) DO UPDATE SET notices = excluded.notices, images = excluded.images",
        params![notices, images],
    )?;
    Ok(())
}

/// The first revision that says each of these.
pub(crate) fn told(connection: &Connection) -> Result<BTreeMap<String, u64>, LedgerError> {
    let mut statement = connection.prepare_cached("SELECT subject, revision FROM content_told")?;
    let mut rows = statement.query([])?;
    let mut told = BTreeMap::new();
    while let Some(row) = rows.next()? {
        told.insert(row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs());
    }
    Ok(told)
}

/// What is said from this revision on; what is said no more is forgotten.
pub(crate) fn put_told(
    connection: &Connection,
    said: &[String],
    changed: &str,
    revision: u64,
) -> Result<(), LedgerError> {
    let gone = told(connection)?.into_keys();
    for subject in gone.filter(|it| !said.contains(it)) {
        let sql = "DELETE FROM content_told WHERE subject = ?1";
        connection.execute(sql, [subject])?;
    }
    if said.iter().any(|it| it == changed) {
        connection.execute(
            "INSERT INTO content_told (subject, revision) VALUES (?1, ?2)
             ON CONFLICT (subject) DO UPDATE SET revision = excluded.revision",
            params![changed, super::rows::signed(revision)],
        )?;
    }
    Ok(())
}

/// All releases there ever were, the latest name first.
pub(crate) fn releases(connection: &Connection) -> Result<Vec<ReleaseRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, published, actor, titles, bytes, withdrawn FROM content_release
         ORDER BY name DESC",
    )?;
    let mut rows = statement.query([])?;
    let mut releases = Vec::new();
    while let Some(row) = rows.next()? {
        let withdrawn: Option<i64> = row.get(5)?;
        releases.push(ReleaseRow {
            name: row.get(0)?,
            published: timestamp(row.get(1)?)?,
            actor: row.get(2)?,
            titles: row.get::<_, i64>(3)?.unsigned_abs(),
            bytes: row.get::<_, i64>(4)?.unsigned_abs(),
            withdrawn: withdrawn.map(timestamp).transpose()?,
        });
    }
    Ok(releases)
}

/// Since when each blob is named by no target.
pub(crate) fn unnamed(
    connection: &Connection,
) -> Result<BTreeMap<BlobHash, Timestamp>, LedgerError> {
    let mut statement = connection.prepare_cached("SELECT blob, since FROM content_unnamed")?;
    let mut rows = statement.query([])?;
    let mut unnamed = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let blob: String = row.get(0)?;
        let blob = blob.parse();
        let blob = blob.map_err(|_| LedgerError::Database("a blob has no name".to_owned()))?;
        unnamed.insert(blob, timestamp(row.get(1)?)?);
    }
    Ok(unnamed)
}

/// A blob is named by no target from now on.
pub(crate) fn put_unnamed(
    connection: &Connection,
    blob: &BlobHash,
    since: Timestamp,
) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO content_unnamed (blob, since) VALUES (?1, ?2) ON CONFLICT (blob) DO NOTHING",
        params![blob.to_string(), since.as_microsecond()],
    )?;
    Ok(())
}

/// A blob is named again, or gone.
pub(crate) fn remove_unnamed(connection: &Connection, blob: &BlobHash) -> Result<(), LedgerError> {
    let sql = "DELETE FROM content_unnamed WHERE blob = ?1";
    connection.execute(sql, [blob.to_string()])?;
    Ok(())
}

/// A release is published, or published anew under its name.
pub(crate) fn put_release(connection: &Connection, row: &ReleaseRow) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO content_release (name, published, actor, titles, bytes, withdrawn)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (name) DO UPDATE SET
             published = excluded.published, actor = excluded.actor, titles = excluded.titles,
             bytes = excluded.bytes, withdrawn = excluded.withdrawn",
        params![
            row.name,
            row.published.as_microsecond(),
            row.actor,
            super::rows::signed(row.titles),
            super::rows::signed(row.bytes),
            row.withdrawn.map(Timestamp::as_microsecond),
        ],
    )?;
    Ok(())
}
