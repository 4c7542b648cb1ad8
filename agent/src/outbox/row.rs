//! One fact as it is stored, with the checksum that tells whether it still is what was written.

use lujiang_wire::Stream;
use rusqlite::{Connection, OptionalExtension, params};

use super::database::{integer, number};
use super::{Note, OutboxError};

/// A stored fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) stream: Stream,
    pub(super) sequence: u64,
    /// The event as JSON.
    pub(super) text: String,
    crc: u32,
}

impl Row {
    /// Whether it is what was written.
    pub(super) fn is_whole(&self) -> bool {
        crc_of(self.stream, self.sequence, &self.text) == self.crc
    }
}

pub(super) fn insert(
    connection: &Connection,
    stream: Stream,
    sequence: u64,
    text: &str,
) -> Result<(), OutboxError> {
    connection
        .prepare_cached("INSERT INTO fact (stream, sequence, text, crc) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            stream.as_str(),
            integer(sequence),
            text,
            i64::from(crc_of(stream, sequence, text)),
        ])?;
    Ok(())
}

/// The rows of a stream after this number, in order.
pub(super) fn after(
    connection: &Connection,
    stream: Stream,
    after: u64,
    rows_max: usize,
) -> Result<Vec<Row>, OutboxError> {
    let mut statement = connection.prepare_cached(
        // Read as bytes: a damaged text need not be UTF-8, and must not hide the rows after it.
        "SELECT sequence, CAST(text AS BLOB), crc FROM fact
         WHERE stream = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
    )?;
    let limit = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![stream.as_str(), integer(after), limit], |row| {
        let bytes: Vec<u8> = row.get(1)?;
        Ok(Row {
            stream,
            sequence: number(row.get(0)?),
            text: String::from_utf8_lossy(&bytes).into_owned(),
            // A damaged checksum that does not fit is as wrong as any other.
            crc: u32::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Deletes rows of a stream, both ends included.
pub(super) fn delete(
    connection: &Connection,
    stream: Stream,
    from: u64,
    to: u64,
) -> Result<usize, OutboxError> {
    let deleted = connection
        .prepare_cached("DELETE FROM fact WHERE stream = ?1 AND sequence BETWEEN ?2 AND ?3")?
        .execute(params![stream.as_str(), integer(from), integer(to)])?;
    Ok(deleted)
}

pub(super) fn write_note(connection: &Connection, note: &Note) -> Result<(), OutboxError> {
    connection
        .prepare_cached(
            "INSERT INTO note (name, text, crc) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET text = excluded.text, crc = excluded.crc",
        )?
        .execute(params![
            note.name,
            note.text,
            i64::from(crc32c::crc32c(note.text.as_bytes()))
        ])?;
    Ok(())
}

pub(super) fn read_note(
    connection: &Connection,
    name: &str,
) -> Result<Option<String>, OutboxError> {
    let found: Option<(Vec<u8>, i64)> = connection
        .prepare_cached("SELECT CAST(text AS BLOB), crc FROM note WHERE name = ?1")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((bytes, crc)) = found else {
        return Ok(None);
    };
    let damaged = || OutboxError::Damaged {
        what: format!("the note {name:?}"),
    };
    if i64::from(crc32c::crc32c(&bytes)) != crc {
        return Err(damaged());
    }
    String::from_utf8(bytes).map(Some).map_err(|_| damaged())
}

/// Over what the row is and where it stands: a row in another's place is damaged too.
fn crc_of(stream: Stream, sequence: u64, text: &str) -> u32 {
    let crc = crc32c::crc32c(stream.as_str().as_bytes());
    let crc = crc32c::crc32c_append(crc, &sequence.to_be_bytes());
    crc32c::crc32c_append(crc, text.as_bytes())
}
