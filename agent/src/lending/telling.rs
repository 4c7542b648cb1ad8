//! What the gateway has heard of, and since when: it has yet to tell the library system.

use std::collections::VecDeque;
use std::time::Duration;

/// Most moments kept apart; of more that came within the patience the later ones are one.
const MOMENTS_MAX: usize = 256;

/// How far the gateway has heard, by the uptime at which that was seen; what it had when it was
/// first looked at, it had long before.
#[derive(Debug, Default)]
pub(super) struct Telling(VecDeque<(Option<Duration>, u64)>);

impl Telling {
    /// The gateway has facts up to this number; `now` only goes forward.
    pub(super) fn heard(&mut self, settled: u64, now: Duration, patience: Duration) {
        let is_full = self.0.len() >= MOMENTS_MAX;
        match self.0.back_mut() {
            Some((_, number)) if *number >= settled => {}
            // Later is safe: somebody waits a little longer than need be.
            Some(newest) if is_full => *newest = (Some(now), settled),
            Some(_) => self.0.push_back((Some(now), settled)),
            None => self.0.push_back((None, settled)),
        }
        // What is older than the patience says nothing more, but for how far it went.
        let is_past = |at: Option<Duration>| at.is_none_or(|at| at + patience <= now);
        while self.0.get(1).is_some_and(|(at, _)| is_past(*at)) {
            self.0.pop_front();
        }
    }

    /// Whether the gateway has had a fact for so long that the library system knows of it.
    pub(super) fn is_told(&self, fact: u64, now: Duration, patience: Duration) -> bool {
        let heard = self.0.iter().find(|(_, number)| *number >= fact);
        heard.is_some_and(|(at, _)| at.is_none_or(|at| at + patience <= now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_the_gateway_just_heard_is_told_after_the_patience_and_not_before() {
        let mut telling = Telling::default();
        telling.heard(3, at(90), PATIENCE);
        telling.heard(7, at(100), PATIENCE);
        telling.heard(7, at(150), PATIENCE);
        assert!(telling.is_told(3, at(101), PATIENCE), "before it began");
        assert!(!telling.is_told(4, at(101), PATIENCE));
        assert!(!telling.is_told(7, at(159), PATIENCE));
        assert!(
            telling.is_told(7, at(160), PATIENCE),
            "from when it was first seen"
        );
    }

    #[test]
    fn a_thousand_receipts_a_minute_take_no_more_room_and_nothing_is_told_too_early() {
        let mut telling = Telling::default();
        telling.heard(0, Duration::ZERO, PATIENCE);
        for second in 1..10_000 {
            telling.heard(second, Duration::from_millis(second * 6), PATIENCE);
            assert!(telling.0.len() <= MOMENTS_MAX);
        }
        let now = Duration::from_millis(10_000 * 6);
        assert!(!telling.is_told(9_999, now, PATIENCE));
        assert!(telling.is_told(9_999, now + PATIENCE, PATIENCE));
    }
}
