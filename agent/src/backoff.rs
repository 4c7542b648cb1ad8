//! Pauses that double, with jitter, so that a thousand devices do not come back at once.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// An endless row of pauses between two bounds.
#[derive(Debug)]
pub(crate) struct Backoff {
    builder: ExponentialBuilder,
    pauses: ExponentialBackoff,
    most: Duration,
}

impl Backoff {
    pub(crate) fn new(least: Duration, most: Duration) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(least)
            .with_max_delay(most)
            .with_jitter()
            .without_max_times();
        Self {
            builder,
            pauses: builder.build(),
            most,
        }
    }

    /// The next pause.
    pub(crate) fn next_pause(&mut self) -> Duration {
        self.pauses.next().unwrap_or(self.most)
    }

    /// Begins again with the shortest.
    pub(crate) fn reset(&mut self) {
        self.pauses = self.builder.build();
    }
}
