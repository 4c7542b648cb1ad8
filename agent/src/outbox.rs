//! The outbox: facts on this device's disk until the gateway's ledger has them, and then some.
//!
//! A fact is *written* (on disk before anybody sees it), *sent* (its PUBACK came on this
//! connection) and *settled* (the gateway's receipt covers it). Settled facts are kept for a
//! while: a receipt lower than an earlier one, or of another ledger, means a gateway restored
//! from an older copy, and opens them again. The outbox belongs to one device and one epoch; it
//! knows nothing of MQTT, and its callers know nothing of SQLite.

mod account;
mod batch;
mod database;
mod desk;
mod error;
mod options;
mod room;
mod row;
mod settle;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use lujiang_config::OutboxSection;
use lujiang_wire::{
    Clock, DeviceId, Epoch, Event, Fact, Moment, OutboxDropped, Place, Receipts, Sequence, Stream,
    Uptime,
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::watch;

pub use batch::Batch;
use desk::{Desk, Position};
pub use error::OutboxError;
pub use options::{Notes, OutboxOptions, Settle, Synchronous};
use room::Room;
pub use row::NotesBelow;
pub use settle::Settlement;

/// When something is written: the wall clock, and the clock nobody can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The wall clock.
    pub time: Timestamp,
    /// Boot and uptime.
    pub moment: Moment,
}

impl Stamp {
    /// This moment by these clocks.
    #[must_use]
    pub fn now(clock: &dyn Clock) -> Self {
        Self {
            time: clock.wall(),
            moment: Moment {
                boot: clock.boot(),
                uptime: clock.uptime(),
            },
        }
    }

    /// How long ago it was: within one boot by the clock nobody can set.
    #[must_use]
    pub fn age(&self, clock: &dyn Clock) -> Duration {
        if self.moment.boot == clock.boot() {
            let now = clock.uptime().as_duration();
            return now.saturating_sub(self.moment.uptime.as_duration());
        }
        let age = clock.wall().duration_since(self.time);
        Duration::try_from(age).unwrap_or_default()
    }
}

/// What a driver remembers between runs, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whose it is.
    pub name: Cow<'static, str>,
    /// What it remembers; nothing any more where there is none.
    pub text: Option<String>,
}

/// A handle on the outbox of one device. Its calls wait for the disk: from a task they go
/// through [`Outbox::with`].
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    device: DeviceId,
    epoch: Epoch,
    keep: Duration,
    size_max: u64,
    options: OutboxOptions,
    desk: Mutex<Desk>,
    /// Moves whenever there is something new to send.
    changes: watch::Sender<u64>,
}

impl Outbox {
    /// Opens the outbox at this path, or makes it. One synced write is done before it is
    /// returned, so that nothing is shown that could still be lost.
    ///
    /// # Errors
    /// Where it belongs to another device, cannot be opened, or does not promise durability.
    pub fn open(
        path: &Path,
        device: &DeviceId,
        section: &OutboxSection,
        options: OutboxOptions,
    ) -> Result<Self, OutboxError> {
        let opened = database::open(path, device, options.synchronous)?;
        let settled = database::marks(&opened.connection)?
            .into_iter()
            .map(|(stream, mark)| (stream, mark.settled))
            .collect::<BTreeMap<_, _>>();
        let (changes, _) = watch::channel(0);
        Ok(Self {
            shared: Arc::new(Shared {
                device: device.clone(),
                epoch: opened.epoch,
                keep: section.keep,
                size_max: section.size_max.as_u64(),
                options,
                desk: Mutex::new(Desk {
                    connection: opened.connection,
                    handed: settled.clone(),
                    sent: settled,
                    age: opened.age,
                    age_seen: None,
                }),
                changes,
            }),
        })
    }

