//! The rates of one client: while it owes more than its bursts, the door does not read it.
//!
//! What is owed is never more than one pause, and a pause never longer than a quarter of its keep
//! alive: so a PINGREQ behind the flood is read before its sender gives up, and whoever sends
//! more than it may for ever goes on at a packet a pause.

use std::time::Duration;

use tokio::time::Instant;

use crate::house::ClientLimits;
use crate::pace::{Pace, Rate};

const SECOND: Duration = Duration::from_secs(1);

/// The meters of one client.
#[derive(Debug)]
pub(crate) struct Throttle {
    messages: Meter,
    bytes: Meter,
    pause_max: Duration,
    paused_until: Option<Instant>,
}

#[derive(Debug)]
struct Meter {
    rate: Rate,
    pace: Pace,
}

impl Throttle {
    pub(crate) fn new(limits: &ClientLimits, keep_alive: Duration, now: Instant) -> Self {
        let meter = |amount, burst| Meter {
            rate: Rate {
                amount,
                period: SECOND,
                burst,
            },
            pace: Pace::new(now.into_std()),
        };
        Self {
            messages: meter(
                limits.messages_per_second.into(),
                limits.messages_burst.into(),
            ),
            bytes: meter(limits.bytes_per_second, limits.bytes_burst),
            pause_max: keep_alive / 4,
            paused_until: None,
        }
    }

    /// A packet was read: its bytes, and whether it counts as a message.
    pub(crate) fn read(&mut self, bytes: usize, messages: u64, now: Instant) {
        self.messages.take(messages, self.pause_max, now);
        self.bytes.take(bytes as u64, self.pause_max, now);
        let until = self.messages.overdrawn_until(now);
        self.paused_until = until.max(self.bytes.overdrawn_until(now));
    }

    /// Until when the client is not read.
    pub(crate) fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Ends the pause that is over.
    pub(crate) fn release(&mut self, now: Instant) {
        self.paused_until = self.paused_until.filter(|until| *until > now);
    }
}

impl Meter {
    fn take(&mut self, amount: u64, debt_max: Duration, now: Instant) {
        self.pace.take(&self.rate, amount, now.into_std());
        self.pace.forgive(&self.rate, debt_max, now.into_std());
    }

    fn overdrawn_until(&self, now: Instant) -> Option<Instant> {
        let until = self.pace.overdrawn_until(&self.rate, now.into_std());
        until.map(Instant::from_std)
    }
}

#[cfg(test)]
mod tests {
    use lujiang_config::MqttSection;

    use super::*;

    const KEEP_ALIVE: Duration = Duration::from_secs(40);

    fn limits(messages: u32, bytes: u64) -> ClientLimits {
        ClientLimits {
            messages_per_second: messages,
            messages_burst: messages,
            bytes_per_second: bytes,
            bytes_burst: bytes,
            ..ClientLimits::of(&MqttSection::default())
        }
    }

    #[test]
    fn within_its_rates_a_client_is_never_paused() {
        let mut now = Instant::now();
        let mut throttle = Throttle::new(&limits(10, 1_000), KEEP_ALIVE, now);
        for _ in 0..1_000 {
            throttle.read(100, 1, now);
            assert_eq!(throttle.paused_until(), None);
            now += Duration::from_millis(100);
        }
    }

    #[test]
    fn whichever_rate_is_exceeded_further_says_how_long() {
        let now = Instant::now();
        let mut throttle = Throttle::new(&limits(10, 1_000), KEEP_ALIVE, now);
        throttle.read(1_500, 11, now);
        let until = now + Duration::from_millis(500);
        assert_eq!(throttle.paused_until(), Some(until));
        throttle.release(now);
        assert_eq!(throttle.paused_until(), Some(until));
        throttle.release(until);
        assert_eq!(throttle.paused_until(), None);
    }

    #[test]
    fn a_pause_is_a_quarter_of_the_keep_alive_at_most_and_pays_all_debt() {
        let now = Instant::now();
        let mut throttle = Throttle::new(&limits(1, 1), KEEP_ALIVE, now);
        for _ in 0..100 {
            throttle.read(1_000_000, 1, now);
        }
        let until = now + KEEP_ALIVE / 4;
        assert_eq!(throttle.paused_until(), Some(until));
        let quiet = until + SECOND;
        throttle.release(quiet);
        throttle.read(1, 1, quiet);
        assert_eq!(
            throttle.paused_until(),
            None,
            "an old flood is not held against it"
        );
    }
}
