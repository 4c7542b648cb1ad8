//! What is remembered of each address, and the rules. No clock, no lock, no chance in here.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::{AddressLimits, Held};
use crate::pace::{Pace, Rate};

/// Addresses remembered at once, about 1 MiB.
pub(super) const ADDRESSES_MAX: usize = 8_192;

/// One of so many addresses is forgotten when there is no more room.
const FORGOTTEN_SHARE: usize = 4;

const MINUTE: Duration = Duration::from_secs(60);

/// Whom a limit is about: an IPv4 address, or a whole IPv6 /64, which is what one line is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller(IpAddr);

impl From<IpAddr> for Caller {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from_bits(network))
            }
        })
    }
}

/// The addresses heard from lately.
#[derive(Debug)]
pub(super) struct Book {
    limits: AddressLimits,
    rate: Rate,
    entries: HashMap<Caller, Entry>,
}

#[derive(Debug)]
struct Entry {
    heard_at: Instant,
    attempts: Pace,
    failures: u32,
    failed_at: Instant,
    held_until: Instant,
}

impl Book {
    pub(super) fn new(limits: AddressLimits) -> Self {
        let attempts = u64::from(limits.attempts_per_minute_max.max(1));
        let rate = Rate {
            amount: attempts,
            period: MINUTE,
            burst: attempts,
        };
        Self {
            limits,
            rate,
            entries: HashMap::new(),
        }
    }

    /// Counts an attempt.
    pub(super) fn call(&mut self, caller: Caller, now: Instant) -> Result<(), Held> {
        let rate = self.rate;
        let entry = self.entry(caller, now);
        let taken = entry.attempts.try_take(&rate, 1, now);
        taken.map_err(|until| Held { until })
    }

    /// Whether wrong passwords hold the address back.
    pub(super) fn may_log_in(&self, caller: Caller, now: Instant) -> Result<(), Held> {
        match self.entries.get(&caller) {
            Some(entry) if entry.held_until > now => Err(Held {
                until: entry.held_until,
            }),
            _ => Ok(()),
        }
    }

    /// Notes a wrong password. `chance` is between 0 and 1: the pause is cut by up to a quarter
    /// with it, so that those who were held together do not come back together.
    pub(super) fn failed(&mut self, caller: Caller, now: Instant, chance: f64) {
        let limits = self.limits;
        let entry = self.entry(caller, now);
        if entry.is_forgiven(&limits, now) {
            entry.failures = 0;
        }
        entry.failures = entry.failures.saturating_add(1);
        entry.failed_at = now;
        if let Some(beyond) = entry.failures.checked_sub(limits.failed_logins_max) {
            let doubled = 2_u32.saturating_pow(beyond);
            let pause = limits.failed_login_backoff_min.saturating_mul(doubled);
            let pause = pause.min(limits.failed_login_backoff_max);
            entry.held_until = now + pause.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 4.0);
        }
    }

    /// Notes a right password: the wrong ones before were mistakes.
    pub(super) fn succeeded(&mut self, caller: Caller, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&caller) {
            entry.failures = 0;
            entry.heard_at = now;
        }
    }

    fn entry(&mut self, caller: Caller, now: Instant) -> &mut Entry {
        if self.entries.len() >= ADDRESSES_MAX && !self.entries.contains_key(&caller) {
            self.make_room(now);
        }
        let entry = self.entries.entry(caller).or_insert_with(|| Entry {
            heard_at: now,
            attempts: Pace::new(now),
            failures: 0,
            failed_at: now,
            held_until: now,
        });
        entry.heard_at = now;
        entry
    }

    /// Forgets who owes nothing; if that is nobody, the quarter heard from longest ago. Whoever
    /// commands thousands of addresses gains a few attempts by it; refusing strangers instead
    /// would let them lock everybody out.
    fn make_room(&mut self, now: Instant) {
        let limits = self.limits;
        let owes =
            |entry: &Entry| !(entry.attempts.is_paid(now) && entry.is_forgiven(&limits, now));
        self.entries.retain(|_, entry| owes(entry));
        if self.entries.len() < ADDRESSES_MAX {
            return;
        }
        let mut heard: Vec<Instant> = self.entries.values().map(|entry| entry.heard_at).collect();
        let forgotten = heard.len() / FORGOTTEN_SHARE;
        let (_, oldest_kept, _) = heard.select_nth_unstable(forgotten);
        let oldest_kept = *oldest_kept;
        self.entries
            .retain(|_, entry| entry.heard_at >= oldest_kept);
        if self.entries.len() >= ADDRESSES_MAX {
            // All at the same moment: none is older than another.
            self.entries.clear();
        }
    }
}

