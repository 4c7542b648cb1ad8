//! What is behind the lock of an outbox: its database, and what this connection has sent of it.

use std::collections::BTreeMap;
use std::time::Duration;

use lujiang_wire::{Stream, Uptime};
use rusqlite::Connection;

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) connection: Connection,
    /// Per stream the last number put on this connection.
    pub(super) handed: BTreeMap<Stream, u64>,
    /// Per stream the last number with a PUBACK on this connection.
    pub(super) sent: BTreeMap<Stream, u64>,
    /// How long this outbox has been open in its life; wall clocks jump, this does not.
    pub(super) age: Duration,
    pub(super) age_seen: Option<Uptime>,
}

/// Which of the two positions on a connection.
#[derive(Clone, Copy)]
pub(super) enum Position {
    Handed,
    Sent,
}

impl Desk {
    pub(super) fn position(&mut self, position: Position, stream: Stream) -> &mut u64 {
        match position {
            Position::Handed => self.handed.entry(stream).or_default(),
            Position::Sent => self.sent.entry(stream).or_default(),
        }
    }

    pub(super) fn grow_older(&mut self, now: Uptime) -> Duration {
        if let Some(seen) = self.age_seen {
            self.age += now.as_duration().saturating_sub(seen.as_duration());
        }
        self.age_seen = Some(now);
        self.age
    }
}
