//! Signing in and out: by a one-time link, by name and password; and setting the password.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::account::check_password;
use super::gate::Wait;
use super::{AccountName, Caller, Change, Entry, Means, People, PeopleError, Person, Role};
use super::{Secret, SecretHash, Typed};
use crate::registry::{Actor, PasswordHash};
use crate::store::people::{self as rows, AccountRow};

/// The account a link is for where nobody says another.
const ADMINISTRATOR: &str = "admin";

impl People {
    /// Whether the administrator has set a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.roll().account.is_some()
    }

    /// Makes the token of a one-time link, for the administrator where no name is given.
    ///
    /// # Errors
    /// Where the audit record cannot be written.
    pub async fn make_link(
        &self,
        name: Option<AccountName>,
        actor: &Actor,
    ) -> Result<Secret, PeopleError> {
        let account = self.roll().account.as_ref().map(|row| row.name.clone());
        let name = name.map(|name| name.as_str().to_owned()).or(account);
        let person = Person {
            name: name.unwrap_or_else(|| ADMINISTRATOR.to_owned()),
            role: Role::Admin,
        };
        let entry = Entry::new("person.link", &person.name);
        self.record(actor, entry).await?;
        let token = Secret::random();
        let expires = Instant::now() + self.0.link_valid;
        let hash = SecretHash::of(token.as_str());
        self.desk().links.add(hash, person, expires);
        Ok(token)
    }

    /// For whom a link is, while it is good; looking spends nothing.
    #[must_use]
    pub fn link_is_for(&self, token: &Typed) -> Option<String> {
        let hash = SecretHash::of(token.reveal());
        self.desk().links.look(&hash, Instant::now())
    }

    /// Spends a link: whoever brings it first is signed in, and nobody after.
    ///
    /// # Errors
    /// Where the link is not good.
    pub async fn sign_in_by_link(&self, token: &Typed) -> Result<Secret, PeopleError> {
        let hash = SecretHash::of(token.reveal());
        let link = self.desk().links.spend(&hash, Instant::now());
        let person = link.ok_or(PeopleError::LinkSpent)?.person;
        Ok(self.open_session(person, "link").await)
    }

    /// Spends a link to set the administrator's name and password, and signs him in. All other
    /// sessions end, and the former password with them.
    ///
    /// # Errors
    /// Where the link is not good, or the name or the password is none; then the link stays good.
    pub async fn set_password(
        &self,
        token: &Typed,
        name: AccountName,
        password: Typed,
    ) -> Result<Secret, PeopleError> {
        check_password(&password, &name, &self.0.library)?;
        let hash = SecretHash::of(token.reveal());
        let link = self.desk().links.spend(&hash, Instant::now());
        let link = link.ok_or(PeopleError::LinkSpent)?;
        let people = self.clone();
        let setting = self.0.changing.spawn(async move {
            let set = people.put_account(name.clone(), password).await;
            if let Err(error) = set {
                people.desk().links.put_back(hash, link);
                return Err(error);
            }
            let person = Person {
                name: name.as_str().to_owned(),
                role: Role::Admin,
            };
            let session = Secret::random();
            let mut desk = people.desk();
            desk.sessions.close_all();
            let hash = SecretHash::of(session.as_str());
            desk.sessions.open(hash, person, Instant::now());
            Ok(session)
        });
        // Once begun it is done, whoever waits for it.
        setting.await.map_err(|_| PeopleError::Interrupted)?
    }

    /// Signs in who knows the password. As long for a name nobody has as for a wrong password.
    ///
    /// # Errors
    /// Where name or password are wrong, or too many were before.
    pub async fn sign_in(
        &self,
        name: &str,
        password: Typed,
        address: IpAddr,
    ) -> Result<Secret, PeopleError> {
        let gate = &self.0.gate;
        gate.attempt(address, name, Instant::now())?;
        let permit = Arc::clone(&self.0.hashing).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        // Others may have guessed while this one waited for its turn.
        gate.may_try(address, name, Instant::now())?;
        let roll = self.roll();
        let account = roll.account.as_ref();
        let account = account.filter(|row| row.name.to_lowercase() == name.trim().to_lowercase());
        let hash = account.map_or(&self.0.decoy, |row| &row.password).clone();
        let verifying = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            hash.is_of(password.reveal().as_bytes())
        });
        let is_right = verifying.await.map_err(|_| PeopleError::Interrupted)?;
        match account.filter(|_| is_right) {
            Some(account) => {
                gate.succeeded(address, name, Instant::now());
                let person = Person {
                    name: account.name.clone(),
                    role: Role::Admin,
                };
                Ok(self.open_session(person, "password").await)
            }
            None => {
                let untold = gate.failed(address, name, Instant::now());
                let known = account.map(|row| row.name.as_str());
                self.tell_failure(address, known, untold).await;
                Err(PeopleError::WrongPassword)
            }
        }
    }

    /// Ends a session; that of a token is none.
    pub async fn sign_out(&self, caller: &Caller) {
        let Means::Session(session) = &caller.means else {
            return;
        };
        if self.desk().sessions.close(session).is_some() {
            let entry = Entry::new("person.sign-out", &caller.name);
            self.record_if_possible(&caller.actor(), entry).await;
        }
    }

    async fn put_account(&self, name: AccountName, password: Typed) -> Result<(), PeopleError> {
        let permit = Arc::clone(&self.0.hashing).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let hashing = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            PasswordHash::of(password.reveal().as_bytes())
        });
        let password = hashing.await.map_err(|_| PeopleError::Interrupted)?;
        let actor = Actor::named(name.as_str());
        let change = move |change: &Change<'_>| {
            let row = AccountRow {
                name: name.as_str().to_owned(),
                password,
                changed: change.at,
            };
            rows::set_only_account(change.connection, &row)?;
            let before = change.roll.account.as_ref();
            Ok(Entry {
                before: before.map(|row| json!({ "name": row.name, "changed": row.changed })),
                ..Entry::new("person.password", row.name)
            })
        };
        self.change(&actor, change).await
    }

    async fn open_session(&self, person: Person, by: &str) -> Secret {
        let session = Secret::random();
        let hash = SecretHash::of(session.as_str());
        let entry = Entry {
            after: Some(json!({ "by": by })),
            ..Entry::new("person.sign-in", &person.name)
        };
        let actor = Actor::named(&person.name);
        self.desk().sessions.open(hash, person, Instant::now());
        self.record_if_possible(&actor, entry).await;
        session
    }

    /// A name that is no account's is not told: people type passwords into the wrong field.
    async fn tell_failure(&self, address: IpAddr, known: Option<&str>, untold: Option<u64>) {
        tracing::info!(%address, "a password was wrong");
        let Some(untold) = untold else { return };
        let after = (untold > 0).then(|| -> Value { json!({ "not_recorded_before": untold }) });
        let entry = Entry {
            after,
            ..Entry::new(
                "person.sign-in-failed",
                known.unwrap_or("(no such account)"),
            )
        };
        let actor = Actor::named(format!("address {address}"));
        self.record_if_possible(&actor, entry).await;
    }

    /// A full disk keeps nobody out: it is what somebody has to come and look at.
    async fn record_if_possible(&self, actor: &Actor, entry: Entry) {
        let action = entry.action;
        if let Err(error) = self.record(actor, entry).await {
            let actor = actor.as_str();
            tracing::warn!(action, actor, %error, "no audit record could be written");
        }
    }
}

impl From<Wait> for PeopleError {
    fn from(Wait(wait): Wait) -> Self {
        Self::Held { wait }
    }
}

/// The path of the page that spends a link.
#[must_use]
pub fn sign_in_path(token: &Secret) -> String {
    format!("/sign-in?token={}", token.as_str())
}
