//! Who calls too often, and who tries passwords: limits by address, for the door and for HTTP.
//!
//! Each owner has its own: a device's good password at the door forgives no guess at an
//! administrator's. Nothing here waits. Behind a branch's router many devices share an address,
//! so the limits are generous, and who shows a certificate is not held for others' passwords.

mod book;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lujiang_config::MqttSection;

use self::book::Book;
pub use self::book::Caller;

/// What one address may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressLimits {
    /// Attempts a minute, lasting, and as many at once after a quiet time.
    pub attempts_per_minute_max: u32,
    /// Wrong passwords in a row before the address has to pause.
    pub failed_logins_max: u32,
    /// The first pause; each further wrong password doubles it.
    pub failed_login_backoff_min: Duration,
    /// The longest pause; after as long without a wrong password, a minute at least, those
    /// before are forgotten.
    pub failed_login_backoff_max: Duration,
}

impl AddressLimits {
    /// The limits the configuration gives.
    #[must_use]
    pub fn of(section: &MqttSection) -> Self {
        Self {
            attempts_per_minute_max: section.attempts_per_minute_max,
            failed_logins_max: section.failed_logins_max,
            failed_login_backoff_min: section.failed_login_backoff_min,
            failed_login_backoff_max: section.failed_login_backoff_max,
        }
    }
}

/// An address that has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts from this address")]
pub struct Held {
    /// When it may try again.
    pub until: Instant,
}

impl Held {
    /// How long that is from now.
    #[must_use]
    pub fn retry_after(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }
}

/// The addresses heard from lately: 8,192 at most, an IPv6 /64 being one. Beyond that those who
/// owe nothing are forgotten, then those silent for longest; strangers are never refused for it.
#[derive(Debug)]
pub struct Addresses {
    book: Mutex<Book>,
}

impl Addresses {
    /// Nobody heard from yet.
    #[must_use]
    pub fn new(limits: AddressLimits) -> Self {
        Self {
            book: Mutex::new(Book::new(limits)),
        }
    }

    /// Counts an attempt to log in or to enrol; ask this before looking at the secret.
    ///
    /// # Errors
    /// When the address tries too often, or pauses for wrong passwords.
    pub fn attempt(&self, address: IpAddr, now: Instant) -> Result<(), Held> {
        self.may_log_in(address, now)?;
        self.call(address, now)
    }

    /// Counts a connection, whatever it will be used for.
    ///
    /// # Errors
    /// When the address calls too often.
    pub fn call(&self, address: IpAddr, now: Instant) -> Result<(), Held> {
        self.book().call(address.into(), now)
    }

    /// Says whether a password of this address is looked at now; counts nothing.
    ///
    /// # Errors
    /// While the address pauses for wrong passwords.
    pub fn may_log_in(&self, address: IpAddr, now: Instant) -> Result<(), Held> {
        self.book().may_log_in(address.into(), now)
    }

    /// Notes a wrong password, token or the like.
    pub fn failed(&self, address: IpAddr, now: Instant) {
        let chance = rand::random_range(0.0..1.0);
        self.book().failed(address.into(), now, chance);
    }

    /// Notes a right one: the wrong ones before it are forgiven.
    pub fn succeeded(&self, address: IpAddr, now: Instant) {
        self.book().succeeded(address.into(), now);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Every change is whole before the guard goes, also if its holder panicked.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
