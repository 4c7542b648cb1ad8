//! Renewal: when the next certificate is asked for. Two thirds of its life are measured by the
//! gateway's clock, carried on by our uptime; our wall clock is the last resort, since one at 2099
//! would renew at every start and one at 1970 never.

pub(crate) mod renewer;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::identity::Identity;

/// How long a measurement of the clock is waited for before the wall clock decides: several
/// attempts at a connection.
const MEASUREMENT_PATIENCE: Duration = Duration::from_secs(60);

/// Longest wait before the clocks are looked at again: they jump, and machines sleep.
const LOOK_INTERVAL: Duration = Duration::from_secs(3_600);

/// Of the time between `renew_after` and the end, one part in this is used to scatter the devices
/// that were enrolled on the same day.
const SCATTER_PART: i32 = 10;

/// When a certificate is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    due: Timestamp,
}

/// What the clocks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// The gateway's time, where this boot measured it.
    pub(crate) measured: Option<Timestamp>,
    /// Our wall clock.
    pub(crate) wall: Timestamp,
    /// How long we have been running.
    pub(crate) running: Duration,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Look again after this, or when the clock is measured.
    Wait(Duration),
    /// Ask for the next certificate.
    Renew,
}

impl Schedule {
    /// Of this certificate, from which its share of the scatter follows.
    pub(crate) fn of(identity: &Identity) -> Self {
        Self::new(
            identity.renew_after(),
            identity.not_after(),
            identity.scatter(),
        )
    }

    /// `scatter` in parts of 65,536.
    fn new(renew_after: Timestamp, not_after: Timestamp, scatter: u16) -> Self {
        let room = not_after
            .duration_since(renew_after)
            .max(SignedDuration::ZERO);
        let spread = room / SCATTER_PART;
        let share = spread.mul_f64(f64::from(scatter) / 65_536.0);
        let due = renew_after.saturating_add(share).unwrap_or(renew_after);
        Self {
            // To the second: people read it.
            due: Timestamp::from_second(due.as_second()).unwrap_or(due),
        }
    }

    /// When it is renewed.
    pub(crate) fn due(&self) -> Timestamp {
        self.due
    }

    /// What to do now.
    pub(crate) fn next(&self, clocks: Clocks) -> Next {
        let now = match clocks.measured {
            Some(measured) => measured,
            None if clocks.running < MEASUREMENT_PATIENCE => {
                return Next::Wait(MEASUREMENT_PATIENCE - clocks.running);
            }
            None => clocks.wall,
        };
        if now >= self.due {
            return Next::Renew;
        }
        Next::Wait(
            self.due
                .duration_since(now)
                .unsigned_abs()
                .min(LOOK_INTERVAL),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3_600);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(scatter: u16) -> Schedule {
        Schedule::new(
            at("2026-09-01T00:00:00Z"),
            at("2027-01-01T00:00:00Z"),
            scatter,
        )
    }

    fn clocks(measured: Option<&str>, wall: &str) -> Clocks {
        Clocks {
            measured: measured.map(at),
            wall: at(wall),
            running: DAY,
        }
    }

    #[test]
    fn the_measured_time_decides_whatever_the_wall_clock_says() {
        let schedule = schedule(0);
        for wall in [
            "1970-01-01T00:00:00Z",
            "2026-08-31T00:00:00Z",
            "2099-01-01T00:00:00Z",
        ] {
            let early = schedule.next(clocks(Some("2026-08-31T00:00:00Z"), wall));
            assert_eq!(early, Next::Wait(LOOK_INTERVAL), "{wall}");
            let soon = schedule.next(clocks(Some("2026-08-31T23:59:50Z"), wall));
            assert_eq!(soon, Next::Wait(Duration::from_secs(10)), "{wall}");
            let due = schedule.next(clocks(Some("2026-09-01T00:00:00Z"), wall));
            assert_eq!(due, Next::Renew, "{wall}");
        }
    }

    #[test]
    fn without_a_measurement_the_wall_clock_decides_after_a_while() {
        let mut clocks = clocks(None, "2099-01-01T00:00:00Z");
        clocks.running = Duration::from_secs(20);
        assert_eq!(
            schedule(0).next(clocks),
            Next::Wait(Duration::from_secs(40))
        );
        clocks.running = MEASUREMENT_PATIENCE;
        assert_eq!(schedule(0).next(clocks), Next::Renew);
    }

    #[test]
    fn devices_of_the_same_day_are_scattered_over_a_tenth_of_what_is_left() {
        assert_eq!(schedule(0).due(), at("2026-09-01T00:00:00Z"));
        let last = schedule(u16::MAX).due();
        assert!(
            last > at("2026-09-13T00:00:00Z") && last < at("2026-09-14T00:00:00Z"),
            "{last}"
        );
        assert!(schedule(1_000).due() < schedule(2_000).due());
    }
}
