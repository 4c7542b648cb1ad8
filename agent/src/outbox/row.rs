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

/// The first number of a stream that has a row.
pub(super) fn first(connection: &Connection, stream: Stream) -> Result<Option<u64>, OutboxError> {
    let first: Option<i64> = connection
        .prepare_cached("SELECT min(sequence) FROM fact WHERE stream = ?1")?
        .query_row([stream.as_str()], |row| row.get(0))?;
    Ok(first.map(number))
}

pub(super) fn write_notes(connection: &Connection, notes: &[Note]) -> Result<(), OutboxError> {
    for note in notes {
        match &note.text {
            Some(text) => write_note(connection, &note.name, text)?,
            None => {
                connection
                    .prepare_cached("DELETE FROM note WHERE name = ?1")?
                    .execute([&note.name])?;
            }
        }
    }
    Ok(())
}

fn write_note(connection: &Connection, name: &str, text: &str) -> Result<(), OutboxError> {
    connection
        .prepare_cached(
            "INSERT INTO note (name, text, crc) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET text = excluded.text, crc = excluded.crc",
        )?
        .execute(params![
            name,
            text,
            i64::from(crc32c::crc32c(text.as_bytes()))
        ])?;
    Ok(())
}

/// What is remembered under names of one beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotesBelow {
    /// What follows that beginning, and what is remembered.
    pub notes: Vec<(String, String)>,
    /// The same of notes the disk has damaged.
    pub damaged: Vec<String>,
}

pub(super) fn notes_below(
    connection: &Connection,
    prefix: &str,
) -> Result<NotesBelow, OutboxError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, CAST(text AS BLOB), crc FROM note WHERE substr(name, 1, ?2) = ?1
         ORDER BY name",
    )?;
    let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![prefix, length])?;
    let mut found = NotesBelow::default();
    while let Some(row) = rows.next()? {
        let (name, bytes, crc): (String, Vec<u8>, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let name = name.strip_prefix(prefix).unwrap_or(&name).to_owned();
        match whole_text(bytes, crc) {
            Some(text) => found.notes.push((name, text)),
            None => found.damaged.push(name),
        }
    }
    Ok(found)
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
    let text = whole_text(bytes, crc).ok_or_else(|| OutboxError::Damaged {
        what: format!("the note {name:?}"),
    })?;
    Ok(Some(text))
}

/// The text of a note, if it is what was written.
fn whole_text(bytes: Vec<u8>, crc: i64) -> Option<String> {
    (i64::from(crc32c::crc32c(&bytes)) == crc).then_some(())?;
    String::from_utf8(bytes).ok()
}

/// Over what the row is and where it stands: a row in another's place is damaged too.
fn crc_of(stream: Stream, sequence: u64, text: &str) -> u32 {
    let crc = crc32c::crc32c(stream.as_str().as_bytes());
    let crc = crc32c::crc32c_append(crc, &sequence.to_be_bytes());
    crc32c::crc32c_append(crc, text.as_bytes())
}
