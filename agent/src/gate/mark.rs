//! A moment by both clocks: the wall, which may be wrong and may jump, and the uptime of a boot.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Boot, Clock, Uptime};
use serde::{Deserialize, Serialize};

/// Wall clocks this close are the same clock, slewed: a boundary stays the round time it is.
const SLEW: Duration = Duration::from_secs(1);

/// A wall clock outside of these years was never set.
const SANE: (i64, i64) = (1_704_067_200, 3_786_912_000); // 2024-01-01 to 2090-01-01

/// A moment by both clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The boot the uptime counts from.
    pub boot: Boot,
    /// Time since that boot.
    pub uptime: Uptime,
    /// The wall clock.
    pub wall: Timestamp,
}

impl Mark {
    /// This moment.
    #[must_use]
    pub fn now(clock: &dyn Clock) -> Self {
        Self {
            boot: clock.boot(),
            uptime: clock.uptime(),
            wall: clock.wall(),
        }
    }

    /// The time from an earlier moment to this: by uptime within a boot, else by the wall clocks
    /// where both can be believed.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Option<Duration> {
        if self.boot == earlier.boot {
            let millis = self
                .uptime
                .as_millis()
                .saturating_sub(earlier.uptime.as_millis());
            return Some(Duration::from_millis(millis));
        }
        let sane = |mark: &Self| (SANE.0..SANE.1).contains(&mark.wall.as_second());
        let between = self.wall.duration_since(earlier.wall);
        (sane(self) && sane(earlier) && between.is_positive()).then(|| between.unsigned_abs())
    }

    /// The wall time of this moment by the wall clock as it goes `now`.
    pub(super) fn wall_seen_from(&self, now: &Self) -> Timestamp {
        if self.boot != now.boot {
            return self.wall;
        }
        let ago = now
            .uptime
            .as_millis()
            .saturating_sub(self.uptime.as_millis());
        let ago = SignedDuration::from_millis(i64::try_from(ago).unwrap_or(i64::MAX));
        let seen = now.wall.checked_sub(ago).unwrap_or(self.wall);
        if is_near(seen, self.wall) {
            self.wall
        } else {
            seen
        }
    }

    /// The moment the wall clock stood at `wall`, if that was at most `most` ago and after
    /// `after`; otherwise this moment.
    pub(super) fn back_to(&self, wall: Timestamp, most: Duration, after: &Self) -> Self {
        let back = self.wall.duration_since(wall);
        let millis = u64::try_from(back.as_millis()).unwrap_or(u64::MAX);
        let then = self
            .uptime
            .as_millis()
            .checked_sub(millis)
            .and_then(Uptime::from_millis);
        match then {
            Some(uptime)
                if back.unsigned_abs() <= most
                    && (self.boot != after.boot || uptime > after.uptime) =>
            {
                Self {
                    boot: self.boot.clone(),
                    uptime,
                    wall,
                }
            }
            Some(_) | None => self.clone(),
        }
    }
}

/// Whether two readings of a wall clock differ by no more than slewing makes.
pub(super) fn is_near(a: Timestamp, b: Timestamp) -> bool {
    a.duration_since(b).unsigned_abs() <= SLEW
}
