//! How the outbox empties: what the last synchronisation did, and how long the present one takes.
//! It is told of link and backlog and knows no clock. What the last one did is kept as a note of the
//! outbox: a bus's computer is switched off overnight.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The name of the note about the last synchronisation.
pub(super) const SYNC_NOTE: &str = "lending/synchronisation";

/// Synchronisations of a single fact are kept no more often than this.
const KEEP_EVERY: Duration = Duration::from_secs(600);

/// The rate is measured over this much of the immediate past: a line changes as the bus moves.
const WINDOW: Duration = Duration::from_secs(60);

/// Most observations kept in the window; receipts may come many times a second.
const SAMPLES_MAX: usize = 128;

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Backlog {
    /// Facts settled in all.
    pub(super) settled: u64,
    /// Facts that wait.
    pub(super) waiting: u64,
}

/// Whether there is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// There is.
    Up,
    /// There is none.
    Down,
}

/// A synchronisation: from the link being there with something to send, to nothing waiting, or
/// the link gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synchronisation {
    /// Facts that the gateway confirmed.
    pub settled: u64,
    /// When it began, by the wall clock.
    pub began: Timestamp,
    /// When it ended; none while it goes on.
    pub ended: Option<Timestamp>,
    /// Facts left at its end, or now.
    pub left: u64,
}

/// The meter.
#[derive(Debug, Default)]
pub(super) struct SyncMeter {
    seen: Option<Backlog>,
    present: Option<Present>,
    last: Option<Synchronisation>,
    /// When one was kept last.
    kept: Option<Duration>,
}

/// A synchronisation that goes on.
#[derive(Debug)]
struct Present {
    began: Timestamp,
    /// What was settled before it.
    before: u64,
    samples: VecDeque<(Duration, u64)>,
}

impl SyncMeter {
    /// After an earlier life of the agent, in which this was the last.
    pub(super) fn after(last: Option<Synchronisation>) -> Self {
        Self {
            last,
            ..Self::default()
        }
    }

    /// Takes note of how it is; `now` only goes forward. Returns a synchronisation that ended by
    /// it and confirmed anything.
    pub(super) fn observe(
        &mut self,
        now: Duration,
        wall: Timestamp,
        line: Line,
        backlog: Backlog,
    ) -> Option<Synchronisation> {
        // A gateway restored from an older copy settles less than it had.
        let seen = self.seen.replace(backlog).unwrap_or(backlog);
        let before = seen.settled.min(backlog.settled);
        if self.present.is_none() {
            let moves = backlog.settled > before || backlog.waiting > 0;
            if !moves || (line == Line::Down && backlog.settled == before) {
                return None;
            }
            self.present = Some(Present {
                began: wall,
                before,
                samples: VecDeque::from([(now, before)]),
            });
        }
        let present = self.present.as_mut()?;
        present.before = present.before.min(backlog.settled);
        present.take(now, backlog.settled);
        if line == Line::Up && backlog.waiting > 0 {
            return None;
        }
        let ended = Synchronisation {
            settled: backlog.settled - present.before,
            began: present.began,
            ended: Some(wall),
            left: backlog.waiting,
        };
        self.present = None;
        if ended.settled == 0 {
            return None;
        }
        self.last = Some(ended);
        self.last
    }

    /// Whether to keep this one, which has just ended: where facts come one by one, each is a
    /// synchronisation, and is not worth a write to the disk.
    pub(super) fn is_worth_keeping(&mut self, now: Duration, ended: &Synchronisation) -> bool {
        let is_due = self.kept.is_none_or(|kept| kept + KEEP_EVERY <= now);
        let is_worth = ended.settled > 1 || is_due;
        if is_worth {
            self.kept = Some(now);
        }
        is_worth
    }

    /// The synchronisation that goes on, or else the last that confirmed anything.
    pub(super) fn last(&self) -> Option<Synchronisation> {
        let present = self.present.as_ref().zip(self.seen);
        let present = present.map(|(present, seen)| Synchronisation {
            settled: seen.settled - present.before,
            began: present.began,
            ended: None,
            left: seen.waiting,
        });
        present.or(self.last)
    }

