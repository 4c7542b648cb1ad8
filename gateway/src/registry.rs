//! The registry: devices, readers, sites; one row decides what a device may do.
//!
//! Questions are answered from a snapshot in memory and never wait for the disk. Each change is
//! one transaction with its audit record; the snapshot follows when it is on disk, even where
//! the one who asked for it has gone away.

mod change;
pub mod dto;
mod error;
mod password;
mod snapshot;
mod week;

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_wire::{Clock, DeviceId, TopicFilter};
use serde_json::json;
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use crate::places::{DeviceKind, Opening, Placement, Places, SiteId};
use crate::store::Store;
use crate::store::registry::{self as rows, DeviceRow, ReaderRow};

use change::{Change, checked_name};
pub use error::RegistryError;
pub use password::Password;
use password::PasswordDesk;
pub(crate) use password::PasswordHash;
use snapshot::Snapshot;
pub use snapshot::{Device, Reader, RegistryListing};
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
    withdrawn: broadcast::Sender<DeviceId>,
    changing: TaskTracker,
}

/// Who changes something, as the audit names him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(String);

/// A device to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// Its id.
    pub id: DeviceId,
    /// What it is for.
    pub kind: DeviceKind,
    /// Where it stands; a site nobody has named yet is made.
    pub site: SiteId,
    /// Its name for people; the id where there is none.
    pub name: Option<String>,
}

/// What is to be different about a device; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceChange {
    /// Its name for people.
    pub name: Option<String>,
    /// Whether it may connect.
    pub enabled: Option<bool>,
    /// What it is for, from the next full hour on.
    pub kind: Option<DeviceKind>,
    /// Where it stands, from the next full hour on.
    pub site: Option<SiteId>,
}

