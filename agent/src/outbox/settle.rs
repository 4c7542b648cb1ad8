//! What the gateway's receipts do to the rows: settle them, or open them again.

use std::collections::BTreeMap;
use std::time::Duration;

use lujiang_wire::{Receipts, Stream};
use rusqlite::{Connection, Transaction, params};

use super::database::{self, integer, number};
use super::{OutboxError, row};

/// What a receipt changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Whether anything is settled, or open, that was not.
    pub moved: bool,
    /// Streams of which settled facts were opened again, with the number they are settled to now.
    pub reopened: BTreeMap<Stream, u64>,
    /// What the gateway asks for again and is no longer here: stream, first, last.
    pub lost: Vec<(Stream, u64, u64)>,
    /// Streams of which the ledger has more than ever left here: this outbox is an older copy of
    /// itself.
    pub ahead: Vec<Stream>,
}

impl Settlement {
    /// Tells what somebody may have to look into.
    pub(crate) fn tell(&self) {
        for (stream, to) in &self.reopened {
            tracing::warn!(%stream, to, "the gateway has less than it had: sending again");
        }
        for stream in &self.ahead {
            tracing::error!(%stream, "the gateway has more than ever left here: this outbox is an older copy of itself; its numbers go on after what the gateway has");
        }
    }
}

/// Applies receipts of this epoch. A lower number than before, or any number from another ledger,
/// is the truth about that ledger now.
///
/// What never left here is not settled, whatever the number says. Where the ledger has it all the
/// same, this outbox was restored from an older copy, and its numbers were given to other facts
/// before: the rows that never left are sent under them all the same, so that the ledger finds them
/// equal or sets them aside by name, and what is written from now on is numbered after all that
/// the ledger has.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    receipts: &Receipts,
    age: Duration,
) -> Result<Settlement, OutboxError> {
    let mut settlement = Settlement::default();
    let known = database::meta(transaction, "ledger")?;
    if known.as_deref() != Some(receipts.ledger.0.as_str()) {
        database::set_meta(transaction, "ledger", &receipts.ledger.0)?;
        settlement.moved = true;
    }
    for (stream, mark) in database::marks(transaction)? {
        // A stream the receipt does not name has nothing in that ledger.
        let said = receipts.streams.get(&stream).copied().unwrap_or(0);
        let never_left = first_between(transaction, stream, mark.offered, said)?;
        if said > mark.written || never_left.is_some() {
            settlement.ahead.push(stream);
        }
        if said > mark.written {
            database::set_written(transaction, stream, said)?;
            settlement.moved = true;
        }
        let to = never_left.map_or(said, |first| said.min(first - 1));
        if to > mark.settled {
            set_age(transaction, stream, mark.settled, to, Some(age))?;
        } else if to < mark.settled {
            set_age(transaction, stream, to, mark.settled, None)?;
            settlement.reopened.insert(stream, to);
            settlement
                .lost
                .extend(missing(transaction, stream, to, mark.settled)?);
        } else {
            continue;
        }
        database::set_settled(transaction, stream, to)?;
        settlement.moved = true;
    }
    Ok(settlement)
}

/// Deletes facts that were settled when the outbox was younger than this.
pub(super) fn delete_older(
    transaction: &Transaction<'_>,
    before: Duration,
) -> Result<usize, OutboxError> {
    let deleted = transaction
        .prepare_cached("DELETE FROM fact WHERE settled_age_ms < ?1")?
        .execute([millis(before)])?;
    Ok(deleted)
}

/// The planted fault: a PUBACK settles, and nothing is kept.
pub(super) fn delete_through(
    connection: &mut Connection,
    stream: Stream,
    to: u64,
) -> Result<(), OutboxError> {
    let transaction = super::begin(connection)?;
    row::delete(&transaction, stream, 0, to)?;
    database::set_settled(&transaction, stream, to)?;
    transaction.commit()?;
    Ok(())
}

/// Notes when the rows `after < sequence <= to` were settled, or that they are not.
fn set_age(
    transaction: &Transaction<'_>,
    stream: Stream,
    after: u64,
    to: u64,
    age: Option<Duration>,
) -> Result<(), OutboxError> {
    transaction
        .prepare_cached(
            "UPDATE fact SET settled_age_ms = ?4
             WHERE stream = ?1 AND sequence > ?2 AND sequence <= ?3",
        )?
        .execute(params![
            stream.as_str(),
            integer(after),
            integer(to),
            age.map(millis)
        ])?;
    Ok(())
}

/// The first row of `after < sequence <= to`, if there is one.
fn first_between(
    transaction: &Transaction<'_>,
    stream: Stream,
    after: u64,
    to: u64,
) -> Result<Option<u64>, OutboxError> {
    let first: Option<i64> = transaction
        .prepare_cached(
            "SELECT min(sequence) FROM fact
             WHERE stream = ?1 AND sequence > ?2 AND sequence <= ?3",
        )?
        .query_row(
            params![stream.as_str(), integer(after), integer(to)],
            |row| row.get(0),
        )?;
    Ok(first.map(number))
}

/// The numbers of `after < sequence <= to` that have no row, as ranges.
fn missing(
    transaction: &Transaction<'_>,
    stream: Stream,
    after: u64,
    to: u64,
) -> Result<Vec<(Stream, u64, u64)>, OutboxError> {
    let mut statement = transaction.prepare_cached(
        "SELECT sequence FROM fact WHERE stream = ?1 AND sequence > ?2 AND sequence <= ?3
         ORDER BY sequence",
    )?;
    let mut rows = statement.query(params![stream.as_str(), integer(after), integer(to)])?;
    let mut holes = Vec::new();
    let mut next = after + 1;
    while let Some(row) = rows.next()? {
        let sequence = number(row.get(0)?);
        if sequence > next {
            holes.push((stream, next, sequence - 1));
        }
        next = sequence + 1;
    }
    if next <= to {
        holes.push((stream, next, to));
    }
    Ok(holes)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
