//! The papers of devices: with what each may lend while it is off-line, and by which revision it
//! is told that there are others.
//!
//! A device's block list is made when it asks, under a key of its own: what is kept here is
//! sealed to the desk, and is opened in memory only. A revision follows from what the papers are
//! made of and needs no list opened; it is keyed, because `desired` shows it to whoever may read.

pub mod blocks;
pub mod dto;
pub mod stops;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lujiang_wire::{
    BLOCKED_READER_BYTES, BLOCKED_READER_INFO, BlockList, Clock, DeskKey, DeviceId, Label,
    LoanPapers, PlannedStop, ReturnedConflict,
};
use rusqlite::{Connection, Transaction};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::ledger::LedgerError;
use crate::places::DeviceKind;
use crate::registry::{Actor, Device};
use crate::seal::{SealError, Seals, mac};
use crate::store::Store;
use crate::store::audit::{self, AuditRecord};
use crate::store::loans;
use crate::store::papers::{self as rows, BlockedHead};

/// Bytes of a revision: two states do not share one by chance.
const REVISION_BYTES: usize = 16;

/// How long a stop that was to be made stays in the papers: a bus may open late, or without a
/// clock that is right.
const STOP_KEPT_DAYS: i64 = 7;

/// Most conflicts in the papers of a device: more than a crew can look at.
const CONFLICTS_MAX: usize = 200;

/// The papers; clones share them.
#[derive(Clone)]
pub struct Papers(Arc<Inner>);

struct Inner {
    store: Store,
    seals: Arc<Seals>,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    /// Counts what may have changed somebody's papers.
    changed: watch::Sender<u64>,
}

/// Why there are no papers.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What is sealed cannot be opened, or a key cannot be kept.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A stop of that name is planned already.
    #[error("a stop {0} is planned already")]
    StopTaken(Label),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Interrupted,
    /// No such stop is planned.
    #[error("no stop {0} is planned")]
    NoStop(Label),
    /// More stops than a device is given.
    #[error("{max} stops are planned already; remove some that were made")]
    TooManyStops {
        /// How many may be.
        max: usize,
    },
}

/// What a device's papers are made of, in the order they are hashed.
#[derive(Serialize)]
struct State {
    desk: DeskKey,
    #[serde(skip)]
    head: Option<BlockedHead>,
    blocked: Option<String>,
    stops: Vec<PlannedStop>,
    conflicts: Vec<ReturnedConflict>,
}

impl Papers {
    /// The papers out of this store.
    #[must_use]
    pub fn new(store: Store, seals: Arc<Seals>, clock: Arc<dyn Clock>, zone: TimeZone) -> Self {
        Self(Arc::new(Inner {
            store,
            seals,
            clock,
            zone,
            changed: watch::Sender::new(0),
        }))
    }

    /// The papers of a device. Blocks: it reads, opens what is sealed, and hashes every reader.
    ///
    /// # Errors
    /// Where the store cannot be read, or the list was sealed to a key that is gone.
    pub fn of(&self, device: &Device) -> Result<LoanPapers, PapersError> {
        let (state, sealed) = self.0.store.read(|connection| {
            let state = self.state(connection, device)?;
            let sealed = match &state.head {
                Some(_) => rows::blocked_sealed(connection)?,
                None => None,
            };
            Ok((state, sealed))
        })?;
        let revision = self.revised(device, &state);
        let key = self.0.seals.blocks_key(&device.id);
        let readers = match (&state.head, sealed) {
            (Some(head), Some(sealed)) => {
                let readers = self.0.seals.open_blocked(&head.kid, &sealed)?;
                let named = readers.split(|byte| *byte == b'\n');
                named
                    .filter(|reader| !reader.is_empty())
                    .map(|reader| blocked(key.reveal(), reader))
                    .collect()
            }
            _ => Vec::new(),
        };
        Ok(LoanPapers {
            revision,
            desk: state.desk,
            blocks: BlockList {
                key,
                as_of: state.head.map(|head| head.as_of),
                readers,
            },
            stops: state.stops,
            conflicts: state.conflicts,
        })
    }

