//! Whose turn it is on a line that facts and books share: the facts' first, yet never for good. A
//! core: the time is an argument.
//!
//! Facts may hold the books up for [`HOLD_MAX`] in all; then the books have [`SHARE`] for
//! themselves, whatever waits. Where some fact always waits, that is a quarter of the time.

use std::time::Duration;

use tokio::time::Instant;

/// So long facts may hold the books up before those have their share.
pub(super) const HOLD_MAX: Duration = Duration::from_secs(30);

/// So long it is the books' turn then: enough for a connection and some megabytes on most lines.
pub(super) const SHARE: Duration = Duration::from_secs(10);

/// The turns of one line.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// How long the books have been held up since their last share, the present hold not counted.
    held: Duration,
    /// Since when they are held up now.
    holding: Option<Instant>,
    /// Since when they are not, of late.
    free: Option<Instant>,
    /// Until when it is their turn, whatever waits.
    ours_until: Option<Instant>,
}

impl Turns {
    /// Facts wait. Until when the books wait for them at most; none where it is their turn.
    pub(super) fn hold(&mut self, now: Instant) -> Option<Instant> {
        if self.ours_until.is_some_and(|until| now < until) {
            return None;
        }
        // Who went unhindered for as long as a share has had one.
        let free = self.free.take();
        if free.is_some_and(|since| now.saturating_duration_since(since) >= SHARE) {
            self.held = Duration::ZERO;
        }
        let since = *self.holding.get_or_insert(now);
        let until = since + HOLD_MAX.saturating_sub(self.held);
        if now < until {
            return Some(until);
        }
        *self = Self {
            ours_until: Some(now + SHARE),
            ..Self::default()
        };
        None
    }

    /// No fact waits.
    pub(super) fn release(&mut self, now: Instant) {
        if let Some(since) = self.holding.take() {
            self.held += now.saturating_duration_since(since);
        }
        self.free.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn facts_go_first_for_half_a_minute_and_the_books_have_their_share_then() {
        let (mut turns, begun) = (Turns::default(), Instant::now());
        assert_eq!(turns.hold(begun), Some(begun + HOLD_MAX));
        assert_eq!(turns.hold(begun + SECOND), Some(begun + HOLD_MAX));
        let over = begun + HOLD_MAX;
        assert_eq!(turns.hold(over), None);
        assert_eq!(turns.hold(over + SHARE - SECOND), None, "still theirs");
        let next = over + SHARE;
        assert_eq!(turns.hold(next), Some(next + HOLD_MAX), "the facts' again");
    }

    #[test]
    fn facts_that_come_and_go_hold_no_longer_in_all_than_one_that_stays() {
        let (mut turns, mut now) = (Turns::default(), Instant::now());
        let mut held = Duration::ZERO;
        while turns.hold(now).is_some() {
            now += 5 * SECOND;
            held += 5 * SECOND;
            turns.release(now);
            now += SECOND;
        }
        assert_eq!(held, HOLD_MAX);
    }

    #[test]
    fn who_went_unhindered_for_a_share_is_held_up_anew() {
        let (mut turns, begun) = (Turns::default(), Instant::now());
        turns.hold(begun);
        turns.release(begun + HOLD_MAX - SECOND);
        let later = begun + HOLD_MAX + SHARE;
        assert_eq!(turns.hold(later), Some(later + HOLD_MAX));
    }

    proptest! {
        /// However facts come and go: a fifth is a quarter less what the first hold takes.
        #[test]
        fn books_never_get_less_than_their_share(
            steps in prop::collection::vec((any::<bool>(), 1_u64..4_000), 200..600),
        ) {
            let (mut turns, begun) = (Turns::default(), Instant::now());
            let (mut now, mut ran) = (begun, Duration::ZERO);
            for (facts_wait, milliseconds) in steps {
                let end = now + Duration::from_millis(milliseconds);
                if facts_wait {
                    // Who waits asks again when the hold is over.
                    while let Some(until) = turns.hold(now).filter(|_| now < end) {
                        now = until.min(end);
                    }
                } else {
                    turns.release(now);
                }
                ran += end - now;
                now = end;
            }
            let all = now - begun;
            prop_assert!(ran + HOLD_MAX >= all / 5, "{:?} of {:?}", ran, all);
        }
    }
}
