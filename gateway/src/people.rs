//! People: the administrator, sessions, one-time links, API tokens, and what each may do.
//!
//! There is no default password. Whoever may read the data folder makes a one-time link, and
//! whoever opens it is signed in and may set the administrator's password; later name and
//! password do. Sessions and links are kept in memory, as hashes of 256 random bits: a restart
//! signs everybody out. The account and the tokens are in the store, and each change of them is
//! one transaction with its audit record.

mod account;
pub mod dto;
mod error;
mod gate;
mod links;
mod rights;
mod roll;
mod secret;
mod sessions;
mod signing_in;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lujiang_broker::AddressLimits;
use lujiang_config::GatewayConfig;
use lujiang_wire::Clock;
use rusqlite::Connection;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

pub use account::{AccountName, NotAName, WeakPassword};
pub use error::PeopleError;
use gate::Gate;
use links::Links;
pub use rights::{NoRight, Right, Role};
use roll::Roll;
pub use roll::Token;
pub use secret::{Secret, SecretHash, Typed};
use sessions::Sessions;
pub use signing_in::sign_in_path;
pub use tokens::NewToken;

use crate::ledger::LedgerError;
use crate::registry::{Actor, PasswordHash};
use crate::store::Store;
use crate::store::audit::{self, AuditRecord};

/// Hashes at once: people are few, and the cores are for facts.
const HASHES_AT_ONCE: usize = 1;

/// Who is known to the API; clones share it.
#[derive(Clone)]
pub struct People(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    library: String,
    admin_token: SecretHash,
    link_valid: Duration,
    desk: Mutex<Desk>,
    roll: RwLock<Arc<Roll>>,
    gate: Gate,
    hashing: Arc<Semaphore>,
    /// Stands in for the password of a name nobody has.
    decoy: PasswordHash,
    changing: TaskTracker,
}

/// What is kept in memory only.
struct Desk {
    links: Links,
    sessions: Sessions,
    /// The hour in which each token was last used, as far as this process knows.
    used: HashMap<SecretHash, Timestamp>,
}

/// Someone who is signed in, or will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name in audit records.
    pub name: String,
    /// What this person may do.
    pub role: Role,
}

/// Who asks for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As the audit names the caller.
    pub name: String,
    /// The widest right of the caller.
    pub right: Right,
    /// By what the caller is known.
    pub means: Means,
}

/// By what a caller is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// The admin token of the data folder.
    AdminToken,
    /// The API token with this hash.
    ApiToken(SecretHash),
    /// The session with this hash.
    Session(SecretHash),
}

/// What a change leaves in the audit; there is no change without it.
struct Entry {
    action: &'static str,
    subject: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// A change under way: its transaction, and what it found.
struct Change<'a> {
    connection: &'a Connection,
    roll: &'a Roll,
    at: Timestamp,
}

impl Caller {
    /// As the audit names the caller.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::named(&self.name)
    }
}

