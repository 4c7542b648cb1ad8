//! Intake: judges each element once and keeps it.
//!
//! A payload is read in the caller, waits in a bounded queue, and is judged and written in one
//! transaction together with whatever else waits (group commit across connections). Only when
//! that is on disk is anybody answered. A disk without room answers nobody and is tried again
//! until it takes writes.
//!
//! [`rulings`] are what people decide on what was kept aside.
//!
//! [`payload`] reads, [`judge`] decides, [`dating`] corrects times, [`excerpt`] shows what is
//! kept aside without showing what it says.

mod collector;
mod counters;
mod dating;
mod excerpt;
pub(crate) mod judge;
pub(crate) mod payload;
#[cfg(test)]
pub(crate) mod rehearsal;
mod rulings;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use lujiang_broker::{Arrival, Keeping, Kept};
use lujiang_wire::{Clock, ClockReport, DeviceId, Receipts};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use crate::intake::counters::{IntakeCounters, IntakeCounts};
pub use crate::intake::rulings::{Opened, Refused, Ruled, RulingError, RulingVerdict};
pub use lujiang_config::IntakeSection as IntakeRules;

use crate::entry::QuarantineReason;
use crate::intake::collector::Collector;
use crate::intake::payload::Payload;
use crate::intake::rulings::{RULINGS_MAX, WaitingRuling};
use crate::seal::Seals;
use crate::store::Store;

/// Is told what a commit did, once it is on disk. Called in the order of commits; must not
/// block.
pub trait AfterCommit: Send + Sync + 'static {
    /// This is on disk.
    fn committed(&self, group: &CommittedGroup);
}

/// What one commit did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CommittedGroup {
    /// The facts accepted, sealed, in their canonical JSON form: what may be shown to others.
    pub sealed: Vec<(DeviceId, String)>,
    /// The receipts that moved.
    pub moved: Vec<(DeviceId, Receipts)>,
    /// What was kept aside, and why.
    pub quarantined: Vec<(DeviceId, QuarantineReason)>,
}

/// A handle on the intake; clones share it.
#[derive(Clone)]
pub struct Intake {
    inner: Arc<Inner>,
}

struct Inner {
    queue: mpsc::Sender<Waiting>,
    rulings: mpsc::Sender<WaitingRuling>,
    shared: Arc<Shared>,
    seals: Arc<Seals>,
    store: Store,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What handles and the collector share.
struct Shared {
    has_room: AtomicBool,
    counters: IntakeCounters,
    /// Measurements heard and not yet kept, the newest of each device: as many as devices.
    measured: Mutex<BTreeMap<DeviceId, ClockReport>>,
    /// There is something in `measured`.
    heard: Notify,
}

/// A payload in the queue, and who waits for its verdict.
struct Waiting {
    payload: Payload,
    answer: oneshot::Sender<Kept>,
}

impl Intake {
    /// Starts the intake; the task ends with [`Intake::stop`].
    ///
    /// # Panics
    /// Outside an asynchronous runtime.
    #[must_use]
    pub fn start(
        store: Store,
        rules: IntakeRules,
        seals: impl Into<Arc<Seals>>,
        clock: Arc<dyn Clock>,
        after: Arc<dyn AfterCommit>,
    ) -> Self {
        let (sender, queue) = mpsc::channel(rules.queue_max.max(1));
        let (rulings, ruling_queue) = mpsc::channel(RULINGS_MAX);
        let shared = Arc::new(Shared {
            has_room: AtomicBool::new(true),
            counters: IntakeCounters::default(),
            measured: Mutex::new(BTreeMap::new()),
            heard: Notify::new(),
        });
        let seals = seals.into();
        let stop = CancellationToken::new();
        let collector = Collector {
            queue,
            rulings: ruling_queue,
            store: store.clone(),
            rules: Arc::new(rules),
            seals: Arc::clone(&seals),
            shared: Arc::clone(&shared),
            clock: Arc::clone(&clock),
            after,
            stop: stop.clone(),
        };
        Self {
            inner: Arc::new(Inner {
                queue: sender,
                rulings,
                shared,
                seals,
                store,
                clock,
                stop,
                task: Mutex::new(Some(tokio::spawn(collector.run()))),
            }),
        }
    }

    /// Takes a payload. Ends when it has its place in the queue; the [`Keeping`] ends when its
    /// verdict is on disk.
    ///
    /// # Cancel safety
    /// A payload whose future is dropped before it ends is not kept.
    pub async fn keep(&self, arrival: Arrival) -> Keeping {
        self.queue(|seals| Payload::read(&arrival, seals)).await
    }

    /// Keeps aside what a carrier brought and nobody we know has signed; says what was expected.
    ///
    /// # Cancel safety
    /// A payload whose future is dropped before it ends is not kept.
    pub async fn keep_aside(&self, arrival: Arrival, expected: String) -> Keeping {
        self.queue(|_| Payload::not_signed(&arrival, expected))
            .await
    }

    async fn queue(&self, read: impl FnOnce(&Seals) -> Payload) -> Keeping {
        let (answer, keeping) = oneshot::channel();
        if !self.has_room() {
            // Dropping the sender says so.
            return keeping;
        }
        let payload = read(&self.inner.seals);
        // A closed queue drops the sender, which says that nothing was kept.
        let _ = self.inner.queue.send(Waiting { payload, answer }).await;
        keeping
    }

    /// Whether facts can be kept now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        // A hint, ordered with nothing: what counts is the verdict.
        self.inner.shared.has_room.load(Ordering::Relaxed)
    }

    /// What has been counted since the start.
    #[must_use]
    pub fn counters(&self) -> &IntakeCounters {
        &self.inner.shared.counters
    }

    /// Payloads in the queue now.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.inner.queue.max_capacity() - self.inner.queue.capacity()
    }

    /// What the ledger holds of a device now; none where that cannot be read.
    pub async fn receipts(&self, device: &DeviceId) -> Option<Receipts> {
        let (store, device) = (self.inner.store.clone(), device.clone());
        let read = tokio::task::spawn_blocking(move || store.receipts(&device)).await;
        match read {
            Ok(Ok(receipts)) => receipts,
            Ok(Err(error)) => {
                tracing::error!(%error, "receipts cannot be read");
                None
            }
            Err(_) => None,
        }
    }

    /// Keeps a clock measurement: on disk with or before every payload that [`Intake::keep`] is
    /// called with after this. Never waits.
    pub fn clock_measured(&self, device: DeviceId, report: ClockReport) {
        let shared = &self.inner.shared;
        shared.measurements().insert(device, report);
        shared.heard.notify_one();
    }

    /// Takes nothing more, keeps what is queued, and ends the task.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        let task = self
            .inner
            .task
            .lock()
            .expect("nobody panics while holding it")
            .take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the intake panicked");
        }
    }
}

impl Shared {
    fn measurements(&self) -> std::sync::MutexGuard<'_, BTreeMap<DeviceId, ClockReport>> {
        self.measured
            .lock()
            .expect("nobody panics while holding it: only moves happen under this lock")
    }
}

#[cfg(test)]
mod tests;