    /// How long it takes until this many facts are confirmed, at the present rate; none where
    /// nothing moves.
    pub(super) fn estimate(&self, waiting: u64) -> Option<Duration> {
        let samples = &self.present.as_ref()?.samples;
        let ((from, before), (to, after)) = (samples.front()?, samples.back()?);
        let (took, settled) = (to.saturating_sub(*from), after.saturating_sub(*before));
        if settled == 0 || took.is_zero() {
            return None;
        }
        let millis = took.as_millis() * u128::from(waiting) / u128::from(settled);
        Some(Duration::from_millis(
            u64::try_from(millis).unwrap_or(u64::MAX),
        ))
    }
}

impl Present {
    fn take(&mut self, now: Duration, settled: u64) {
        // Begins again where the gateway has less than it had.
        if self.samples.back().is_some_and(|(_, last)| *last > settled) {
            self.samples.clear();
        }
        self.samples.push_back((now, settled));
        let old = |at: Duration| now.saturating_sub(at) > WINDOW;
        while self.samples.len() > SAMPLES_MAX
            || (self.samples.len() > 2 && self.samples.front().is_some_and(|(at, _)| old(*at)))
        {
            self.samples.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// Observes this at so many seconds.
    fn see(meter: &mut SyncMeter, second: u64, line: Line, settled: u64, waiting: u64) {
        let backlog = Backlog { settled, waiting };
        let wall = at(i64::try_from(second).unwrap());
        meter.observe(Duration::from_secs(second), wall, line, backlog);
    }

    #[test]
    fn while_it_drains_the_rest_is_estimated_from_the_rate_of_now() {
        let mut meter = SyncMeter::default();
        see(&mut meter, 0, Line::Down, 100, 5_000);
        assert_eq!((meter.last(), meter.estimate(5_000)), (None, None));
        see(&mut meter, 10, Line::Up, 100, 5_000);
        assert_eq!(meter.estimate(5_000), None, "nothing moved yet");
        see(&mut meter, 20, Line::Up, 1_100, 4_000);
        assert_eq!(meter.estimate(4_000), Some(Duration::from_secs(40)));
        // Two minutes later, at a tenth of the rate.
        see(&mut meter, 140, Line::Up, 1_200, 3_900);
        see(&mut meter, 150, Line::Up, 1_300, 3_800);
        assert_eq!(meter.estimate(3_800), Some(Duration::from_secs(380)));
        let present = meter.last().unwrap();
        assert_eq!(
            (present.settled, present.ended, present.left),
            (1_200, None, 3_800)
        );
    }

    #[test]
    fn the_last_synchronisation_says_what_it_settled_when_it_ended_and_what_it_left() {
        let mut meter = SyncMeter::default();
        see(&mut meter, 0, Line::Up, 0, 500);
        see(&mut meter, 5, Line::Up, 500, 0);
        let whole = Synchronisation {
            settled: 500,
            began: at(0),
            ended: Some(at(5)),
            left: 0,
        };
        assert_eq!(meter.last(), Some(whole));
        see(&mut meter, 60, Line::Down, 500, 80);
        assert_eq!(meter.last(), Some(whole), "without a link nothing begins");
        see(&mut meter, 70, Line::Up, 500, 80);
        see(&mut meter, 80, Line::Up, 530, 50);
        see(&mut meter, 90, Line::Down, 530, 50);
        let cut = meter.last().unwrap();
        assert_eq!((cut.settled, cut.ended, cut.left), (30, Some(at(90)), 50));
        see(&mut meter, 95, Line::Up, 530, 50);
        see(&mut meter, 96, Line::Down, 530, 50);
        assert_eq!(
            meter.last(),
            Some(cut),
            "one that settled nothing did nothing"
        );
    }

    #[test]
    fn a_gateway_that_has_less_than_it_had_is_no_negative_rate() {
        let mut meter = SyncMeter::default();
        see(&mut meter, 0, Line::Up, 1_000, 10);
        see(&mut meter, 1, Line::Up, 400, 610);
        assert_eq!(meter.estimate(610), None);
        see(&mut meter, 2, Line::Up, 500, 510);
        see(&mut meter, 3, Line::Up, 1_010, 0);
        assert_eq!(meter.last().unwrap().settled, 610);
    }
}
