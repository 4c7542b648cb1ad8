//! What the intake counts, for metrics. Each number stands for itself, so all are relaxed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::entry::QuarantineReason;

/// Counted since the start.
#[derive(Debug, Default)]
pub struct IntakeCounters {
    payloads: AtomicU64,
    accepted: AtomicU64,
    repeated: AtomicU64,
    quarantined: [AtomicU64; QuarantineReason::ALL.len()],
    quarantine_full: AtomicU64,
    refused: AtomicU64,
    commits: AtomicU64,
    commit_micros: AtomicU64,
    commit_watcher: OnceLock<CommitWatcher>,
}

/// Told how long each commit took; must not block.
struct CommitWatcher(Box<dyn Fn(Duration) + Send + Sync>);

impl fmt::Debug for CommitWatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitWatcher")
    }
}

/// The numbers at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntakeCounts {
    /// Payloads with a verdict on disk.
    pub payloads: u64,
    /// Facts accepted.
    pub accepted: u64,
    /// Elements that were there already.
    pub repeated: u64,
    /// Elements kept aside, by reason; every reason is there.
    pub quarantined: BTreeMap<QuarantineReason, u64>,
    /// Payloads not acknowledged because the device's quarantine is full.
    pub quarantine_full: u64,
    /// Payloads not acknowledged because the disk took no writes.
    pub refused: u64,
    /// Commits.
    pub commits: u64,
    /// Time spent in commits, waiting for the disk included.
    pub commit_time: Duration,
}

/// What one judgement counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) accepted: u64,
    pub(crate) repeated: u64,
}

impl IntakeCounters {
    /// The numbers now.
    #[must_use]
    pub fn read(&self) -> IntakeCounts {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        IntakeCounts {
            payloads: get(&self.payloads),
            accepted: get(&self.accepted),
            repeated: get(&self.repeated),
            quarantined: QuarantineReason::ALL
                .into_iter()
                .zip(self.quarantined.iter().map(get))
                .collect(),
            quarantine_full: get(&self.quarantine_full),
            refused: get(&self.refused),
            commits: get(&self.commits),
            commit_time: Duration::from_micros(get(&self.commit_micros)),
        }
    }

    /// Tells each commit's time to `watcher`, which must not block; only the first is told.
    pub fn watch_commits(&self, watcher: impl Fn(Duration) + Send + Sync + 'static) {
        self.commit_watcher
            .get_or_init(|| CommitWatcher(Box::new(watcher)));
    }

    pub(crate) fn count_commit(&self, took: Duration) {
        if let Some(CommitWatcher(watcher)) = self.commit_watcher.get() {
            watcher(took);
        }
        add(&self.commits, 1);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        add(&self.commit_micros, micros);
    }

    pub(crate) fn count_payloads(&self, kept: usize, quarantine_full: usize) {
        add(&self.payloads, kept as u64);
        add(&self.quarantine_full, quarantine_full as u64);
    }

    pub(crate) fn count_refused(&self, payloads: usize) {
        add(&self.refused, payloads as u64);
    }

    pub(crate) fn count_elements(&self, tally: Tally) {
        add(&self.accepted, tally.accepted);
        add(&self.repeated, tally.repeated);
    }

    pub(crate) fn count_quarantined(&self, reason: QuarantineReason) {
        let position = QuarantineReason::ALL.iter().position(|one| *one == reason);
        add(
            &self.quarantined[position.expect("ALL holds every reason")],
            1,
        );
    }
}

fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}
