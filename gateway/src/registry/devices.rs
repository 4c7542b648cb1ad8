//! Devices: who they are, where they stand, whether they may connect.

use lujiang_wire::DeviceId;
use serde_json::json;

use super::change::{Change, checked_name};
use super::standing::by_password;
use super::{Actor, Device, DeviceLimits, Issued, Registry, RegistryError, Verified, issue};
use crate::places::{DeviceKind, Placement, SiteId};
use crate::store::registry::{self as rows, DeviceRow};

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

impl Registry {
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

    /// The device of that id, where this is its password; whether it is enabled is another
    /// question. As long for a wrong password as for an unknown id.
    pub async fn verify_device(&self, id: &DeviceId, password: &[u8]) -> Option<Verified<Device>> {
        let snapshot = self.snapshot();
        let found = snapshot.devices.get(id);
        let hash = found.and_then(|(_, hash)| hash.as_ref());
        let right = self.passwords.verify(id.as_str(), hash, password).await;
        found.filter(|_| right).map(|(device, _)| Verified {
            row: device.clone(),
            pass: by_password(hash.expect("what is not there is not right")),
        })
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
                    password: Some(hash),
                    limits: DeviceLimits::default(),
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
                    limits: DeviceLimits::default(),
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
                password: Some(hash),
                limits: DeviceLimits::default(),
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
}
