//! So many bytes a second, and no more. A core: the time is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// So much may be made up of time in which nothing came.
const BURST: Duration = Duration::from_millis(200);

/// What has been taken of a line that may carry so much.
#[derive(Debug, Default)]
pub(super) struct Rate {
    /// What was taken is paid for then.
    paid: Option<Instant>,
}

impl Rate {
    /// Takes bytes that have come; says when the next may.
    pub(super) fn take(&mut self, now: Instant, bytes: u64, per_second: u64) -> Instant {
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let from = self.paid.map_or(now, |paid| paid.max(earliest));
        let takes = Duration::from_secs_f64(bytes as f64 / per_second.max(1) as f64);
        let paid = from + takes;
        self.paid = Some(paid);
        paid
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_more_comes_in_any_time_than_may(
            per_second in 1_000_u64..10_000_000,
            takes in prop::collection::vec((0_u64..70_000, 0_u64..2_000), 1..200),
        ) {
            let begun = Instant::now();
            let (mut rate, mut now, mut bytes) = (Rate::default(), begun, 0);
            for (piece, idle) in takes {
                now = rate.take(now, piece, per_second).max(now) + Duration::from_millis(idle);
                bytes += piece;
                let most = (now - begun + BURST).as_secs_f64() * per_second as f64;
                prop_assert!(bytes as f64 <= most + 1.0, "{} of {}", bytes, most);
            }
        }
    }
}