impl People {
    /// Reads the roll of a store. Takes tens of milliseconds, for a hash.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        admin_token: &str,
        config: &GatewayConfig,
    ) -> Result<Self, PeopleError> {
        let reader = store.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let roll = reader.read(Roll::load)?;
            Ok::<_, PeopleError>((roll, PasswordHash::of(Secret::random().as_str().as_bytes())))
        });
        let (roll, decoy) = reading.await.map_err(|_| PeopleError::Interrupted)??;
        Ok(Self(Arc::new(Inner {
            store,
            clock,
            library: config.library.name.clone(),
            admin_token: SecretHash::of(admin_token.trim()),
            link_valid: config.http.link_valid,
            desk: Mutex::new(Desk {
                links: Links::default(),
                sessions: Sessions::new(config.http.session_idle),
                used: HashMap::new(),
            }),
            roll: RwLock::new(Arc::new(roll)),
            gate: Gate::new(AddressLimits::of(&config.mqtt)),
            hashing: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            decoy,
            changing: TaskTracker::new(),
        })))
    }

    /// Who brings this bearer token: the admin token, or an API token that is still good.
    #[must_use]
    pub fn bearer(&self, presented: &str) -> Option<Caller> {
        let hash = SecretHash::of(presented);
        if hash.equals(&self.0.admin_token) {
            return Some(Caller {
                name: "admin token".to_owned(),
                right: Right::Administer,
                means: Means::AdminToken,
            });
        }
        let roll = self.roll();
        let token = roll.token(&hash, self.0.clock.wall())?;
        self.note_use(token);
        Some(Caller {
            name: format!("token {}", token.name),
            right: token.scope,
            means: Means::ApiToken(hash),
        })
    }

    /// Who this session belongs to; using it keeps it alive.
    #[must_use]
    pub fn session(&self, session: &str) -> Option<Caller> {
        let hash = SecretHash::of(session);
        let person = self.desk().sessions.use_now(&hash, Instant::now())?;
        Some(Caller {
            right: person.role.right(),
            name: person.name,
            means: Means::Session(hash),
        })
    }

    /// Whether a caller is still known; asking does not keep a session alive.
    #[must_use]
    pub fn is_known(&self, means: &Means) -> bool {
        match means {
            Means::AdminToken => true,
            Means::ApiToken(hash) => self.roll().token(hash, self.0.clock.wall()).is_some(),
            Means::Session(hash) => self.desk().sessions.is_open(hash, Instant::now()),
        }
    }

    /// Sessions and links now alive.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let now = Instant::now();
        let mut desk = self.desk();
        (desk.sessions.count(now), desk.links.count(now))
    }

    /// Waits until no change is under way. New ones may still begin.
    pub async fn settled(&self) {
        self.0.changing.close();
        self.0.changing.wait().await;
        self.0.changing.reopen();
    }

    /// One transaction with its audit record; carried out even where the one who asked goes away.
    async fn change(
        &self,
        actor: &Actor,
        decide: impl FnOnce(&Change<'_>) -> Result<Entry, PeopleError> + Send + 'static,
    ) -> Result<(), PeopleError> {
        let (people, actor) = (self.clone(), actor.clone());
        let at = self.0.clock.wall();
        let changing = self.0.changing.spawn(async move {
            let decided = people.0.store.decide(move |transaction| {
                let change = Change {
                    connection: transaction,
                    roll: &Roll::load(transaction)?,
                    at,
                };
                match decide(&change) {
                    Ok(entry) => {
                        audit::append(transaction, &entry.by(&actor, at))?;
                        Ok(Ok(Roll::load(transaction)?))
                    }
                    Err(PeopleError::Ledger(error)) => Err(error),
                    // Nothing was written before it was refused.
                    Err(refused) => Ok(Err(refused)),
                }
            });
            people.follow(decided.await??);
            Ok(())
        });
        changing.await.map_err(|_| PeopleError::Interrupted)?
    }

    /// Records what is no change of the roll.
    async fn record(&self, actor: &Actor, entry: Entry) -> Result<(), LedgerError> {
        let record = entry.by(actor, self.0.clock.wall());
        let appending = move |tx: &rusqlite::Transaction<'_>| audit::append(tx, &record);
        self.0.store.decide(appending).await.map(drop)
    }

    /// Two changes may come back out of order: the newer roll stays.
    fn follow(&self, newer: Roll) {
        let mut roll = self.0.roll.write().unwrap_or_else(PoisonError::into_inner);
        if newer.version > roll.version {
            *roll = Arc::new(newer);
        }
    }

    fn roll(&self) -> Arc<Roll> {
        Arc::clone(&self.0.roll.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Each change at the desk is whole before its guard goes.
        self.0.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn new(action: &'static str, subject: impl Into<String>) -> Self {
        Self {
            action,
            subject: subject.into(),
            before: None,
            after: None,
        }
    }

    fn by(self, actor: &Actor, at: Timestamp) -> AuditRecord {
        AuditRecord {
            at,
            actor: actor.as_str().to_owned(),
            action: self.action.to_owned(),
            subject: self.subject,
            before: self.before,
            after: self.after,
        }
    }
}

#[cfg(test)]
mod tests;
