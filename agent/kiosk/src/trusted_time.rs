//! A floor of the time that nobody at the kiosk can move: it rises by what was authenticated, and
//! by the machine's uptime since. It is never later than the true time, and may be long before it.

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{Boot, Clock, Uptime};
use serde::{Deserialize, Serialize};

/// The floor. It only rises; what is written down is [`TrustedTime::floor`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedTime {
    floor: Timestamp,
    /// The boot and the uptime at which the floor was true.
    anchor: (Boot, Uptime),
}

/// A moment of a machine that knows no time: so long after this boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Which boot.
    pub boot: Boot,
    /// How long after it.
    pub uptime: Duration,
}

impl Moment {
    /// Now, by this clock.
    pub(crate) fn now(clock: &dyn Clock) -> Self {
        Self {
            boot: clock.boot(),
            uptime: clock.uptime().as_duration(),
        }
    }
}

impl TrustedTime {
    /// The floor that was written down, as it is read back in this boot at this uptime. Written
    /// down in an earlier boot it was true before this one began, so it is true at its beginning;
    /// in this very one, at the uptime that was written down with it. Where nobody knows which, it
    /// is true now and no later: time that passed is never counted twice.
    #[must_use]
    pub fn restored(floor: Timestamp, noted: Option<&Moment>, now: Moment) -> Self {
        let uptime = match noted {
            Some(noted) if noted.boot == now.boot => noted.uptime,
            Some(_) => Duration::ZERO,
            None => now.uptime,
        };
        Self {
            floor,
            anchor: (now.boot, Uptime::new(uptime)),
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

    fn moment(boot_name: u8, seconds: u64) -> Moment {
        Moment {
            boot: boot(boot_name),
            uptime: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn it_rises_with_the_uptime_and_not_with_a_clock() {
        let mut time = TrustedTime::restored(at(1_000), None, moment(1, 0));
        assert_eq!(time.now(&boot(1), up(60)), at(1_060));
        time.learn(at(5_000), &boot(1), up(100));
        assert_eq!(time.now(&boot(1), up(160)), at(5_060));
        // Older news does not move it.
        time.learn(at(2_000), &boot(1), up(170));
        assert_eq!(time.now(&boot(1), up(170)), at(5_070));
        // In another boot nothing is known of how long the machine was off.
        let floor = time.floor(&boot(1), up(170));
        let again = TrustedTime::restored(floor, Some(&moment(1, 170)), moment(2, 20));
        assert_eq!(again.now(&boot(2), up(0)), at(5_070));
        assert_eq!(again.now(&boot(2), up(30)), at(5_100));
    }

    #[test]
    fn a_restart_in_the_same_boot_counts_no_uptime_twice() {
        let days = |days: u64| days * 24 * 3_600;
        let noted = moment(1, days(60));
        let mut floor = at(1_000_000);
        // Sixty days after the boot an agent is restarted every minute for an hour.
        for minute in 1..=60 {
            let now = moment(1, days(60) + minute * 60);
            let noted = moment(1, days(60) + (minute - 1) * 60);
            let time = TrustedTime::restored(floor, Some(&noted), now.clone());
            floor = time.floor(&now.boot, Uptime::new(now.uptime));
        }
        assert_eq!(floor, at(1_003_600));
        // One of a version that wrote down no moment adds what it saw itself.
        let time = TrustedTime::restored(floor, None, noted.clone());
        assert_eq!(time.now(&noted.boot, Uptime::new(noted.uptime)), floor);
    }

    proptest! {
        #[test]
        fn it_never_falls_and_never_passes_the_true_time(
            steps in prop::collection::vec((0_u64..1_000_000, any::<bool>(), 0_u8..4), 1..60),
        ) {
            // The true time, and what the machine knows of it.
            let (mut truth, mut uptime, mut number) = (1_000_000_i64, 0_u64, 0_u8);
            let mut time = TrustedTime::restored(at(truth), None, moment(number, uptime));
            let mut last = at(truth);
            for (passed, is_told, what) in steps {
                truth += i64::try_from(passed).unwrap();
                let floor = time.floor(&boot(number), up(uptime));
                let noted = moment(number, uptime);
                match what {
                    // It was off for all of that, and wrote down what it knew before.
                    0 => {
                        number = number.wrapping_add(1);
                        uptime = 0;
                        time = TrustedTime::restored(floor, Some(&noted), moment(number, uptime));
                    }
                    // The agent alone was off, and the machine ran on.
                    1 => {
                        uptime += passed;
                        time = TrustedTime::restored(floor, Some(&noted), moment(number, uptime));
                    }
                    _ => uptime += passed,
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
