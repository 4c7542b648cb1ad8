//! How much of something one peer may have at once and over time. No clock: `now` is passed in.
//!
//! This is the leaky bucket as a meter, also known as GCRA [ITU-T I.371, annex A]: one moment is
//! remembered, the one at which everything taken so far is paid for.

use std::time::{Duration, Instant};

/// So much a period, lasting, and so much at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// Lasting: this much in each period; never 0.
    pub(crate) amount: u64,
    pub(crate) period: Duration,
    /// At once after a quiet time; never 0.
    pub(crate) burst: u64,
}

/// What one peer has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    paid_at: Instant,
}

impl Rate {
    /// The time that pays for an amount.
    fn time_for(&self, amount: u64) -> Duration {
        let nanos = self.period.as_nanos() * u128::from(amount) / u128::from(self.amount.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Pace {
    /// Nothing taken yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { paid_at: now }
    }

    /// Takes an amount, whether or not it is there: what was read was read.
    pub(crate) fn take(&mut self, rate: &Rate, amount: u64, now: Instant) {
        self.paid_at = self.paid_at.max(now) + rate.time_for(amount);
    }

    /// Forgives what could not be paid within `debt_max`.
    pub(crate) fn forgive(&mut self, rate: &Rate, debt_max: Duration, now: Instant) {
        let latest = now + rate.time_for(rate.burst) + debt_max;
        self.paid_at = self.paid_at.min(latest);
    }

    /// Takes an amount if it is there.
    ///
    /// # Errors
    /// When it will be; nothing is taken.
    pub(crate) fn try_take(
        &mut self,
        rate: &Rate,
        amount: u64,
        now: Instant,
    ) -> Result<(), Instant> {
        let mut taken = *self;
        taken.take(rate, amount, now);
        match taken.overdrawn_until(rate, now) {
            Some(until) => Err(until),
            None => {
                *self = taken;
                Ok(())
            }
        }
    }

    /// When no more than the burst is owed any longer; `None`: now.
    pub(crate) fn overdrawn_until(&self, rate: &Rate, now: Instant) -> Option<Instant> {
        let until = self.paid_at.checked_sub(rate.time_for(rate.burst))?;
        (until > now).then_some(until)
    }

    /// Whether everything is paid for.
    pub(crate) fn is_paid(&self, now: Instant) -> bool {
        self.paid_at <= now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_burst_is_there_at_once_and_then_the_rate() {
        let rate = Rate {
            amount: 10,
            period: SECOND,
            burst: 3,
        };
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..3 {
            pace.try_take(&rate, 1, start).unwrap();
        }
        let tenth = start + SECOND / 10;
        assert_eq!(pace.try_take(&rate, 1, start), Err(tenth));
        assert_eq!(pace.try_take(&rate, 1, start), Err(tenth), "asking is free");
        pace.try_take(&rate, 1, tenth).unwrap();
        pace.take(&rate, 10, tenth);
        assert_eq!(
            pace.overdrawn_until(&rate, tenth),
            Some(tenth + SECOND),
            "what was taken beyond is owed"
        );
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate(
            amount in 1..1_000_u64,
            burst in 1..1_000_u64,
            steps in proptest::collection::vec((0..200_u64, 1..20_u64), 1..200),
        ) {
            let rate = Rate { amount, period: SECOND, burst };
            let start = Instant::now();
            let (mut pace, mut now, mut taken) = (Pace::new(start), start, 0);
            for (pause, wanted) in steps {
                now += Duration::from_millis(pause);
                if pace.try_take(&rate, wanted, now).is_ok() {
                    taken += wanted;
                }
                let elapsed = now.duration_since(start).as_secs_f64();
                let allowed = burst as f64 + amount as f64 * elapsed;
                // One for what rounding down to whole nanoseconds gives away.
                prop_assert!(taken as f64 <= allowed + 1.0, "{taken} of {allowed}");
            }
        }
    }
}
