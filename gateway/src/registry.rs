//! The registry: devices, readers, sites; one row decides what a device may do.
//!
//! Questions are answered from a snapshot in memory and never wait for the disk. Each change is
//! one transaction with its audit record; the snapshot follows when it is on disk, even where
//! the one who asked for it has gone away. What may be changed stands in a file per noun:
//! devices, readers, sites.

mod certificates;
mod change;
mod devices;
pub mod dto;
mod error;
mod limits;
mod password;
mod readers;
mod sites;
mod snapshot;
mod standing;
mod tokens;
mod week;

use std::sync::{Arc, PoisonError, RwLock};

use jiff::tz::TimeZone;
use lujiang_wire::{Clock, DeviceId};
use tokio::sync::{broadcast, watch};
use tokio_util::task::TaskTracker;

use crate::identity_options::IdentityOptions;
use crate::places::Places;
use crate::store::Store;

pub use certificates::{CertificateEnd, CertificateRefusal, Shown};
use change::Change;
pub use devices::{DeviceChange, NewDevice};
pub use error::RegistryError;
pub use limits::{DeviceLimits, LimitError};
pub use password::Password;
use password::PasswordDesk;
pub(crate) use password::PasswordHash;
pub use sites::SiteChange;
use snapshot::Snapshot;
pub use snapshot::{Device, Reader, RegistryListing};
pub use standing::Verified;
pub(crate) use standing::by_certificate;
pub use tokens::{TokenHash, TokenRefusal, TokenState};
pub use week::{Week, WeekError};

/// Withdrawals the one who disconnects may be behind before he looks at everything again.
const WITHDRAWN_MAX: usize = 256;

/// The registry; clones share it.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    snapshot: Arc<RwLock<Arc<Snapshot>>>,
    passwords: PasswordDesk,
    withdrawn: broadcast::Sender<Withdrawn>,
    changes: watch::Sender<i64>,
    changing: TaskTracker,
    options: IdentityOptions,
}

/// Who changes something, as the audit names him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

/// Who lost his right to be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawn {
    /// A device: disabled, revoked, or given another certificate, password or other limits.
    Device(DeviceId),
    /// A reader: removed.
    Reader(DeviceId),
}

/// A password with the name it belongs to: shown this once.
#[derive(Debug, Clone)]
pub struct Issued<Name> {
    /// Whose it is.
    pub name: Name,
    /// The password.
    pub password: Password,
}

impl Actor {
    /// The actor of this name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// A device that acts for itself: enrols, renews.
    #[must_use]
    pub fn device(id: &DeviceId) -> Self {
        Self(format!("device {id}"))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Registry {
    /// Reads the registry of a store.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open(
        store: Store,
        zone: TimeZone,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RegistryError> {
        let reader = (store.clone(), zone.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let (store, zone) = reader;
            let snapshot = store.read(|connection| Snapshot::load(connection, &zone))?;
            Ok::<_, RegistryError>((snapshot, PasswordDesk::open()))
        });
        let (snapshot, passwords) = opening.await.map_err(|_| RegistryError::Interrupted)??;
        Ok(Self {
            store,
            clock,
            zone,
            snapshot: Arc::new(RwLock::new(Arc::new(snapshot))),
            passwords,
            withdrawn: broadcast::Sender::new(WITHDRAWN_MAX),
            changes: watch::Sender::new(0),
            changing: TaskTracker::new(),
            options: IdentityOptions::default(),
        })
    }

    /// The same, keeping its promises so.
    #[must_use]
    pub(crate) fn with(self, options: IdentityOptions) -> Self {
        Self { options, ..self }
    }

    /// Devices, sites and readers in the forms for the API.
    #[must_use]
    pub fn listing(&self) -> RegistryListing {
        self.snapshot().listing()
    }

    /// Where devices stand and when sites are open, with their history.
    #[must_use]
    pub fn places(&self) -> Arc<Places> {
        Arc::clone(&self.snapshot().places)
    }

    /// Each device and reader that lost its right to be connected.
    #[must_use]
    pub fn withdrawn(&self) -> broadcast::Receiver<Withdrawn> {
        self.withdrawn.subscribe()
    }

    /// The version of the registry, as it moves.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.changes.subscribe()
    }

    /// Records something that is not a change of the registry: a link given out, an export.
    ///
    /// # Errors
    /// Where it could not be written.
    pub async fn audit(
        &self,
        action: &'static str,
        subject: &str,
        actor: &Actor,
    ) -> Result<(), RegistryError> {
        let subject = subject.to_owned();
        let change = move |change: &Change<'_>| change.record(action, &subject, None, None);
        self.change(actor, change).await
    }

    /// Waits until no change is under way. New ones may still begin.
    pub async fn settled(&self) {
        self.changing.close();
        self.changing.wait().await;
        self.changing.reopen();
    }

    async fn change(
        &self,
        actor: &Actor,
        decide: impl FnOnce(&Change<'_>) -> Result<(), RegistryError> + Send + 'static,
    ) -> Result<(), RegistryError> {
        let registry = self.clone();
        let actor = actor.clone();
        let at = self.clock.wall();
        let changing = self.changing.spawn(async move {
            let zone = registry.zone.clone();
            let decided = registry.store.decide(move |transaction| {
                let snapshot = Snapshot::load(transaction, &zone)?;
                let change = Change {
                    connection: transaction,
                    snapshot: &snapshot,
                    hour: Places::valid_from(&zone, at),
                    at,
                    actor,
                };
                match decide(&change) {
                    Ok(()) => Ok(Ok(Snapshot::load(transaction, &zone)?)),
                    // Nothing was written before it was refused; what the database says undoes all.
                    Err(RegistryError::Ledger(error)) => Err(error),
                    Err(refused) => Ok(Err(refused)),
                }
            });
            registry.follow(decided.await??);
            Ok(())
        });
        changing.await.map_err(|_| RegistryError::Interrupted)?
    }

    /// Two changes may come back out of order: the newer snapshot stays.
    fn follow(&self, newer: Snapshot) {
        let mut snapshot = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if newer.version > snapshot.version {
            self.changes.send_replace(newer.version);
            *snapshot = Arc::new(newer);
        }
    }

    /// Has every connection of a device ended.
    pub(crate) fn withdraw(&self, device: &DeviceId) {
        self.tell_withdrawn(Withdrawn::Device(device.clone()));
    }

    fn tell_withdrawn(&self, who: Withdrawn) {
        // Nobody listens where no door is open, as in a command on a stopped gateway.
        let _ = self.withdrawn.send(who);
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.read().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn issue() -> Result<(Password, PasswordHash), RegistryError> {
    let issuing = tokio::task::spawn_blocking(Password::issue);
    issuing.await.map_err(|_| RegistryError::Interrupted)
}

#[cfg(test)]
mod tests;
