//! The registry as it stood after one change: what every question is answered from.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use lujiang_wire::{DeviceId, TopicFilter};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::authority::Serial;
use crate::ledger::LedgerError;
use crate::places::{DeviceKind, Places, Site, SiteId};
use crate::registry::dto::{DeviceSummary, ReaderSummary, SiteSummary};
use crate::registry::{DeviceLimits, PasswordHash, TokenHash, Week};
use crate::store::authority::{CertificateRow, EnrolmentRow};
use crate::store::{audit, authority, registry as rows};

/// A device as the registry has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Its name for people.
    pub name: String,
    /// Whether it may connect.
    pub enabled: bool,
    /// What it is for, by the newest decision.
    pub kind: DeviceKind,
    /// Where it stands, by the newest decision; none once it is put away.
    pub site: Option<SiteId>,
    /// What it may do, where its row says so.
    pub limits: DeviceLimits,
}

/// A reading credential as the registry has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub name: DeviceId,
    /// What it may subscribe to.
    pub filters: Vec<TopicFilter>,
}

/// The registry in the forms for the API and the command line.
#[derive(Debug, Clone)]
pub struct RegistryListing {
    /// By id.
    pub devices: Vec<DeviceSummary>,
    /// In the order to show them.
    pub sites: Vec<SiteSummary>,
    /// By name.
    pub readers: Vec<ReaderSummary>,
}

impl RegistryListing {
    /// Reads the registry from a database, whoever writes it.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(crate) fn load(connection: &Connection, zone: &TimeZone) -> Result<Self, LedgerError> {
        Ok(Snapshot::load(connection, zone)?.listing())
    }
}

/// The registry as it stood after one change.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// The newest audit record: a change always writes one.
    pub(super) version: i64,
    pub(super) devices: BTreeMap<DeviceId, (Device, Option<PasswordHash>)>,
    /// Lapsed ones too, until the device's next one is issued.
    pub(super) certificates: BTreeMap<Serial, CertificateRow>,
    pub(super) enrolments: BTreeMap<TokenHash, EnrolmentRow>,
    pub(super) readers: BTreeMap<DeviceId, (Reader, PasswordHash)>,
    pub(super) places: Arc<Places>,
}

impl Snapshot {
    /// Reads the registry as one transaction sees it.
    pub(super) fn load(connection: &Connection, zone: &TimeZone) -> Result<Self, LedgerError> {
        let rows = rows::load(connection)?;
        let mut devices = BTreeMap::new();
        for row in rows.devices {
            let newest = rows.placements.iter().rfind(|place| place.device == row.id);
            let device = Device {
                id: row.id.clone(),
                name: row.name,
                enabled: row.enabled,
                kind: newest.map_or(DeviceKind::Other, |place| place.kind),
                site: newest.and_then(|place| place.site.clone()),
                limits: row.limits,
            };
            devices.insert(row.id, (device, row.password));
        }
        let certificates = authority::certificates(connection)?.into_iter();
        let enrolments = authority::enrolments(connection)?.into_iter();
        let reader = |row: rows::ReaderRow| {
            let reader = Reader {
                name: row.name.clone(),
                filters: row.filters,
            };
            (row.name, (reader, row.password))
        };
        Ok(Self {
            version: audit::last_number(connection)?,
            devices,
            certificates: certificates.map(|row| (row.serial.clone(), row)).collect(),
            enrolments: enrolments.map(|row| (row.secret, row)).collect(),
            readers: rows.readers.into_iter().map(reader).collect(),
            places: Arc::new(Places {
                zone: zone.clone(),
                sites: rows.sites,
                placements: rows.placements,
            }),
        })
    }

    pub(super) fn listing(&self) -> RegistryListing {
        let devices = self.devices.values().map(|(device, _)| device.summary());
        let readers = self.readers.values().map(|(reader, _)| reader.summary());
        RegistryListing {
            devices: devices.collect(),
            sites: self.places.sites.iter().map(Site::summary).collect(),
            readers: readers.collect(),
        }
    }
}

impl Device {
    /// The form for the API and the command line.
    #[must_use]
    pub fn summary(&self) -> DeviceSummary {
        DeviceSummary {
            device: self.id.clone(),
            name: self.name.clone(),
            kind: self.kind.as_str().to_owned(),
            site: self.site.clone(),
            enabled: self.enabled,
            limits: self.limits.clone(),
        }
    }

    pub(super) fn for_audit(&self) -> Value {
        json!({
            "name": self.name,
            "enabled": self.enabled,
            "kind": self.kind.as_str(),
            "site": self.site,
        })
    }
}

impl Reader {
    /// The form for the API and the command line.
    #[must_use]
    pub fn summary(&self) -> ReaderSummary {
        ReaderSummary {
            reader: self.name.to_string(),
            filters: self.filters.clone(),
        }
    }
}

impl Site {
    /// The form for the API and the command line.
    #[must_use]
    pub fn summary(&self) -> SiteSummary {
        let newest = self.opening.last();
        let week = newest.map_or_else(Week::always, |opening| Week(opening.week));
        SiteSummary {
            site: self.id.clone(),
            name: self.name.clone(),
            open: week.to_string(),
            open_from: newest.map(|opening| opening.valid_from),
        }
    }
}
