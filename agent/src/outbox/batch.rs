//! What is sent next: a batch of one stream, in order, without what the disk has damaged.

use std::collections::BTreeMap;

use lujiang_wire::Stream;

use super::desk::Desk;
use super::{Outbox, OutboxError, Stamp, begin, database, row};

/// Facts of one stream on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Their stream.
    pub stream: Stream,
    /// The number of the first.
    pub from: u64,
    /// The number of the last.
    pub to: u64,
    /// The events as JSON, in order.
    pub events: Vec<String>,
}

impl Outbox {
    /// The next facts to send: of the first stream that has any, in order, within these bounds.
    /// A damaged row is never sent; it is given up by name, in the same transaction.
    ///
    /// # Errors
    /// Where the outbox cannot be read or written.
    pub fn next_batch(
        &self,
        stamp: &Stamp,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Option<Batch>, OutboxError> {
        let mut desk = self.desk();
        let handed = desk.handed.clone();
        let batch = self.batch_after(&mut desk, stamp, &handed, events_max, bytes_max)?;
        if let Some(batch) = &batch {
            desk.handed.insert(batch.stream, batch.to);
        }
        Ok(batch)
    }

    /// The next facts that another may carry: as [`Outbox::next_batch`], of those that are not
    /// settled and come after these numbers.
    ///
    /// # Errors
    /// Where the outbox cannot be read or written.
    pub fn batch_to_carry(
        &self,
        stamp: &Stamp,
        after: &BTreeMap<Stream, u64>,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Option<Batch>, OutboxError> {
        let mut desk = self.desk();
        let marks = database::marks(&desk.connection)?.into_iter();
        let after = marks.map(|(stream, mark)| {
            let handed = after.get(&stream).copied().unwrap_or(0);
            (stream, mark.settled.max(handed))
        });
        self.batch_after(&mut desk, stamp, &after.collect(), events_max, bytes_max)
    }

    fn batch_after(
        &self,
        desk: &mut Desk,
        stamp: &Stamp,
        after: &BTreeMap<Stream, u64>,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Option<Batch>, OutboxError> {
        for stream in Stream::ALL {
            let after = after.get(&stream).copied().unwrap_or(0);
            let rows = row::after(&desk.connection, stream, after, events_max)?;
            let damaged: Vec<u64> = rows
                .iter()
                .filter(|r| !r.is_whole())
                .map(|r| r.sequence)
                .collect();
            if !damaged.is_empty() {
                self.give_up_damaged(desk, stamp, stream, &damaged)?;
            }
            let mut batch = Batch {
                stream,
                from: 0,
                to: 0,
                events: Vec::new(),
            };
            let mut bytes = 2;
            for row in rows.into_iter().filter(row::Row::is_whole) {
                bytes += row.text.len() + 1;
                if bytes > bytes_max && !batch.events.is_empty() {
                    break;
                }
                if batch.events.is_empty() {
                    batch.from = row.sequence;
                }
                batch.to = row.sequence;
                batch.events.push(row.text);
            }
            if batch.events.is_empty() {
                continue;
            }
            // On disk before the wire: what may have been seen is never merged with another.
            database::raise_offered(&desk.connection, stream, batch.to)?;
            return Ok(Some(batch));
        }
        Ok(None)
    }

    pub(super) fn give_up_damaged(
        &self,
        desk: &mut Desk,
        stamp: &Stamp,
        stream: Stream,
        damaged: &[u64],
    ) -> Result<(), OutboxError> {
        let transaction = begin(&mut desk.connection)?;
        for sequence in damaged {
            tracing::error!(%stream, sequence, "a row of the outbox is damaged: given up by name, never sent");
            row::delete(&transaction, stream, *sequence, *sequence)?;
            self.drop_range(
                &transaction,
                stamp,
                stream,
                *sequence,
                *sequence,
                "damaged on disk",
            )?;
        }
        transaction.commit()?;
        Ok(())
    }
}
