//! The clocks of this machine, and the measurement of how far its wall clock is off.
//!
//! The measurement is a core: it is told of requests and replies and knows no socket. The
//! gateway's answer is taken to have been given in the middle of the round trip, so the error is
//! at most half of it; of several answers the one with the shortest round trip is the best.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Boot, Clock, ClockReply, ClockReport, ClockRequest, Uptime};
use nix::time::{ClockId, clock_gettime};

/// Where Linux tells the random name of this boot.
const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";

/// Requests in one measurement: enough that one slow answer does not decide.
const REQUESTS: usize = 5;

/// The clocks of this machine.
#[derive(Debug, Clone)]
pub struct SystemClock {
    boot: Boot,
}

impl SystemClock {
    /// Reads the name of this boot.
    ///
    /// # Errors
    /// Where the kernel does not tell it.
    pub fn new() -> std::io::Result<Self> {
        let text = std::fs::read_to_string(BOOT_ID_FILE)?;
        let boot = text.trim().parse().map_err(std::io::Error::other)?;
        Ok(Self { boot })
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uptime(&self) -> Uptime {
        let now = clock_gettime(ClockId::CLOCK_BOOTTIME)
            .expect("Linux has had CLOCK_BOOTTIME since 2.6.39");
        Uptime::new(Duration::from(now))
    }

    fn boot(&self) -> Boot {
        self.boot.clone()
    }
}

/// One measurement of the clock: five questions, one after the other.
#[derive(Debug, Clone)]
pub struct ClockMeter {
    boot: Boot,
    first_id: u64,
    asked: usize,
    best: Option<ClockReport>,
    answered: usize,
}

impl ClockMeter {
    /// A new measurement; its requests are numbered from `first_id`, so that a late answer to an
    /// earlier measurement is not taken for one of this.
    #[must_use]
    pub fn new(boot: Boot, first_id: u64) -> Self {
        Self {
            boot,
            first_id,
            asked: 0,
            best: None,
            answered: 0,
        }
    }

    /// The next request, sent at this uptime; none when the measurement is complete.
    pub fn next_request(&mut self, uptime: Uptime) -> Option<ClockRequest> {
        if self.asked == REQUESTS {
            return None;
        }
        self.asked += 1;
        Some(ClockRequest {
            id: self.first_id + self.asked as u64,
            uptime,
        })
    }

    /// Takes an answer heard at this uptime; whether it was the answer to the last request.
    pub fn handle_reply(&mut self, reply: &ClockReply, heard: Uptime) -> bool {
        let expected = self.first_id + self.asked as u64;
        if self.asked == 0 || reply.id != expected || self.answered == self.asked {
            return false;
        }
        self.answered = self.asked;
        let round_trip = heard.as_millis().saturating_sub(reply.uptime.as_millis());
        // Rounded up, and a millisecond more for the uptime's own: the error is never understated.
        let error_ms = (round_trip + 1).div_ceil(2);
        if self
            .best
            .as_ref()
            .is_none_or(|best| error_ms < best.error_ms)
        {
            let half = SignedDuration::from_millis(i64::try_from(round_trip / 2).unwrap_or(0));
            self.best = Some(ClockReport {
                boot: self.boot.clone(),
                uptime: heard,
                time: reply.time.checked_add(half).unwrap_or(reply.time),
                error_ms,
            });
        }
        true
    }

    /// Whether every request has its answer.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.answered == REQUESTS
    }

    /// The best answer so far.
    #[must_use]
    pub fn report(&self) -> Option<&ClockReport> {
        self.best.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uptime(millis: u64) -> Uptime {
        Uptime::from_millis(millis).unwrap()
    }

    #[test]
    fn the_answer_with_the_shortest_round_trip_is_reported_from_its_middle() {
        let mut meter = ClockMeter::new("b".parse().unwrap(), 10);
        let time: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        for (sent, heard) in [
            (0, 900),
            (1_000, 1_040),
            (2_000, 2_500),
            (3_000, 3_100),
            (4_000, 4_400),
        ] {
            let request = meter.next_request(uptime(sent)).unwrap();
            let reply = ClockReply {
                id: request.id,
                uptime: request.uptime,
                time,
            };
            assert!(meter.handle_reply(&reply, uptime(heard)));
            assert!(
                !meter.handle_reply(&reply, uptime(heard)),
                "an answer counts once"
            );
        }
        assert!(meter.is_complete() && meter.next_request(uptime(9_000)).is_none());
        let report = meter.report().unwrap();
        assert_eq!((report.uptime, report.error_ms), (uptime(1_040), 21));
        assert_eq!(report.time, "2026-05-01T00:00:00.020Z".parse().unwrap());
    }

    #[test]
    fn an_answer_to_another_measurement_is_not_taken() {
        let mut meter = ClockMeter::new("b".parse().unwrap(), 100);
        meter.next_request(uptime(0)).unwrap();
        let late = ClockReply {
            id: 5,
            uptime: uptime(0),
            time: Timestamp::UNIX_EPOCH,
        };
        assert!(!meter.handle_reply(&late, uptime(1)));
        assert!(meter.report().is_none());
    }
}
