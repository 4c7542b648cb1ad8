//! Wrong passwords of people: how they slow down whoever guesses, and how many the audit is told.
//!
//! The address is held by the door's own rules ([`Addresses`]); the account is held as well, for
//! guesses may come from everywhere, but shortly: whoever wants to keep the administrator out
//! must not be able to. The audit is told of each wrong password until they are a flood.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lujiang_broker::{AddressLimits, Addresses};

use super::SecretHash;

/// Longest pause of an account: a guess each half minute finds no password of twelve characters.
const ACCOUNT_PAUSE_MAX: Duration = Duration::from_secs(30);
/// After so long without a wrong password those before are forgotten.
const FORGIVEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// Names remembered at once; beyond it the one tried longest ago is forgotten.
const NAMES_MAX: usize = 256;

/// Wrong passwords told to the audit at once, after a quiet time.
const TOLD_BURST: u32 = 20;
/// And one more each time this has passed: a flood of a year leaves no more than 100 MB.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// Who has to wait, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) Duration);

/// The limits on signing in, by address and by name.
pub(super) struct Gate {
    addresses: Addresses,
    names: Mutex<Names>,
    told: Mutex<Told>,
}

impl Gate {
    pub(super) fn new(limits: AddressLimits) -> Self {
        Self {
            addresses: Addresses::new(limits),
            names: Mutex::new(Names::new(limits)),
            told: Mutex::new(Told::new(Instant::now())),
        }
    }

    /// Counts an attempt; ask this before looking at the password.
    pub(super) fn attempt(&self, address: IpAddr, name: &str, now: Instant) -> Result<(), Wait> {
        let attempted = self.addresses.attempt(address, now);
        attempted.map_err(|held| Wait(held.retry_after(now)))?;
        self.may_try(address, name, now)
    }

    /// Whether a password may be looked at now: it may not any more, after a wait among others.
    pub(super) fn may_try(&self, address: IpAddr, name: &str, now: Instant) -> Result<(), Wait> {
        let may = self.addresses.may_log_in(address, now);
        may.map_err(|held| Wait(held.retry_after(now)))?;
        lock(&self.names).may_try(name, now)
    }

    /// Notes a wrong password. Where the audit is to be told: how many it was not told before.
    pub(super) fn failed(&self, address: IpAddr, name: &str, now: Instant) -> Option<u64> {
        self.addresses.failed(address, now);
        lock(&self.names).failed(name, now);
        lock(&self.told).tell(now)
    }

    /// Notes a right one.
    pub(super) fn succeeded(&self, address: IpAddr, name: &str, now: Instant) {
        self.addresses.succeeded(address, now);
        lock(&self.names).succeeded(name);
    }
}

/// Wrong passwords by name, whether or not there is such an account: who waits learns nothing.
struct Names {
    free: u32,
    first_pause: Duration,
    tried: HashMap<SecretHash, Tried>,
}

struct Tried {
    failures: u32,
    failed_at: Instant,
    held_until: Instant,
}

impl Names {
    fn new(limits: AddressLimits) -> Self {
        Self {
            free: limits.failed_logins_max,
            first_pause: limits.failed_login_backoff_min,
            tried: HashMap::new(),
        }
    }

    fn may_try(&self, name: &str, now: Instant) -> Result<(), Wait> {
        match self.tried.get(&key(name)) {
            Some(tried) if tried.held_until > now => Err(Wait(tried.held_until - now)),
            _ => Ok(()),
        }
    }

    fn failed(&mut self, name: &str, now: Instant) {
        let key = key(name);
        if self.tried.len() >= NAMES_MAX && !self.tried.contains_key(&key) {
            let oldest = self.tried.iter().min_by_key(|(_, tried)| tried.failed_at);
            if let Some(oldest) = oldest.map(|(name, _)| *name) {
                self.tried.remove(&oldest);
            }
        }
        let tried = self.tried.entry(key).or_insert(Tried {
            failures: 0,
            failed_at: now,
            held_until: now,
        });
        if now.duration_since(tried.failed_at) >= FORGIVEN_AFTER {
            tried.failures = 0;
        }
        tried.failures = tried.failures.saturating_add(1);
        tried.failed_at = now;
        if let Some(beyond) = tried.failures.checked_sub(self.free) {
            let pause = self
                .first_pause
                .saturating_mul(2_u32.saturating_pow(beyond));
            tried.held_until = now + pause.min(ACCOUNT_PAUSE_MAX);
        }
    }

    fn succeeded(&mut self, name: &str) {
        self.tried.remove(&key(name));
    }
}

/// What the audit is told.
struct Told {
    left: u32,
    filled_at: Instant,
    untold: u64,
}

impl Told {
    fn new(now: Instant) -> Self {
        Self {
            left: TOLD_BURST,
            filled_at: now,
            untold: 0,
        }
    }

    fn tell(&mut self, now: Instant) -> Option<u64> {
        let passed = now.duration_since(self.filled_at);
        let minutes = u32::try_from(passed.as_secs() / TOLD_EVERY.as_secs()).unwrap_or(u32::MAX);
        if minutes > 0 {
            self.left = self.left.saturating_add(minutes).min(TOLD_BURST);
            self.filled_at += TOLD_EVERY * minutes;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Some(std::mem::take(&mut self.untold))
            }
            None => {
                self.untold += 1;
                None
            }
        }
    }
}

/// A name in a room of fixed size; the case in which it is typed does not matter.
fn key(name: &str) -> SecretHash {
    SecretHash::of(&name.trim().to_lowercase())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Each change is whole before the guard goes.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_account_waits_longer_after_each_wrong_password_but_never_long() {
        let now = Instant::now();
        let mut names = Names::new(limits());
        for _ in 0..2 {
            names.failed("admin", now);
            assert_eq!(names.may_try("admin", now), Ok(()));
        }
        let mut waits = Vec::new();
        for _ in 0..7 {
            names.failed("admin", now);
            waits.push(names.may_try(" Admin", now).unwrap_err().0.as_secs());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(names.may_try("other", now), Ok(()));
        assert_eq!(names.may_try("admin", now + 30 * SECOND), Ok(()));
        names.succeeded("admin");
        names.failed("admin", now);
        assert_eq!(names.may_try("admin", now), Ok(()));
    }

    #[test]
    fn wrong_passwords_are_forgotten_in_time_and_names_take_bounded_room() {
        let now = Instant::now();
        let mut names = Names::new(limits());
        for _ in 0..10 {
            names.failed("admin", now);
        }
        let later = now + FORGIVEN_AFTER;
        names.failed("admin", later);
        assert_eq!(names.may_try("admin", later), Ok(()));
        for number in 0..10_000 {
            names.failed(&number.to_string(), later + SECOND);
        }
        assert_eq!(names.tried.len(), NAMES_MAX);
    }

    #[test]
    fn a_flood_of_wrong_passwords_is_told_in_a_bounded_number_of_records() {
        let now = Instant::now();
        let mut told = Told::new(now);
        let mut records = 0;
        let mut counted = 0;
        for number in 0..100_000_u32 {
            if let Some(untold) = told.tell(now + Duration::from_millis(u64::from(number) * 10)) {
                records += 1;
                counted += 1 + untold;
            }
        }
        // 1,000 seconds are 16 minutes.
        assert_eq!(records, TOLD_BURST + 16);
        assert_eq!(counted + told.untold, 100_000);
    }

    fn limits() -> AddressLimits {
        AddressLimits {
            attempts_per_minute_max: 600,
            failed_logins_max: 3,
            failed_login_backoff_min: SECOND,
            failed_login_backoff_max: 300 * SECOND,
        }
    }
}