    /// The revision of the papers of a device. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn revision(&self, device: &Device) -> Result<Label, LedgerError> {
        let state = (self.0.store).read(|connection| self.state(connection, device))?;
        Ok(self.revised(device, &state))
    }

    /// Moves whenever somebody's papers may be others.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Says that somebody's papers may be others.
    pub fn changed(&self) {
        self.0.changed.send_modify(|count| *count += 1);
    }

    /// Gives the desk a new key, which devices learn of by their papers; what is sealed to the
    /// keys before it still opens.
    ///
    /// # Errors
    /// Where the key cannot be kept, or its audit record.
    pub async fn rotate_key(&self, actor: &Actor) -> Result<String, PapersError> {
        let papers = self.clone();
        let rotate = move |_: &Transaction<'_>| {
            let before = papers.0.seals.desk().kid;
            let kid = (papers.0.seals.rotate_desk())
                .map_err(|error| LedgerError::Database(format!("the desk's key: {error}")))?;
            let after = Value::from(kid.as_str());
            Ok(Ok((kid, Some(Value::from(before.as_str())), Some(after))))
        };
        self.change("loans.rotate-key", "desk", actor, rotate).await
    }

    /// One transaction with its audit record; then everybody's papers are looked at.
    async fn change<T: Send + 'static>(
        &self,
        action: &'static str,
        subject: &str,
        actor: &Actor,
        decide: impl FnOnce(&Transaction<'_>) -> Decided<T> + Send + 'static,
    ) -> Result<T, PapersError> {
        let (actor, subject) = (actor.as_str().to_owned(), subject.to_owned());
        let at = self.0.clock.wall();
        let decided = self.0.store.decide(move |tx| {
            let (value, before, after) = match decide(tx)? {
                Ok(decided) => decided,
                // Nothing was written before it was refused.
                Err(refused) => return Ok(Err(refused)),
            };
            let record = AuditRecord {
                at,
                actor,
                action: action.to_owned(),
                subject,
                before,
                after,
            };
            audit::append(tx, &record)?;
            Ok(Ok(value))
        });
        let value = decided.await??;
        self.changed();
        Ok(value)
    }

    fn state(&self, connection: &Connection, device: &Device) -> Result<State, LedgerError> {
        let (lends, drives) = match device.kind {
            DeviceKind::Bus => (true, true),
            DeviceKind::SelfCheckout => (true, false),
            DeviceKind::Gate | DeviceKind::Kiosk | DeviceKind::Other => (false, false),
        };
        let head = match lends {
            true => rows::blocked_head(connection)?,
            false => None,
        };
        let stops = match drives {
            true => self.stops_ahead(connection, &device.id)?,
            false => Vec::new(),
        };
        Ok(State {
            desk: self.0.seals.desk(),
            blocked: head.as_ref().map(|head| head.revision.clone()),
            head,
            stops,
            conflicts: loans::disputed_of(connection, &device.id, CONFLICTS_MAX)?,
        })
    }

    /// The stops of today and later, and those of the last days, of which a bus is given the plan.
    fn stops_ahead(
        &self,
        connection: &Connection,
        bus: &DeviceId,
    ) -> Result<Vec<PlannedStop>, LedgerError> {
        let since = jiff::Span::new().days(STOP_KEPT_DAYS);
        let since = self.today().saturating_sub(since);
        let plans = rows::stops(connection)?.into_iter();
        let ahead = plans.filter(|plan| plan.stop.date >= since && plan.is_for(bus));
        Ok(ahead.map(|plan| plan.stop).collect())
    }

    fn revised(&self, device: &Device, state: &State) -> Label {
        let state = serde_json::to_vec(state).expect("labels, dates and keys are JSON");
        let key = self.0.seals.blocks_key(&device.id);
        let tag = mac(key.reveal(), &[b"revision\0", &state]);
        let text = hex::encode(&tag[..REVISION_BYTES]);
        text.parse().expect("32 hexadecimal digits are a label")
    }

    /// Today, in the library's time zone.
    fn today(&self) -> Date {
        self.now().to_zoned(self.0.zone.clone()).date()
    }

    fn now(&self) -> Timestamp {
        self.0.clock.wall()
    }
}

/// What a change came to: its value, and how it was and is for the audit; or why it was refused.
type Decided<T> = Result<Result<(T, Option<Value>, Option<Value>), PapersError>, LedgerError>;

/// A blocked reader as a device's list has it.
fn blocked(key: &[u8; 32], reader: &[u8]) -> String {
    use base64::Engine as _;
    let tag = mac(key, &[BLOCKED_READER_INFO, reader]);
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&tag[..BLOCKED_READER_BYTES])
}

#[cfg(test)]
mod tests;
