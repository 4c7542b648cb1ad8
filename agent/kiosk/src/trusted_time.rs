//! A floor of the time that nobody at the kiosk can move: it rises by what was authenticated, and
//! by the machine's uptime since. It is never later than the true time, and may be long before it.

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{Boot, Uptime};

/// The floor. It only rises; what is written down is [`TrustedTime::floor`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedTime {
    floor: Timestamp,
    /// The boot and the uptime at which the floor was true.
    anchor: (Boot, Uptime),
}

impl TrustedTime {
    /// The floor that was written down, in the boot that reads it: it was true before this boot
    /// began, so it is true at its beginning.
    #[must_use]
    pub fn restored(floor: Timestamp, boot: Boot) -> Self {
        Self {
            floor,
            anchor: (boot, Uptime::new(Duration::ZERO)),
        }
    }

    /// Takes a time that was authenticated, and was true at this uptime.
    pub fn learn(&mut self, time: Timestamp, boot: &Boot, uptime: Uptime) {
        if time > self.now(boot, uptime) {
            self.floor = time;
            self.anchor = (boot.clone(), uptime);
        }
    }

    /// The floor now.
    #[must_use]
    pub fn now(&self, boot: &Boot, uptime: Uptime) -> Timestamp {
        let (anchored, at) = &self.anchor;
        if anchored != boot {
            return self.floor;
        }
        let since = uptime.as_duration().saturating_sub(at.as_duration());
        self.floor.checked_add(since).unwrap_or(Timestamp::MAX)
    }

    /// What is to be written down, so that a restart goes on from here.
    #[must_use]
    pub fn floor(&self, boot: &Boot, uptime: Uptime) -> Timestamp {
        self.now(boot, uptime)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boot(name: u8) -> Boot {
        format!("boot-{name}").parse().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn up(seconds: u64) -> Uptime {
        Uptime::new(Duration::from_secs(seconds))
    }

    #[test]
    fn it_rises_with_the_uptime_and_not_with_a_clock() {
        let mut time = TrustedTime::restored(at(1_000), boot(1));
        assert_eq!(time.now(&boot(1), up(60)), at(1_060));
        time.learn(at(5_000), &boot(1), up(100));
        assert_eq!(time.now(&boot(1), up(160)), at(5_060));
        // Older news does not move it.
        time.learn(at(2_000), &boot(1), up(170));
        assert_eq!(time.now(&boot(1), up(170)), at(5_070));
        // In another boot nothing is known of how long the machine was off.
        let again = TrustedTime::restored(time.floor(&boot(1), up(170)), boot(2));
        assert_eq!(again.now(&boot(2), up(0)), at(5_070));
        assert_eq!(again.now(&boot(2), up(30)), at(5_100));
    }

    proptest! {
        #[test]
        fn it_never_falls_and_never_passes_the_true_time(
            steps in prop::collection::vec((0_u64..1_000_000, any::<bool>(), any::<bool>()), 1..60),
        ) {
            // The true time, and what the machine knows of it.
            let (mut truth, mut uptime, mut number) = (1_000_000_i64, 0_u64, 0_u8);
            let mut time = TrustedTime::restored(at(truth), boot(number));
            let mut last = at(truth);
            for (passed, is_told, is_rebooted) in steps {
                truth += i64::try_from(passed).unwrap();
                if is_rebooted {
                    // It was off for all of that, and wrote down what it knew before.
                    let floor = time.floor(&boot(number), up(uptime));
                    number = number.wrapping_add(1);
                    uptime = 0;
                    time = TrustedTime::restored(floor, boot(number));
                } else {
                    uptime += passed;
                }
                if is_told {
                    time.learn(at(truth), &boot(number), up(uptime));
                    prop_assert_eq!(time.now(&boot(number), up(uptime)), at(truth));
                }
                let now = time.now(&boot(number), up(uptime));
                prop_assert!(now >= last && now <= at(truth));
                last = now;
            }
        }
    }
}
