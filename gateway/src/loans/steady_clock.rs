//! Whether the wall clock can be believed before something is erased by it. A gateway that starts
//! without a network may stand in another year until it is told the time; what was forgotten then
//! does not come back.

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::Uptime;

/// How much the wall clock may stray from the time that passed between two looks. Within it, it is
/// corrected now and then.
const STRAY_MAX: Duration = Duration::from_secs(3_600);

/// The wall clock, looked at now and then.
#[derive(Debug, Default)]
pub(super) struct SteadyClock {
    last: Option<(Timestamp, Uptime)>,
}

impl SteadyClock {
    /// Looks at it; says whether it went on since the last look as the time did. Of the first look
    /// nothing is known.
    pub(super) fn look(&mut self, wall: Timestamp, uptime: Uptime) -> bool {
        let Some((wall_before, uptime_before)) = self.last.replace((wall, uptime)) else {
            return false;
        };
        let told = i128::from(wall.duration_since(wall_before).as_secs());
        let passed = uptime
            .as_duration()
            .saturating_sub(uptime_before.as_duration());
        let strayed = (told - i128::from(passed.as_secs())).unsigned_abs();
        strayed <= u128::from(STRAY_MAX.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: &str, hours: u64) -> (Timestamp, Uptime) {
        let uptime = Uptime::new(Duration::from_secs(3_600 * hours));
        (wall.parse().unwrap(), uptime)
    }

    /// What each look says.
    fn looks(looks: &[(&str, u64)]) -> Vec<bool> {
        let mut clock = SteadyClock::default();
        let looks = looks.iter().map(|(wall, hours)| at(wall, *hours));
        looks.map(|(wall, up)| clock.look(wall, up)).collect()
    }

    #[test]
    fn a_clock_is_believed_from_the_second_look_on() {
        let seen = looks(&[
            ("2026-03-02T00:00:00Z", 1),
            ("2026-03-02T06:00:00Z", 7),
            ("2026-03-02T12:40:00Z", 13),
        ]);
        assert_eq!(seen, [false, true, true]);
    }

    #[test]
    fn a_clock_that_was_set_is_not_believed_until_it_has_stood_so_for_a_while() {
        let seen = looks(&[
            ("2036-03-02T00:00:00Z", 0),
            ("2026-03-02T06:00:00Z", 6),
            ("2026-03-02T12:00:00Z", 12),
            ("2026-06-02T18:00:00Z", 18),
            ("2026-06-02T23:59:00Z", 24),
        ]);
        assert_eq!(seen, [false, false, true, false, true]);
    }
}
