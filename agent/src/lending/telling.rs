//! What the library system can know of what was decided here: the gateway has heard of it, and
//! since then had the time to tell it, at a time when the library system was there to be told.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Most moments kept apart; of more that came within the patience the later ones are one.
const MOMENTS_MAX: usize = 256;

/// A break no longer than this is a connection dialled anew: it took nothing from the time in which
/// the library system could be told.
const REDIAL_MAX: Duration = Duration::from_secs(30);

/// How far what was last decided here about an item can have got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The gateway has yet to hear of it, or heard of it a moment ago.
    Here,
    /// The gateway has had it for a while, in which nobody here saw the library system for long
    /// enough.
    Gateway,
    /// The library system was there for so long that it knows.
    LibrarySystem,
}

/// Since when the gateway has what, and since when the library system is seen from here. A process
/// that has just begun has seen neither: what was before it does not know.
#[derive(Debug, Default)]
pub(super) struct Telling {
    /// How far the gateway has heard, by the uptime at which that was seen.
    heard: VecDeque<(Duration, u64)>,
    /// The machines here that the library system serves.
    served: BTreeSet<String>,
    /// Since when it serves any of them.
    served_since: Duration,
    /// Since when it serves none; none where that never was otherwise.
    unserved_since: Option<Duration>,
}

impl Telling {
    /// The gateway has facts up to this number; `now` only goes forward.
    pub(super) fn heard(&mut self, settled: u64, now: Duration, patience: Duration) {
        let is_full = self.heard.len() >= MOMENTS_MAX;
        match self.heard.back_mut() {
            Some((_, number)) if *number >= settled => {}
            // Later is safe: somebody waits a little longer than need be.
            Some(newest) if is_full => *newest = (now, settled),
            Some(_) | None => self.heard.push_back((now, settled)),
        }
        // What is older than the patience says nothing more, but for how far it went.
        let is_past = |at: Duration| at + patience <= now;
        while self.heard.get(1).is_some_and(|(at, _)| is_past(*at)) {
            self.heard.pop_front();
        }
    }

    /// The library system serves this machine from now on, or does not. One that serves any is
    /// there: the others have troubles of their own.
    pub(super) fn served(&mut self, machine: &str, serves: bool, now: Duration) {
        if !serves {
            if self.served.remove(machine) && self.served.is_empty() {
                self.unserved_since = Some(now);
            }
            return;
        }
        let was_short = |since: Duration| now <= since + REDIAL_MAX;
        if self.served.is_empty() && !self.unserved_since.is_some_and(was_short) {
            self.served_since = now;
        }
        self.served.insert(machine.to_owned());
    }

    /// How far a fact can have got.
    pub(super) fn reach(&self, fact: u64, now: Duration, patience: Duration) -> Reach {
        let heard = self.heard.iter().find(|(_, number)| *number >= fact);
        if heard.is_none_or(|(at, _)| *at + patience > now) {
            return Reach::Here;
        }
        if self.served.is_empty() || self.served_since + patience > now {
            return Reach::Gateway;
        }
        Reach::LibrarySystem
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
    fn what_the_gateway_just_heard_is_known_after_the_patience_and_not_before() {
        let mut telling = Telling::default();
        telling.served("desk", true, at(0));
        telling.heard(3, at(90), PATIENCE);
        telling.heard(7, at(100), PATIENCE);
        telling.heard(7, at(150), PATIENCE);
        let reach = |fact, seconds| telling.reach(fact, at(seconds), PATIENCE);
        assert_eq!(
            reach(3, 149),
            Reach::Here,
            "this process knows of no before"
        );
        assert_eq!(reach(3, 150), Reach::LibrarySystem);
        assert_eq!(reach(4, 159), Reach::Here);
        assert_eq!(
            reach(7, 160),
            Reach::LibrarySystem,
            "from when it was first seen"
        );
        assert_eq!(reach(8, 999), Reach::Here);
    }

    #[test]
    fn what_was_heard_in_a_break_is_known_once_the_break_has_been_over_for_the_patience() {
        let mut telling = Telling::default();
        telling.heard(3, at(90), PATIENCE);
        assert_eq!(telling.reach(3, at(900), PATIENCE), Reach::Gateway);
        telling.served("desk", true, at(1_000));
        telling.served("hall", true, at(1_050));
        assert_eq!(telling.reach(3, at(1_059), PATIENCE), Reach::Gateway);
        assert_eq!(telling.reach(3, at(1_060), PATIENCE), Reach::LibrarySystem);
        telling.served("desk", false, at(1_070));
        let one_is_enough = telling.reach(3, at(1_071), PATIENCE);
        assert_eq!(one_is_enough, Reach::LibrarySystem);
        telling.served("hall", false, at(1_080));
        telling.served("hall", true, at(1_110));
        let only_dialled_anew = telling.reach(3, at(1_111), PATIENCE);
        assert_eq!(only_dialled_anew, Reach::LibrarySystem);
        telling.served("hall", false, at(1_120));
        telling.served("hall", true, at(1_151));
        assert_eq!(telling.reach(3, at(1_152), PATIENCE), Reach::Gateway);
    }

    #[test]
    fn a_thousand_receipts_a_minute_take_no_more_room_and_nothing_is_known_too_early() {
        let mut telling = Telling::default();
        telling.served("desk", true, Duration::ZERO);
        telling.heard(0, Duration::ZERO, PATIENCE);
        for second in 1..10_000 {
            telling.heard(second, Duration::from_millis(second * 6), PATIENCE);
            assert!(telling.heard.len() <= MOMENTS_MAX);
        }
        let now = Duration::from_millis(10_000 * 6);
        assert_eq!(telling.reach(9_999, now, PATIENCE), Reach::Here);
        let later = telling.reach(9_999, now + PATIENCE, PATIENCE);
        assert_eq!(later, Reach::LibrarySystem);
    }
}
