//! Passwords: random, shown once, kept as Argon2id hashes, verified a few at a time.
//!
//! A thousand devices that reconnect must not cost a thousand hashes, so the last good password
//! of each row is remembered as a digest keyed with this process's own random key and with the
//! stored hash itself: a changed row forgets by itself. A name nobody has costs a hash as well.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as PhcHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::data_dir::random_bytes;

/// Characters in a password: 160 random bits that can still be typed.
const PASSWORD_LENGTH: usize = 32;

/// 32 of them, five bits each; none is mistaken for another, begins an option, or needs quoting.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Hashes at once: each takes 19 MiB and a core for tens of milliseconds; facts need the others.
const HASHES_AT_ONCE: usize = 2;

/// A new password, before it is shown. Prints as `[redacted]`.
#[derive(Clone)]
pub struct Password(String);

/// A password as it is stored: a PHC string. Prints as `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(String);

/// Verifies passwords; clones share the memory of good ones.
#[derive(Clone)]
pub(crate) struct PasswordDesk {
    hashing: Arc<Semaphore>,
    good: Arc<GoodPasswords>,
    /// Stands in for the hash of a name nobody has.
    decoy: PasswordHash,
}

struct GoodPasswords {
    key: [u8; 32],
    digests: Mutex<HashMap<String, [u8; 32]>>,
}

impl Password {
    /// Makes a password nobody can guess, and its hash. Takes tens of milliseconds.
    pub(crate) fn issue() -> (Self, PasswordHash) {
        let letter = |byte: u8| char::from(ALPHABET[usize::from(byte & 31)]);
        let password: String = random_bytes::<PASSWORD_LENGTH>()
            .map(letter)
            .iter()
            .collect();
        let hash = PasswordHash::of(password.as_bytes());
        (Self(password), hash)
    }

    /// The password, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl PasswordHash {
    /// Wraps what was stored.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text to store.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash of a password that a person chose. Takes tens of milliseconds.
    pub(crate) fn of(password: &[u8]) -> Self {
        let hash = Argon2::default()
            .hash_password(password)
            .expect("the parameters are the crate's own, the salt comes from the system");
        Self(hash.to_string())
    }

    /// Whether it is of this password. Takes tens of milliseconds.
    pub(crate) fn is_of(&self, password: &[u8]) -> bool {
        PhcHash::new(&self.0)
            .is_ok_and(|hash| Argon2::default().verify_password(password, &hash).is_ok())
    }
}

impl PasswordDesk {
    /// Opens the desk. Takes tens of milliseconds: the decoy is a hash too.
    pub(crate) fn open() -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            good: Arc::new(GoodPasswords {
                key: random_bytes(),
                digests: Mutex::default(),
            }),
            decoy: Password::issue().1,
        }
    }

    /// Whether this is the password of the row of that name; no row is never.
    ///
    /// # Cancel safety
    /// A hash that has begun is finished and remembered.
    pub(crate) async fn verify(
        &self,
        name: &str,
        stored: Option<&PasswordHash>,
        password: &[u8],
    ) -> bool {
        if stored.is_some_and(|stored| self.good.knows(name, stored, password)) {
            return true;
        }
        let permit = Arc::clone(&self.hashing).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let good = Arc::clone(&self.good);
        let is_known = stored.is_some();
        let stored = stored.unwrap_or(&self.decoy).clone();
        let (name, password) = (name.to_owned(), password.to_vec());
        let hashing = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            // It may have been verified for another connection while this one waited.
            let right = good.knows(&name, &stored, &password) || stored.is_of(&password);
            if right && is_known {
                good.remember(name, &stored, &password);
            }
            right && is_known
        });
        hashing.await.unwrap_or(false)
    }
}

impl GoodPasswords {
    fn knows(&self, name: &str, stored: &PasswordHash, password: &[u8]) -> bool {
        // Both sides are keyed digests: how long the comparison takes tells nothing.
        self.digests().get(name) == Some(&self.digest(stored, password))
    }

    fn remember(&self, name: String, stored: &PasswordHash, password: &[u8]) {
        let digest = self.digest(stored, password);
        self.digests().insert(name, digest);
    }

    fn digest(&self, stored: &PasswordHash, password: &[u8]) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix(self.key);
        digest.update(stored.0.as_bytes());
        digest.update([0]);
        digest.update(password);
        digest.finalize().into()
    }

    fn digests(&self) -> std::sync::MutexGuard<'_, HashMap<String, [u8; 32]>> {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn a_password_opens_its_own_row_only_until_the_row_changes() {
        let desk = PasswordDesk::open();
        let (password, hash) = Password::issue();
        let word = password.reveal().as_bytes();
        assert!(desk.verify("gate-1", Some(&hash), word).await);
        assert!(!desk.verify("gate-1", Some(&hash), b"other").await);
        assert!(!desk.verify("gate-1", None, word).await);
        let (_, changed) = Password::issue();
        assert!(!desk.verify("gate-1", Some(&changed), word).await);
        assert!(!desk.verify("gate-2", Some(&changed), word).await);
        assert_eq!(format!("{password:?} {hash:?}"), "[redacted] [redacted]");
    }

    #[tokio::test]
    async fn a_thousand_reconnections_cost_no_hash_and_an_unknown_name_costs_one() {
        let desk = PasswordDesk::open();
        let (password, hash) = Password::issue();
        let word = password.reveal().as_bytes();
        assert!(desk.verify("gate-1", Some(&hash), word).await);
        let begun = Instant::now();
        for _ in 0..1_000 {
            assert!(desk.verify("gate-1", Some(&hash), word).await);
        }
        let thousand = begun.elapsed();
        // The quickest of some, in turns: other tests take the processor away meanwhile.
        let [mut unknown, mut wrong] = [Duration::MAX; 2];
        for _ in 0..5 {
            let begun = Instant::now();
            assert!(!desk.verify("nobody", None, word).await);
            unknown = unknown.min(begun.elapsed());
            let begun = Instant::now();
            assert!(!desk.verify("gate-1", Some(&hash), b"wrong").await);
            wrong = wrong.min(begun.elapsed());
        }
        assert!(thousand < 100 * unknown, "{thousand:?} against {unknown:?}");
        assert!(unknown > wrong / 4, "{unknown:?} against {wrong:?}");
    }
}
