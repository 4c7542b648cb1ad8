//! When to ask again: at once after a break before which enough came, so that a line that is cut
//! every few seconds is used in between; else after pauses that double, with jitter, so that the
//! kiosks of a county do not come back at once. Progress makes them short again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// The longest pause a source may ask for: one that says "in a year" is asked tomorrow.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Whoever gave so much since it was last asked without a pause is asked without one again: a block.
/// So a source that breaks off after every byte is not asked in a loop.
const AT_ONCE_BYTES: u64 = lujiang_wire::BLOCK_BYTES as u64;

/// The pauses of one blob.
#[derive(Debug)]
pub(super) struct Retry {
    builder: ExponentialBuilder,
    pauses: ExponentialBackoff,
    pause_max: Duration,
    /// Bytes that came since it was last asked without a pause.
    came: u64,
}

impl Retry {
    /// Pauses between these.
    pub(super) fn new(pause_min: Duration, pause_max: Duration) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(pause_min)
            .with_max_delay(pause_max)
            .with_jitter()
            .without_max_times();
        Self {
            builder,
            pauses: builder.build(),
            pause_max,
            came: 0,
        }
    }

    /// So many bytes came: the next pause is a short one, or none.
    pub(super) fn progressed(&mut self, bytes: u64) {
        self.came = self.came.saturating_add(bytes);
        self.pauses = self.builder.build();
    }

    /// How long to wait now; at least as long as the source asks for.
    pub(super) fn next_pause(&mut self, retry_after: Option<Duration>) -> Duration {
        if self.came >= AT_ONCE_BYTES && retry_after.is_none() {
            self.came = 0;
            return Duration::ZERO;
        }
        let own = self.pauses.next().unwrap_or(self.pause_max);
        own.max(retry_after.unwrap_or_default().min(RETRY_AFTER_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_begin_anew_after_progress() {
        let second = Duration::from_secs(1);
        let mut retry = Retry::new(second, 60 * second);
        let pauses: Vec<Duration> = (0..12).map(|_| retry.next_pause(None)).collect();
        // Jitter adds up to the least pause, so what is doubled shows through.
        assert!(pauses[0] < 3 * second, "{pauses:?}");
        assert!(pauses[11] >= 60 * second, "{pauses:?}");
        retry.progressed(1);
        let pause = retry.next_pause(None);
        assert!(pause >= second && pause < 3 * second, "{pause:?}");
    }

    #[test]
    fn a_break_after_a_block_is_answered_at_once_and_the_next_only_after_another_block() {
        let second = Duration::from_secs(1);
        let mut retry = Retry::new(second, 60 * second);
        retry.progressed(AT_ONCE_BYTES);
        assert_eq!(retry.next_pause(None), Duration::ZERO);
        assert!(retry.next_pause(None) >= second, "nothing came since");
        for _ in 0..AT_ONCE_BYTES - 1 {
            retry.progressed(1);
        }
        assert!(retry.next_pause(None) >= second, "a byte less than a block");
        retry.progressed(1);
        assert_eq!(retry.next_pause(None), Duration::ZERO);
        retry.progressed(AT_ONCE_BYTES);
        assert_eq!(retry.next_pause(Some(7 * second)), 7 * second);
    }

    #[test]
    fn a_busy_source_is_left_alone_as_long_as_it_asks_within_a_day() {
        let mut retry = Retry::new(Duration::from_millis(1), Duration::from_millis(2));
        let asked = Duration::from_secs(90);
        assert_eq!(retry.next_pause(Some(asked)), asked);
        assert_eq!(retry.next_pause(Some(Duration::MAX)), RETRY_AFTER_MAX);
    }
}
