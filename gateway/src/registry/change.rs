//! A change under way: what every change of the registry may ask and must leave behind.

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::places::{Site, SiteId};
use crate::registry::snapshot::Snapshot;
use crate::registry::{Actor, Device, DeviceLimits, PasswordHash, RegistryError};
use crate::store::audit::{self, AuditRecord};
use crate::store::registry::{self as rows, DeviceRow};

/// A change under way: its transaction, and what it found.
pub(super) struct Change<'a> {
    pub(super) connection: &'a Connection,
    pub(super) snapshot: &'a Snapshot,
    /// From when a decision made now holds.
    pub(super) hour: Timestamp,
    pub(super) at: Timestamp,
    pub(super) actor: Actor,
}

impl Change<'_> {
    /// That no device and no reader has this name.
    pub(super) fn name_is_free(&self, name: &DeviceId) -> Result<(), RegistryError> {
        let taken =
            self.snapshot.devices.contains_key(name) || self.snapshot.readers.contains_key(name);
        match taken {
            true => Err(RegistryError::NameTaken(name.clone())),
            false => Ok(()),
        }
    }

    /// The device as it is, and the hash of its password where it has one.
    pub(super) fn device(
        &self,
        id: &DeviceId,
    ) -> Result<(Device, Option<PasswordHash>), RegistryError> {
        let found = self.snapshot.devices.get(id).cloned();
        found.ok_or_else(|| RegistryError::UnknownDevice(id.clone()))
    }

    /// Takes a device's password away.
    pub(super) fn remove_password(&self, id: &DeviceId) -> Result<(), RegistryError> {
        let (device, _) = self.device(id)?;
        let row = DeviceRow {
            id: device.id,
            name: device.name,
            enabled: device.enabled,
            password: None,
            limits: DeviceLimits::default(),
        };
        Ok(rows::put_device(self.connection, &row)?)
    }

    /// The site as it is.
    pub(super) fn site(&self, id: &SiteId) -> Option<Site> {
        self.snapshot
            .places
            .sites
            .iter()
            .find(|site| site.id == *id)
            .cloned()
    }

    /// That there is such a site: makes it, named by its id, where there is none.
    pub(super) fn site_is_there(&self, id: &SiteId) -> Result<(), RegistryError> {
        if self.site(id).is_none() {
            rows::put_site(self.connection, id, id.as_str())?;
            self.record("site.set", id.as_str(), None, Some(json!({ "name": id })))?;
        }
        Ok(())
    }

    /// Adds the audit record of what is done.
    pub(super) fn record(
        &self,
        action: &str,
        subject: &str,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<(), RegistryError> {
        let record = AuditRecord {
            at: self.at,
            actor: self.actor.as_str().to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            before,
            after,
        };
        audit::append(self.connection, &record)?;
        Ok(())
    }
}

/// A name for people, trimmed.
pub(super) fn checked_name(name: &str) -> Result<String, RegistryError> {
    let name = name.trim();
    let fits = (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    match fits {
        true => Ok(name.to_owned()),
        false => Err(RegistryError::Name),
    }
}
