//! What a gate remembers: the totals it believes, and the period that is not yet written. It is
//! stored with the facts it led to; its JSON form is the stored form.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Flag, RawTotals, VisitCounted};
use serde::{Deserialize, Serialize};

use super::Totals;
use super::counter::{Counts, Ruling};
use super::mark::{self, Mark};

/// How long an earlier total stays worth returning to after a fall or a jump.
pub(super) const FORMER_AGE_MAX: Duration = Duration::from_secs(600);

/// What a gate remembers between readings, and across restarts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The last totals that were believed.
    pub(super) totals: Totals,
    /// When they were read.
    pub(super) read: Mark,
    /// Whether they have been seen to move as totals do.
    pub(super) proven: bool,
    /// Where the period begins that is not yet written.
    pub(super) period_from: Mark,
    /// What was counted since; below zero where an earlier period counted too much.
    pub(super) pending: Counts,
    /// What was odd since.
    pub(super) flags: Vec<Flag>,
    /// Believed totals before these, to return to if these were nonsense.
    pub(super) former: Option<Former>,
}

/// Totals that were believed before the present ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Former {
    pub(super) totals: Totals,
    pub(super) read: Mark,
    /// What was counted since they were read.
    pub(super) counted: Counts,
    /// Whether a fall or a jump came after them.
    pub(super) broken: bool,
}

impl Memory {
    pub(super) fn begin(now: &Mark, totals: Totals) -> Self {
        Self {
            totals,
            read: now.clone(),
            proven: false,
            period_from: now.clone(),
            pending: Counts::default(),
            flags: Vec::new(),
            former: None,
        }
    }

    /// Takes totals as the truth of now.
    pub(super) fn count(&mut self, now: &Mark, totals: Totals, ruling: Ruling) {
        self.pending += ruling.counts;
        for flag in ruling.flags {
            if !self.flags.contains(&flag) {
                self.flags.push(flag);
            }
        }
        let before = Former {
            totals: self.totals,
            read: self.read.clone(),
            counted: ruling.counts,
            broken: ruling.broken,
        };
        let young = |former: &Former| {
            now.since(&former.read)
                .is_some_and(|age| age <= FORMER_AGE_MAX)
        };
        match &mut self.former {
            Some(former) if former.broken && !ruling.broken && young(former) => {
                former.counted += ruling.counts;
            }
            Some(former) if self.totals == totals && !ruling.broken => {
                former.counted += ruling.counts;
            }
            former => *former = Some(before),
        }
        // A broken line reads the same for ever: only a total that moves is one to build on.
        let moved = self.proven || self.totals != totals;
        self.proven = ruling.proven.unwrap_or(moved);
        self.totals = totals;
        self.read = now.clone();
    }

    /// Ends the period at `end`; nothing where it has no length. Times are those of the clock as
    /// it goes `now`.
    pub(super) fn close(&mut self, end: &Mark, now: &Mark, flags: &[Flag]) -> Option<VisitCounted> {
        let to = end.wall_seen_from(now);
        let mut all = std::mem::take(&mut self.flags);
        all.extend(flags.iter().cloned());
        let from = match end.since(&self.period_from) {
            Some(length) if length.is_zero() => {
                self.flags = all;
                self.flags.retain(|flag| *flag != Flag::Recovered);
                return None;
            }
            Some(length) => {
                let exact = before(to, length);
                let seen = self.period_from.wall_seen_from(now);
                if seen < to && mark::is_near(seen, exact) {
                    seen
                } else {
                    exact
                }
            }
            None => {
                all.push(Flag::FromUnknown);
                // The beginning lies in another boot: this boot's own is the latest it can be.
                before(to, end.uptime.as_duration())
            }
        };
        self.period_from = end.clone();
        let written = self.pending.take_whole();
        Some(VisitCounted {
            from,
            to,
            entered: written.0,
            left: written.1,
            raw: Some(RawTotals {
                entered: self.totals.entered,
                left: self.totals.left.unwrap_or(0),
            }),
            flags: all,
        })
    }
}

/// A time before another, at least a millisecond.
fn before(to: Timestamp, length: Duration) -> Timestamp {
    let length = length.max(Duration::from_millis(1));
    SignedDuration::try_from(length)
        .ok()
        .and_then(|length| to.checked_sub(length).ok())
        .unwrap_or(Timestamp::MIN)
}