/// What is to be different about a site; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteChange {
    /// Its name for people.
    pub name: Option<String>,
    /// Its opening hours.
    pub week: Option<Week>,
    /// From when these hold, cut up to a full hour; now where it is left out.
    pub week_from: Option<Timestamp>,
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
            changing: TaskTracker::new(),
        })
    }

    /// All devices, by id.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        let snapshot = self.snapshot();
        snapshot
            .devices
            .values()
            .map(|(device, _)| device.clone())
            .collect()
    }

    /// A device, if there is one of that id.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<Device> {
        let snapshot = self.snapshot();
        snapshot.devices.get(id).map(|(device, _)| device.clone())
    }

    /// All readers, by name.
    #[must_use]
    pub fn readers(&self) -> Vec<Reader> {
        let snapshot = self.snapshot();
        snapshot
            .readers
            .values()
            .map(|(reader, _)| reader.clone())
            .collect()
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

    /// Each device that lost its right to be connected: disabled, or given another password.
    #[must_use]
    pub fn withdrawn(&self) -> broadcast::Receiver<DeviceId> {
        self.withdrawn.subscribe()
    }

    /// The device of that id, where this is its password; whether it is enabled is another
    /// question. As long for a wrong password as for an unknown id.
    pub async fn verify_device(&self, id: &DeviceId, password: &[u8]) -> Option<Device> {
        let snapshot = self.snapshot();
        let found = snapshot.devices.get(id);
        let hash = found.map(|(_, hash)| hash);
        let right = self.passwords.verify(id.as_str(), hash, password).await;
        found.filter(|_| right).map(|(device, _)| device.clone())
    }

    /// The reader of that name, where this is its password; otherwise as `verify_device`.
    pub async fn verify_reader(&self, name: &DeviceId, password: &[u8]) -> Option<Reader> {
        let snapshot = self.snapshot();
        let found = snapshot.readers.get(name);
        let hash = found.map(|(_, hash)| hash);
        let right = self.passwords.verify(name.as_str(), hash, password).await;
        found.filter(|_| right).map(|(reader, _)| reader.clone())
    }

    /// Whether a name is a reader's: names of devices and readers are never the same.
    #[must_use]
    pub fn is_reader(&self, name: &DeviceId) -> bool {
        self.snapshot().readers.contains_key(name)
    }

    /// Adds a device and issues its password.
    ///
    /// # Errors
    /// Where the id is taken, or nothing could be written.
    pub async fn add_device(
        &self,
        device: NewDevice,
        actor: &Actor,
    ) -> Result<Issued<DeviceId>, RegistryError> {
        let (password, hash) = issue().await?;
        let id = device.id.clone();
        let change = move |change: &Change<'_>| {
            change.name_is_free(&device.id)?;
            let name = checked_name(device.name.as_deref().unwrap_or(device.id.as_str()))?;
            change.site_is_there(&device.site)?;
            let after = json!({
                "name": name, "enabled": true, "kind": device.kind.as_str(), "site": device.site,
            });
            rows::put_device(
                change.connection,
                &DeviceRow {
                    id: device.id.clone(),
                    name,
                    enabled: true,
                    password: hash,
                },
            )?;
            rows::put_placement(
                change.connection,
                &Placement {
                    device: device.id.clone(),
                    kind: device.kind,
                    site: Some(device.site.clone()),
                    valid_from: change.hour,
                },
            )?;
            change.record("device.add", device.id.as_str(), None, Some(after))
        };
        self.change(actor, change).await?;
        Ok(Issued { name: id, password })
    }

    /// Changes a device. One that is disabled is disconnected.
    ///
    /// # Errors
    /// Where there is no such device, or nothing could be written.
    pub async fn change_device(
        &self,
        id: &DeviceId,
        changes: DeviceChange,
        actor: &Actor,
    ) -> Result<Device, RegistryError> {
        let is_withdrawn = changes.enabled == Some(false);
        let device = id.clone();
        let change = move |change: &Change<'_>| {
            let (before, hash) = change.device(&device)?;
            let mut after = before.clone();
            if let Some(name) = &changes.name {
                after.name = checked_name(name)?;
            }
            after.enabled = changes.enabled.unwrap_or(before.enabled);
            after.kind = changes.kind.unwrap_or(before.kind);
            if let Some(site) = &changes.site {
                change.site_is_there(site)?;
                after.site = Some(site.clone());
            }
            rows::put_device(
                change.connection,
                &DeviceRow {
                    id: device.clone(),
                    name: after.name.clone(),
                    enabled: after.enabled,
                    password: hash,
                },
            )?;
            if (after.kind, &after.site) != (before.kind, &before.site) {
                rows::put_placement(
                    change.connection,
                    &Placement {
                        device: device.clone(),
                        kind: after.kind,
                        site: after.site.clone(),
                        valid_from: change.hour,
                    },
                )?;
            }
            change.record(
                "device.change",
                device.as_str(),
                Some(before.for_audit()),
                Some(after.for_audit()),
            )
        };
        self.change(actor, change).await?;
        if is_withdrawn {
            self.withdraw(id);
        }
        self.device(id)
            .ok_or_else(|| RegistryError::UnknownDevice(id.clone()))
    }

    /// Gives a device another password; the old one ends with its connection.
    ///
    /// # Errors
    /// Where there is no such device, or nothing could be written.
    pub async fn renew_password(
        &self,
        id: &DeviceId,
        actor: &Actor,
    ) -> Result<Issued<DeviceId>, RegistryError> {
        let (password, hash) = issue().await?;
        let device = id.clone();
        let change = move |change: &Change<'_>| {
            let (before, _) = change.device(&device)?;
            let row = DeviceRow {
                id: device.clone(),
                name: before.name,
                enabled: before.enabled,
                password: hash,
            };
            rows::put_device(change.connection, &row)?;
            change.record("device.password", device.as_str(), None, None)
        };
        self.change(actor, change).await?;
        self.withdraw(id);
        Ok(Issued {
            name: id.clone(),
            password,
        })
    }

    /// Adds a reading credential and issues its password.
    ///
    /// # Errors
    /// Where the name is taken, it may read nothing, or nothing could be written.
    pub async fn add_reader(
        &self,
        name: &DeviceId,
        filters: Vec<TopicFilter>,
        actor: &Actor,
    ) -> Result<Issued<DeviceId>, RegistryError> {
        if filters.is_empty() {
            return Err(RegistryError::NoFilter);
        }
        let (password, hash) = issue().await?;
        let row = ReaderRow {
            name: name.clone(),
            filters,
            password: hash,
        };
        let change = move |change: &Change<'_>| {
            change.name_is_free(&row.name)?;
            rows::put_reader(change.connection, &row)?;
            let after = json!({ "filters": row.filters });
            change.record("reader.add", row.name.as_str(), None, Some(after))
        };
        self.change(actor, change).await?;
        Ok(Issued {
            name: name.clone(),
            password,
        })
    }

    /// Names a site or sets its opening hours; makes it where there is none of that id.
    ///
    /// # Errors
    /// Where the name is none, or nothing could be written.
    pub async fn set_site(
        &self,
        site: &SiteId,
        changes: SiteChange,
        actor: &Actor,
    ) -> Result<(), RegistryError> {
        let site = site.clone();
        let zone = self.zone.clone();
        let change = move |change: &Change<'_>| {
            let before = change.site(&site);
            let known = before.as_ref().map(|before| before.name.as_str());
            let name = changes.name.as_deref().or(known).unwrap_or(site.as_str());
            let name = checked_name(name)?;
            rows::put_site(change.connection, &site, &name)?;
            let mut after = json!({ "name": name });
            if let Some(week) = changes.week {
                let from = changes
                    .week_from
                    .map(|from| Places::valid_from(&zone, from));
                let opening = Opening {
                    valid_from: from.unwrap_or(change.hour),
                    week: week.0,
                };
                rows::put_opening(change.connection, &site, &opening)?;
                after["open"] = json!(week.to_string());
                after["open_from"] = json!(opening.valid_from);
            }
            let before = before.map(|before| json!({ "name": before.name }));
            change.record("site.set", site.as_str(), before, Some(after))
        };
        self.change(actor, change).await
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
            *snapshot = Arc::new(newer);
        }
    }

    fn withdraw(&self, device: &DeviceId) {
        // Nobody listens where no door is open, as in a command on a stopped gateway.
        let _ = self.withdrawn.send(device.clone());
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
