//! People: one-time links, sessions, the admin token, and the table of rights.
//!
//! Nobody has a password here: whoever may read the data folder makes a link, and whoever opens
//! it is signed in. Secrets are 256 random bits; only their hashes are kept, in memory, so that
//! a restart signs everybody out. Time-outs run on the machine's monotonic clock.

mod links;
mod rights;
mod secret;
mod sessions;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use lujiang_config::HttpSection;

use links::Links;
pub use rights::{NoRight, Right, Role};
pub use secret::{Secret, SecretHash};
use sessions::Sessions;

/// Who is known to the API: the admin token, those who hold a link, those signed in.
#[derive(Clone)]
pub struct People {
    admin_token: SecretHash,
    link_valid: Duration,
    desk: Arc<Mutex<Desk>>,
}

/// Someone who is signed in, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name in audit records.
    pub name: String,
    /// What this person may do.
    pub role: Role,
}

struct Desk {
    links: Links,
    sessions: Sessions,
}

impl People {
    /// Knows nobody but the bearer of this token.
    #[must_use]
    pub fn new(admin_token: &str, section: &HttpSection) -> Self {
        Self {
            admin_token: SecretHash::of(admin_token.trim()),
            link_valid: section.link_valid,
            desk: Arc::new(Mutex::new(Desk {
                links: Links::default(),
                sessions: Sessions::new(section.session_idle),
            })),
        }
    }

    /// Whether this is the admin token.
    #[must_use]
    pub fn is_admin_token(&self, presented: &str) -> bool {
        SecretHash::of(presented).equals(&self.admin_token)
    }

    /// How long a new link is good for.
    #[must_use]
    pub fn link_valid(&self) -> Duration {
        self.link_valid
    }

    /// Makes the token of a one-time link for this person.
    #[must_use]
    pub fn make_link(&self, person: Person) -> Secret {
        let token = Secret::random();
        let expires = Instant::now() + self.link_valid;
        self.desk()
            .links
            .add(SecretHash::of(token.as_str()), person, expires);
        token
    }

    /// Spends a link: whoever brings it first is signed in, and nobody after.
    #[must_use]
    pub fn sign_in(&self, token: &str) -> Option<(Secret, Person)> {
        let now = Instant::now();
        let mut desk = self.desk();
        let person = desk.links.spend(&SecretHash::of(token), now)?;
        let session = Secret::random();
        desk.sessions
            .open(SecretHash::of(session.as_str()), person.clone(), now);
        Some((session, person))
    }

    /// Who this session belongs to; using it keeps it alive.
    #[must_use]
    pub fn session(&self, session: &str) -> Option<Person> {
        self.desk()
            .sessions
            .use_now(&SecretHash::of(session), Instant::now())
    }

    /// Whether this session is alive; asking does not keep it so.
    #[must_use]
    pub fn is_open(&self, session: &str) -> bool {
        self.desk()
            .sessions
            .is_open(&SecretHash::of(session), Instant::now())
    }

    /// Ends a session; says whose it was.
    pub fn sign_out(&self, session: &str) -> Option<Person> {
        self.desk().sessions.close(&SecretHash::of(session))
    }

    /// Sessions and links now alive.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let now = Instant::now();
        let mut desk = self.desk();
        (desk.sessions.count(now), desk.links.count(now))
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("nothing panics at this desk")
    }
}

/// The path of the page that spends a link.
#[must_use]
pub fn sign_in_path(token: &Secret) -> String {
    format!("/sign-in?token={}", token.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_signs_in_once_and_its_session_ends_at_sign_out() {
        let people = People::new("the-token\n", &HttpSection::default());
        let link = people.make_link(technician());
        assert_eq!(people.sign_in("something else"), None);
        let (session, person) = people.sign_in(link.as_str()).unwrap();
        assert_eq!(person, technician());
        assert_eq!(people.sign_in(link.as_str()), None);
        assert_eq!(people.session(session.as_str()), Some(technician()));
        assert_eq!(people.session(link.as_str()), None);
        people.sign_out(session.as_str());
        assert_eq!(people.session(session.as_str()), None);
    }

    #[test]
    fn only_the_admin_token_is_the_admin_token() {
        let people = People::new("the-token\n", &HttpSection::default());
        assert!(people.is_admin_token("the-token"));
        for wrong in ["", "the-token ", "the-toke", "the-token2"] {
            assert!(!people.is_admin_token(wrong), "{wrong:?}");
        }
    }

    fn technician() -> Person {
        Person {
            name: "technician".to_owned(),
            role: Role::Admin,
        }
    }
}
