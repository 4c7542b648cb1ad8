//! Sessions: who is signed in, until idle too long.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{Person, SecretHash};

/// Sessions at once; one more ends the one idle longest.
const SESSIONS_MAX: usize = 256;

/// Those signed in.
pub(super) struct Sessions {
    idle_max: Duration,
    open: HashMap<SecretHash, Session>,
}

struct Session {
    person: Person,
    used: Instant,
}

impl Sessions {
    pub(super) fn new(idle_max: Duration) -> Self {
        Self {
            idle_max,
            open: HashMap::new(),
        }
    }

    pub(super) fn open(&mut self, secret: SecretHash, person: Person, now: Instant) {
        if self.count(now) >= SESSIONS_MAX {
            let idlest = self.open.iter().min_by_key(|(_, session)| session.used);
            if let Some(secret) = idlest.map(|(secret, _)| *secret) {
                self.open.remove(&secret);
            }
        }
        self.open.insert(secret, Session { person, used: now });
    }

    pub(super) fn use_now(&mut self, secret: &SecretHash, now: Instant) -> Option<Person> {
        let session = self.open.get_mut(secret)?;
        if now.duration_since(session.used) >= self.idle_max {
            self.open.remove(secret);
            return None;
        }
        session.used = now;
        Some(session.person.clone())
    }

    pub(super) fn is_open(&self, secret: &SecretHash, now: Instant) -> bool {
        let session = self.open.get(secret);
        session.is_some_and(|session| now.duration_since(session.used) < self.idle_max)
    }

    pub(super) fn close(&mut self, secret: &SecretHash) -> Option<Person> {
        self.open.remove(secret).map(|session| session.person)
    }

    pub(super) fn close_all(&mut self) {
        self.open.clear();
    }

    pub(super) fn count(&mut self, now: Instant) -> usize {
        let idle_max = self.idle_max;
        self.open
            .retain(|_, session| now.duration_since(session.used) < idle_max);
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Role;

    const IDLE: Duration = Duration::from_secs(60);

    #[test]
    fn a_session_lives_while_used_and_ends_when_idle() {
        let start = Instant::now();
        let mut sessions = Sessions::new(IDLE);
        sessions.open(SecretHash::of("a"), somebody(), start);
        let nearly = IDLE - Duration::from_nanos(1);
        assert!(
            sessions
                .use_now(&SecretHash::of("a"), start + nearly)
                .is_some()
        );
        assert!(
            sessions
                .use_now(&SecretHash::of("a"), start + nearly * 2)
                .is_some()
        );
        assert!(
            sessions
                .use_now(&SecretHash::of("a"), start + nearly * 2 + IDLE)
                .is_none()
        );
        assert!(
            sessions
                .use_now(&SecretHash::of("a"), start + nearly * 2)
                .is_none()
        );
    }

    #[test]
    fn the_session_idle_longest_makes_room() {
        let start = Instant::now();
        let mut sessions = Sessions::new(IDLE);
        for number in 0..=SESSIONS_MAX {
            let then = start + Duration::from_millis(number as u64);
            sessions.open(SecretHash::of(&number.to_string()), somebody(), then);
        }
        let now = start + Duration::from_secs(1);
        assert_eq!(sessions.count(now), SESSIONS_MAX);
        assert!(sessions.use_now(&SecretHash::of("0"), now).is_none());
        assert!(sessions.use_now(&SecretHash::of("1"), now).is_some());
    }

    fn somebody() -> Person {
        Person {
            name: "somebody".to_owned(),
            role: Role::Admin,
        }
    }
}
