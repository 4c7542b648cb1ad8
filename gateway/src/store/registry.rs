//! The rows of the registry: devices, where they stand, sites, opening hours, readers.
//!
//! Each function is one statement; what may be changed, and the audit record that goes with it,
//! is the registry's business.

use jiff::Timestamp;
use lujiang_wire::{DeviceId, TopicFilter};
use rusqlite::{Connection, params};

use crate::ledger::LedgerError;
use crate::places::{DeviceKind, Opening, Placement, Site, SiteId};
use crate::registry::{DeviceLimits, PasswordHash, Week};

/// The tables. Times are microseconds since 1970.
pub(crate) const TABLES: &str = "
CREATE TABLE device (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    enabled  INTEGER NOT NULL,
    password TEXT NOT NULL      -- Argon2id, a PHC string; '' for none
) STRICT, WITHOUT ROWID;
CREATE TABLE site (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    position INTEGER NOT NULL   -- in the order to show them
) STRICT, WITHOUT ROWID;
CREATE TABLE placement (
    device     TEXT NOT NULL REFERENCES device (id),
    valid_from INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    site       TEXT REFERENCES site (id),
    PRIMARY KEY (device, valid_from)
) STRICT, WITHOUT ROWID;
CREATE TABLE opening (
    site       TEXT NOT NULL REFERENCES site (id),
    valid_from INTEGER NOT NULL,
    week       TEXT NOT NULL,
    PRIMARY KEY (site, valid_from)
) STRICT, WITHOUT ROWID;
CREATE TABLE reader (
    name     TEXT PRIMARY KEY,
    filters  TEXT NOT NULL,     -- a JSON array
    password TEXT NOT NULL      -- Argon2id, a PHC string
) STRICT, WITHOUT ROWID;
";

/// Everything the registry holds.
#[derive(Debug, Clone)]
pub(crate) struct RegistryRows {
    pub(crate) devices: Vec<DeviceRow>,
    /// By device, oldest first.
    pub(crate) placements: Vec<Placement>,
    /// In the order to show them.
    pub(crate) sites: Vec<Site>,
    pub(crate) readers: Vec<ReaderRow>,
}

/// A device.
#[derive(Debug, Clone)]
pub(crate) struct DeviceRow {
    pub(crate) id: DeviceId,
    pub(crate) name: String,
    pub(crate) enabled: bool,
    /// None: it comes by its certificate alone.
    pub(crate) password: Option<PasswordHash>,
    pub(crate) limits: DeviceLimits,
}

/// A reading credential.
#[derive(Debug, Clone)]
pub(crate) struct ReaderRow {
    pub(crate) name: DeviceId,
    pub(crate) filters: Vec<TopicFilter>,
    pub(crate) password: PasswordHash,
}

/// Reads everything.
///
/// # Errors
/// Where the database fails, or a row is not what was written.
pub(crate) fn load(connection: &Connection) -> Result<RegistryRows, LedgerError> {
    Ok(RegistryRows {
        devices: load_devices(connection)?,
        placements: load_placements(connection)?,
        sites: load_sites(connection)?,
        readers: load_readers(connection)?,
    })
}

/// Writes a device, new or changed; its limits stay.
pub(crate) fn put_device(connection: &Connection, row: &DeviceRow) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO device (id, name, enabled, password) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE
         SET name = excluded.name, enabled = excluded.enabled, password = excluded.password",
        params![
            row.id.as_str(),
            row.name,
            row.enabled,
            row.password.as_ref().map_or("", PasswordHash::as_str)
        ],
    )?;
    Ok(())
}

/// Writes what a device may do; none where everything is as configured.
pub(crate) fn put_limits(
    connection: &Connection,
    device: &DeviceId,
    limits: &DeviceLimits,
) -> Result<(), LedgerError> {
    let json = serde_json::to_string(limits).expect("numbers and filters are always JSON");
    let json = (!limits.is_default()).then_some(json);
    connection.execute(
        "UPDATE device SET limits = ?2 WHERE id = ?1",
        params![device.as_str(), json],
    )?;
    Ok(())
}

/// Writes where a device stands from a moment on; a decision of the same hour is replaced.
pub(crate) fn put_placement(connection: &Connection, row: &Placement) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO placement (device, valid_from, kind, site) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (device, valid_from) DO UPDATE
         SET kind = excluded.kind, site = excluded.site",
        params![
            row.device.as_str(),
            row.valid_from.as_microsecond(),
            row.kind.as_str(),
            row.site.as_ref().map(SiteId::as_str),
        ],
    )?;
    Ok(())
}

/// Writes a site, new (shown last) or renamed.
pub(crate) fn put_site(
    connection: &Connection,
    site: &SiteId,
    name: &str,
) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO site (id, name, position)
         VALUES (?1, ?2, (SELECT coalesce(max(position), 0) + 1 FROM site))
         ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        params![site.as_str(), name],
    )?;
    Ok(())
}

