//! When to ask again: pauses that double, with jitter, so that the kiosks of a county do not come
//! back at once; progress makes them short again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// The longest pause a source may ask for: one that says "in a year" is asked tomorrow.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// The pauses of one blob.
#[derive(Debug)]
pub(super) struct Retry {
    builder: ExponentialBuilder,
    pauses: ExponentialBackoff,
    pause_max: Duration,
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
        }
    }

    /// Bytes came: the next pause is a short one.
    pub(super) fn progressed(&mut self) {
        self.pauses = self.builder.build();
    }

    /// How long to wait now; at least as long as the source asks for.
    pub(super) fn next_pause(&mut self, retry_after: Option<Duration>) -> Duration {
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
        retry.progressed();
        assert!(retry.next_pause(None) < 3 * second);
    }

    #[test]
    fn a_busy_source_is_left_alone_as_long_as_it_asks_within_a_day() {
        let mut retry = Retry::new(Duration::from_millis(1), Duration::from_millis(2));
        let asked = Duration::from_secs(90);
        assert_eq!(retry.next_pause(Some(asked)), asked);
        assert_eq!(retry.next_pause(Some(Duration::MAX)), RETRY_AFTER_MAX);
    }
}
