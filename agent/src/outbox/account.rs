//! What can be read of an outbox without changing it: what is remembered, how far each stream is,
//! how much waits and since when.

use std::collections::BTreeMap;
use std::path::Path;

use lujiang_wire::{Event, Stream};

use super::row::{self, NotesBelow};
use super::{Outbox, OutboxError, Stamp, database};
use crate::status::StreamDepth;

impl Outbox {
    /// What was last remembered under this name.
    ///
    /// # Errors
    /// Where it cannot be read, or is damaged.
    pub fn note(&self, name: &str) -> Result<Option<String>, OutboxError> {
        row::read_note(&self.desk().connection, name)
    }

    /// All that is remembered under names that begin like this, and the names of what is damaged.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn notes_below(&self, prefix: &str) -> Result<NotesBelow, OutboxError> {
        row::notes_below(&self.desk().connection, prefix)
    }

    /// Per stream, how far it is written, sent and settled.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn depth(&self) -> Result<BTreeMap<Stream, StreamDepth>, OutboxError> {
        let desk = self.desk();
        let mut depths = database::depth(&desk.connection)?;
        for (stream, depth) in &mut depths {
            depth.sent = Some(desk.sent.get(stream).copied().unwrap_or(0));
        }
        Ok(depths)
    }

    /// The last number of a stream that the gateway's receipts cover.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn settled(&self, stream: Stream) -> Result<u64, OutboxError> {
        Ok(database::mark(&self.desk().connection, stream)?.settled)
    }

    /// Per stream that has any, the last number written.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn written(&self) -> Result<BTreeMap<Stream, u64>, OutboxError> {
        let marks = database::marks(&self.desk().connection)?;
        let written = marks
            .into_iter()
            .map(|(stream, mark)| (stream, mark.written));
        Ok(written.filter(|(_, number)| *number > 0).collect())
    }

    /// The first number of a stream that is still here, settled or not; the next to be written
    /// where none is.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn first_kept(&self, stream: Stream) -> Result<u64, OutboxError> {
        let desk = self.desk();
        match row::first(&desk.connection, stream)? {
            Some(first) => Ok(first),
            None => Ok(database::mark(&desk.connection, stream)?.written + 1),
        }
    }

    /// When the oldest fact that is not settled was written; none where all are.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn oldest_waiting(&self) -> Result<Option<Stamp>, OutboxError> {
        let desk = self.desk();
        let mut oldest: Option<Stamp> = None;
        for (stream, mark) in database::marks(&desk.connection)? {
            let rows = row::after(&desk.connection, stream, mark.settled, 1)?;
            let event = rows
                .first()
                .and_then(|row| Event::from_json(&row.text).ok());
            let stamp = event.and_then(|event| {
                Some(Stamp {
                    time: event.time,
                    moment: event.moment?,
                })
            });
            oldest = match (oldest, stamp) {
                (Some(oldest), Some(stamp)) if stamp.time < oldest.time => Some(stamp),
                (oldest, stamp) => oldest.or(stamp),
            };
        }
        Ok(oldest)
    }

    /// The bytes of the file that are in use.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn size(&self) -> Result<u64, OutboxError> {
        database::bytes_used(&self.desk().connection)
    }

    /// Whether everything written has its PUBACK on this connection, or its receipt.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn is_drained(&self) -> Result<bool, OutboxError> {
        let depths = self.depth()?;
        Ok(depths.values().all(|depth| {
            depth.sent.unwrap_or(0).max(depth.settled) >= depth.written || depth.waiting == 0
        }))
    }

    /// Per stream how far an outbox at this path is, read beside the agent that owns it.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub fn peek(path: &Path) -> Result<BTreeMap<Stream, StreamDepth>, OutboxError> {
        database::depth(&database::open_to_read(path)?)
    }
}