/// Writes the opening hours of a site from a moment on.
pub(crate) fn put_opening(
    connection: &Connection,
    site: &SiteId,
    opening: &Opening,
) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO opening (site, valid_from, week) VALUES (?1, ?2, ?3)
         ON CONFLICT (site, valid_from) DO UPDATE SET week = excluded.week",
        params![
            site.as_str(),
            opening.valid_from.as_microsecond(),
            Week(opening.week).to_string(),
        ],
    )?;
    Ok(())
}

/// Writes a reader, new or changed.
pub(crate) fn put_reader(connection: &Connection, row: &ReaderRow) -> Result<(), LedgerError> {
    let filters = serde_json::to_string(&row.filters).expect("filters are always JSON");
    connection.execute(
        "INSERT INTO reader (name, filters, password) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE
         SET filters = excluded.filters, password = excluded.password",
        params![row.name.as_str(), filters, row.password.as_str()],
    )?;
    Ok(())
}

/// Removes a reader.
pub(crate) fn remove_reader(connection: &Connection, name: &DeviceId) -> Result<(), LedgerError> {
    connection.execute("DELETE FROM reader WHERE name = ?1", [name.as_str()])?;
    Ok(())
}

/// A stored time.
pub(super) fn timestamp(micros: i64) -> Result<Timestamp, LedgerError> {
    Timestamp::from_microsecond(micros).map_err(|error| not_ours("a time", &error))
}

fn load_devices(connection: &Connection) -> Result<Vec<DeviceRow>, LedgerError> {
    let mut statement =
        connection.prepare("SELECT id, name, enabled, password, limits FROM device ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut devices = Vec::new();
    while let Some(row) = rows.next()? {
        let password: String = row.get(3)?;
        let limits: Option<String> = row.get(4)?;
        let limits = limits.map(|json| serde_json::from_str(&json)).transpose();
        devices.push(DeviceRow {
            id: id(row.get(0)?)?,
            name: row.get(1)?,
            enabled: row.get(2)?,
            password: (!password.is_empty()).then(|| PasswordHash::stored(password)),
            limits: limits
                .map_err(|error| not_ours("limits", &error))?
                .unwrap_or_default(),
        });
    }
    Ok(devices)
}

fn load_placements(connection: &Connection) -> Result<Vec<Placement>, LedgerError> {
    let mut statement = connection.prepare(
        "SELECT device, valid_from, kind, site FROM placement ORDER BY device, valid_from",
    )?;
    let mut rows = statement.query([])?;
    let mut placements = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(2)?;
        let kind: Result<DeviceKind, String> = kind.parse();
        placements.push(Placement {
            device: id(row.get(0)?)?,
            valid_from: timestamp(row.get(1)?)?,
            kind: kind.map_err(|error| not_ours("a kind", &error))?,
            site: row.get::<_, Option<String>>(3)?.map(id).transpose()?,
        });
    }
    Ok(placements)
}

fn load_sites(connection: &Connection) -> Result<Vec<Site>, LedgerError> {
    let mut statement = connection.prepare(
        "SELECT site.id, site.name, opening.valid_from, opening.week
         FROM site LEFT JOIN opening ON opening.site = site.id
         ORDER BY site.position, site.id, opening.valid_from",
    )?;
    let mut rows = statement.query([])?;
    let mut sites: Vec<Site> = Vec::new();
    while let Some(row) = rows.next()? {
        let site = id(row.get(0)?)?;
        if sites.last().is_none_or(|last| last.id != site) {
            sites.push(Site {
                id: site,
                name: row.get(1)?,
                opening: Vec::new(),
            });
        }
        let (from, week): (Option<i64>, Option<String>) = (row.get(2)?, row.get(3)?);
        if let (Some(from), Some(week), Some(site)) = (from, week, sites.last_mut()) {
            let week: Week = week.parse().map_err(|error| not_ours("a week", &error))?;
            site.opening.push(Opening {
                valid_from: timestamp(from)?,
                week: week.0,
            });
        }
    }
    Ok(sites)
}

fn load_readers(connection: &Connection) -> Result<Vec<ReaderRow>, LedgerError> {
    let mut statement =
        connection.prepare("SELECT name, filters, password FROM reader ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut readers = Vec::new();
    while let Some(row) = rows.next()? {
        let filters: String = row.get(1)?;
        readers.push(ReaderRow {
            name: id(row.get(0)?)?,
            filters: serde_json::from_str(&filters)
                .map_err(|error| not_ours("a list of filters", &error))?,
            password: PasswordHash::stored(row.get(2)?),
        });
    }
    Ok(readers)
}

pub(super) fn id(text: String) -> Result<DeviceId, LedgerError> {
    text.try_into().map_err(|error| not_ours("an id", &error))
}

pub(super) fn not_ours(what: &str, error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Database(format!("the registry holds {what} that is none: {error}"))
}