    /// Runs one call on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As the call.
    pub async fn with<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Self) -> Result<T, OutboxError> + Send + 'static,
    ) -> Result<T, OutboxError> {
        let outbox = self.clone();
        tokio::task::spawn_blocking(move || call(&outbox))
            .await
            .map_err(|_| OutboxError::Interrupted)?
    }

    /// The life of this outbox.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.shared.epoch
    }

    /// Moves when there may be something new to send.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Writes facts and what the driver must remember with them: all or nothing, on disk when
    /// this returns.
    ///
    /// # Errors
    /// Where the disk does not take it; then nothing is written.
    pub fn record(
        &self,
        stamp: &Stamp,
        facts: Vec<Fact>,
        note: Option<Note>,
    ) -> Result<Vec<Place>, OutboxError> {
        self.record_noting(stamp, facts, |_| note.into_iter().collect())
    }

    /// As [`Outbox::record`], with notes that are made when it is known which places the facts
    /// have.
    ///
    /// # Errors
    /// Where the disk does not take it, or there is no room for a loan: none is ever dropped, so
    /// one that does not fit is refused. Then nothing is written.
    pub fn record_noting(
        &self,
        stamp: &Stamp,
        facts: Vec<Fact>,
        notes: impl FnOnce(&[Place]) -> Vec<Note>,
    ) -> Result<Vec<Place>, OutboxError> {
        let mut desk = self.desk();
        let apart = self.shared.options.notes == Notes::Apart;
        let transaction = begin(&mut desk.connection)?;
        if !facts.is_empty() {
            let room = self.make_room(&transaction, stamp)?;
            let is_loan = |fact: &Fact| fact.stream() == Stream::Loan;
            if room == Room::None && facts.iter().any(is_loan) {
                return Err(OutboxError::Full);
            }
        }
        let mut places = Vec::with_capacity(facts.len());
        for fact in facts {
            places.push(self.append(&transaction, stamp, fact)?);
        }
        let notes = notes(&places);
        if !apart {
            row::write_notes(&transaction, &notes)?;
        }
        transaction.commit()?;
        if apart {
            let transaction = begin(&mut desk.connection)?;
            row::write_notes(&transaction, &notes)?;
            transaction.commit()?;
        }
        drop(desk);
        if !places.is_empty() {
            self.shared.changes.send_modify(|count| *count += 1);
        }
        Ok(places)
    }

    /// Forgets what an earlier connection sent: what is not settled is sent again.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub fn begin_connection(&self) -> Result<(), OutboxError> {
        let mut desk = self.desk();
        let marks = database::marks(&desk.connection)?;
        let settled: BTreeMap<_, _> = marks.into_iter().map(|(s, m)| (s, m.settled)).collect();
        desk.handed.clone_from(&settled);
        desk.sent = settled;
        Ok(())
    }

    /// Notes the PUBACK of a batch.
    ///
    /// # Errors
    /// Never, as long as a PUBACK settles nothing.
    pub fn acknowledged(&self, stream: Stream, to: u64) -> Result<(), OutboxError> {
        let mut desk = self.desk();
        let sent = desk.sent.entry(stream).or_default();
        *sent = (*sent).max(to);
        match self.shared.options.settle {
            Settle::OnReceipt => Ok(()),
            Settle::OnPuback => settle::delete_through(&mut desk.connection, stream, to),
        }
    }

    /// Takes the gateway's word on what its ledger has. Receipts of another epoch say nothing.
    ///
    /// # Errors
    /// Where the outbox cannot be written.
    pub fn settle(&self, receipts: &Receipts, stamp: &Stamp) -> Result<Settlement, OutboxError> {
        if receipts.epoch != self.shared.epoch || self.shared.options.settle == Settle::OnPuback {
            return Ok(Settlement::default());
        }
        let mut desk = self.desk();
        let age = desk.grow_older(stamp.moment.uptime);
        let transaction = begin(&mut desk.connection)?;
        let settlement = settle::apply(&transaction, receipts, age)?;
        for (stream, from, to) in &settlement.lost {
            self.drop_range(
                &transaction,
                stamp,
                *stream,
                *from,
                *to,
                "settled earlier, no longer kept",
            )?;
        }
        if settlement.moved {
            database::write_age(&transaction, age)?;
        }
        transaction.commit()?;
        for (stream, settled) in database::marks(&desk.connection)?
            .into_iter()
            .map(|(s, m)| (s, m.settled))
        {
            let reopened = settlement.reopened.contains_key(&stream);
            for mark in [Position::Handed, Position::Sent] {
                let number = desk.position(mark, stream);
                *number = if reopened {
                    settled
                } else {
                    (*number).max(settled)
                };
            }
        }
        drop(desk);
        if !settlement.reopened.is_empty() {
            self.shared.changes.send_modify(|count| *count += 1);
        }
        Ok(settlement)
    }

    /// Lets go of settled facts that have been kept long enough.
    ///
    /// # Errors
    /// Where the outbox cannot be written.
    pub fn let_go(&self, now: Uptime) -> Result<usize, OutboxError> {
        let mut desk = self.desk();
        let age = desk.grow_older(now);
        let keep = self.shared.keep;
        let Some(before) = age.checked_sub(keep) else {
            return Ok(0);
        };
        let transaction = begin(&mut desk.connection)?;
        let gone = settle::delete_older(&transaction, before)?;
        database::write_age(&transaction, age)?;
        transaction.commit()?;
        Ok(gone)
    }

    /// Folds the write-ahead log into the file, for a tidy end; nothing depends on it.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub fn checkpoint(&self) -> Result<(), OutboxError> {
        database::checkpoint(&self.desk().connection)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.shared
            .desk
            .lock()
            .expect("nothing panics while it holds the outbox")
    }

    /// Appends one fact to its stream.
    fn append(
        &self,
        transaction: &Transaction<'_>,
        stamp: &Stamp,
        fact: Fact,
    ) -> Result<Place, OutboxError> {
        let stream = fact.stream();
        let written = database::mark(transaction, stream)?.written;
        let place = Place {
            epoch: self.shared.epoch.clone(),
            stream,
            sequence: Sequence::new(written + 1).ok_or(OutboxError::Full)?,
        };
        let event = Event::of_agent(
            self.shared.device.clone(),
            place.clone(),
            stamp.moment.clone(),
            stamp.time,
            fact,
        );
        row::insert(transaction, stream, written + 1, &event.to_json())?;
        database::set_written(transaction, stream, written + 1)?;
        Ok(place)
    }

    /// Writes down that these numbers of a stream will never come.
    fn drop_range(
        &self,
        transaction: &Transaction<'_>,
        stamp: &Stamp,
        stream: Stream,
        from: u64,
        to: u64,
        reason: &str,
    ) -> Result<(), OutboxError> {
        let dropped = OutboxDropped {
            stream,
            from,
            to,
            reason: reason.to_owned(),
        };
        self.append(transaction, stamp, Fact::OutboxDropped(dropped))
            .map(|_| ())
    }
}

fn begin(connection: &mut Connection) -> Result<Transaction<'_>, OutboxError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

#[cfg(test)]
mod tests;