impl Entry {
    /// Whether the last wrong password is so long ago that it does not count any more.
    fn is_forgiven(&self, limits: &AddressLimits, now: Instant) -> bool {
        self.failures == 0
            || now.duration_since(self.failed_at) >= limits.failed_login_backoff_max.max(MINUTE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits() -> AddressLimits {
        AddressLimits {
            attempts_per_minute_max: 60,
            failed_logins_max: 3,
            failed_login_backoff_min: SECOND,
            failed_login_backoff_max: SECOND * 100,
        }
    }

    fn caller(text: &str) -> Caller {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn numbered(number: u32) -> Caller {
        IpAddr::V4(number.into()).into()
    }

    #[test]
    fn one_address_calls_so_often_a_minute_and_others_are_not_counted_with_it() {
        let mut book = Book::new(limits());
        let (start, flood) = (Instant::now(), caller("192.0.2.1"));
        for _ in 0..60 {
            book.call(flood, start).unwrap();
        }
        let until = start + SECOND;
        assert_eq!(book.call(flood, start), Err(Held { until }));
        book.call(caller("192.0.2.2"), start).unwrap();
        book.call(flood, until).unwrap();
    }

    #[test]
    fn after_some_wrong_passwords_each_doubles_the_pause() {
        let mut book = Book::new(limits());
        let (start, guesser) = (Instant::now(), caller("192.0.2.1"));
        let mut now = start;
        for _ in 0..2 {
            book.failed(guesser, now, 0.0);
            book.may_log_in(guesser, now).unwrap();
        }
        for seconds in [1, 2, 4, 8, 16, 32, 64, 100, 100] {
            book.failed(guesser, now, 0.0);
            let until = now + SECOND * seconds;
            assert_eq!(book.may_log_in(guesser, now), Err(Held { until }));
            book.may_log_in(caller("192.0.2.2"), now).unwrap();
            book.may_log_in(guesser, until).unwrap();
            now = until - SECOND / 2;
        }
        book.failed(guesser, now, 1.0);
        let until = now + SECOND * 75;
        assert_eq!(
            book.may_log_in(guesser, now),
            Err(Held { until }),
            "chance shortens it by a quarter at most"
        );
    }

    #[test]
    fn a_right_password_or_a_quiet_time_forgives() {
        let mut book = Book::new(limits());
        let (start, clumsy) = (Instant::now(), caller("192.0.2.1"));
        for _ in 0..10 {
            for _ in 0..2 {
                book.failed(clumsy, start, 0.0);
            }
            book.succeeded(clumsy, start);
        }
        book.may_log_in(clumsy, start).unwrap();
        for round in 0..10 {
            let now = start + SECOND * 100 * round;
            for _ in 0..2 {
                book.failed(clumsy, now, 0.0);
            }
            book.may_log_in(clumsy, now).unwrap();
        }
    }

    #[test]
    fn a_line_of_ipv6_is_one_caller_and_a_mapped_address_is_its_ipv4() {
        assert_eq!(caller("2001:db8::1"), caller("2001:db8::ffff:1:2:3"));
        assert_ne!(caller("2001:db8::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("::ffff:192.0.2.1"), caller("192.0.2.1"));
    }

    #[test]
    fn memory_is_bounded_and_who_owes_nothing_goes_first() {
        let mut book = Book::new(limits());
        let start = Instant::now();
        let quiet = u32::try_from(ADDRESSES_MAX).unwrap() - 1;
        for number in 0..quiet {
            book.call(numbered(number), start).unwrap();
        }
        let guesser = caller("203.0.113.1");
        for _ in 0..5 {
            book.failed(guesser, start, 0.0);
        }
        let now = start + SECOND * 2;
        book.call(numbered(quiet), now).unwrap();
        assert_eq!(book.entries.len(), 2, "only the guesser and the newcomer");
        book.may_log_in(guesser, now).unwrap_err();
    }

    #[test]
    fn beyond_the_bound_the_longest_silent_are_forgotten_and_strangers_still_come() {
        let mut book = Book::new(limits());
        let start = Instant::now();
        for number in 0..100_000 {
            let now = start + Duration::from_micros(number.into());
            for _ in 0..5 {
                book.failed(numbered(number), now, 0.0);
            }
            book.may_log_in(numbered(number), now).unwrap_err();
            assert!(book.entries.len() <= ADDRESSES_MAX);
        }
        book.call(caller("203.0.113.1"), start + SECOND).unwrap();
        assert!(book.entries.len() > ADDRESSES_MAX / 2);
        let mut book = Book::new(limits());
        for number in 0..20_000 {
            book.failed(numbered(number), start, 0.0);
            assert!(book.entries.len() <= ADDRESSES_MAX, "all at one moment");
        }
    }
}
