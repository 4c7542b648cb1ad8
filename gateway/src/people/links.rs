//! One-time sign-in links: each is good once, for a while.

use std::collections::HashMap;
use std::time::Instant;

use super::{Person, SecretHash};

/// Links open at once; one more drops the one that would expire first.
const LINKS_MAX: usize = 64;

/// The links that were made and not yet opened.
#[derive(Default)]
pub(super) struct Links {
    open: HashMap<SecretHash, Link>,
}

/// A link that was not opened.
pub(super) struct Link {
    pub(super) person: Person,
    expires: Instant,
}

impl Links {
    pub(super) fn add(&mut self, token: SecretHash, person: Person, expires: Instant) {
        if self.open.len() >= LINKS_MAX {
            let first = self.open.iter().min_by_key(|(_, link)| link.expires);
            if let Some(token) = first.map(|(token, _)| *token) {
                self.open.remove(&token);
            }
        }
        self.open.insert(token, Link { person, expires });
    }

    /// For whom a link is, while it is good.
    pub(super) fn look(&self, token: &SecretHash, now: Instant) -> Option<String> {
        let link = self.open.get(token)?;
        (now < link.expires).then(|| link.person.name.clone())
    }

    pub(super) fn spend(&mut self, token: &SecretHash, now: Instant) -> Option<Link> {
        let link = self.open.remove(token)?;
        (now < link.expires).then_some(link)
    }

    /// Takes back a link that served nothing after all.
    pub(super) fn put_back(&mut self, token: SecretHash, link: Link) {
        self.add(token, link.person, link.expires);
    }

    pub(super) fn count(&mut self, now: Instant) -> usize {
        self.open.retain(|_, link| now < link.expires);
        self.open.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::people::Role;

    #[test]
    fn an_expired_link_is_refused() {
        let now = Instant::now();
        let mut links = Links::default();
        links.add(
            SecretHash::of("a"),
            somebody(),
            now + Duration::from_secs(10),
        );
        links.add(
            SecretHash::of("b"),
            somebody(),
            now + Duration::from_secs(10),
        );
        let last_moment = now + Duration::from_secs(10) - Duration::from_nanos(1);
        assert!(links.spend(&SecretHash::of("a"), last_moment).is_some());
        assert!(
            links
                .spend(&SecretHash::of("b"), now + Duration::from_secs(10))
                .is_none()
        );
    }

    #[test]
    fn the_link_that_expires_first_makes_room() {
        let now = Instant::now();
        let mut links = Links::default();
        for number in 0..=LINKS_MAX {
            let expires = now + Duration::from_secs(10 + number as u64);
            links.add(SecretHash::of(&number.to_string()), somebody(), expires);
        }
        assert_eq!(links.count(now), LINKS_MAX);
        assert!(links.spend(&SecretHash::of("0"), now).is_none());
        assert!(links.spend(&SecretHash::of("1"), now).is_some());
    }

    fn somebody() -> Person {
        Person {
            name: "somebody".to_owned(),
            role: Role::Admin,
        }
    }
}
