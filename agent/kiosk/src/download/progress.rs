//! How far a plan is, and what it has cost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::Opened;

/// The rate is told this often.
const BEAT: Duration = Duration::from_secs(1);

/// A longer pause was none of the line: hours that allow nothing, a source that is down.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What "lately" is, for a rate: long enough to even out cuts.
const FADES_WITHIN: Duration = Duration::from_secs(60);

/// How far a plan is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes there.
    pub bytes: u64,
    /// Bytes in all.
    pub of: u64,
    /// Bytes a second, lately; none before the first have come.
    pub rate: Option<u64>,
    /// Whether the plan is done.
    pub is_done: bool,
}

/// What downloads have cost since this process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meter {
    /// Bytes of bodies that were read from sources, of blobs and of block lists.
    pub body_bytes: u64,
    /// How often something was asked for.
    pub requests: u64,
    /// How often what was being read broke off, or could not be asked for.
    pub interruptions: u64,
    /// Blocks that came and were wrong.
    pub wrong_blocks: u64,
}

/// Where both are kept.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    progress: watch::Sender<Progress>,
    pulse: Mutex<Pulse>,
    counts: Arc<Counts>,
}

/// Counters that no other memory hangs on, so that their order does not matter.
#[derive(Debug, Default)]
struct Counts {
    body_bytes: AtomicU64,
    requests: AtomicU64,
    interruptions: AtomicU64,
    wrong_blocks: AtomicU64,
}

/// The rate of late: a core.
#[derive(Debug, Default)]
struct Pulse {
    began: Option<Instant>,
    bytes: u64,
    rate: Option<f64>,
}

impl Pulse {
    /// Bytes came; the rate, where it is known anew. Short pauses between them count, so that a line
    /// that is cut half of the time is half as fast.
    fn beat(&mut self, now: Instant, bytes: u64) -> Option<u64> {
        let began = *self.began.get_or_insert(now);
        self.bytes += bytes;
        let took = now.saturating_duration_since(began);
        if took > PAUSE_MAX {
            (self.began, self.bytes) = (Some(now), 0);
            return None;
        }
        if took < BEAT {
            return None;
        }
        let latest = self.bytes as f64 / took.as_secs_f64();
        // What was before fades by its age.
        let weight = 1.0 - (-took.as_secs_f64() / FADES_WITHIN.as_secs_f64()).exp();
        let rate = self
            .rate
            .map_or(latest, |rate| rate + weight * (latest - rate));
        (self.began, self.bytes, self.rate) = (Some(now), 0, Some(rate));
        Some(rate as u64)
    }
}

impl Gauge {
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(super) fn meter(&self) -> Meter {
        let counts = &self.counts;
        Meter {
            body_bytes: counts.body_bytes.load(Ordering::Relaxed),
            requests: counts.requests.load(Ordering::Relaxed),
            interruptions: counts.interruptions.load(Ordering::Relaxed),
            wrong_blocks: counts.wrong_blocks.load(Ordering::Relaxed),
        }
    }

    /// A plan of so many bytes begins.
    pub(super) fn begin(&self, of: u64) {
        self.progress.send_replace(Progress {
            of,
            ..Progress::default()
        });
    }

    /// All of it is there.
    pub(super) fn end(&self) {
        self.progress.send_modify(|progress| {
            progress.bytes = progress.of;
            progress.is_done = true;
        });
    }

    /// A blob had so many bytes, and has so many now.
    pub(super) fn moved(&self, from: u64, to: u64) {
        if from != to {
            self.progress.send_modify(|progress| {
                progress.bytes = (progress.bytes + to).saturating_sub(from);
            });
        }
    }

    /// So many bytes came over the line.
    pub(super) fn came(&self, bytes: usize) {
        let mut pulse = self.pulse.lock().expect("nobody panics while holding it");
        let rate = pulse.beat(Instant::now(), bytes as u64);
        drop(pulse);
        if rate.is_some() {
            self.progress.send_modify(|progress| progress.rate = rate);
        }
    }

    pub(super) fn asked(&self) {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the bytes of this body as they are read.
    pub(super) fn metered(&self, mut opened: Opened) -> Opened {
        let counts = self.counts.clone();
        let count = move |bytes: &Bytes| {
            let bytes = bytes.len() as u64;
            counts.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        };
        opened.body = opened.body.inspect_ok(count).boxed();
        opened
    }

    pub(super) fn interrupted(&self) {
        self.counts.interruptions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn was_wrong(&self) {
        self.counts.wrong_blocks.fetch_add(1, Ordering::Relaxed);
    }
}
