//! What devices last said, as it is kept over a restart. A row is one JSON text of its own
//! versioned form: nobody asks the database about its parts.

use std::net::SocketAddr;

use jiff::Timestamp;
use lujiang_wire::{ClockReport, DeviceId, LinkState, Status};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::ledger::LedgerError;
use crate::presence::{Contact, Written};

/// The table.
pub(crate) const TABLES: &str = "
CREATE TABLE presence (
    device  TEXT PRIMARY KEY,
    contact TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The form that is stored; another version is forgotten, which costs nothing but the display.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct StoredContact {
    version: u32,
    link: LinkState,
    since: Option<Timestamp>,
    last_contact: Option<Timestamp>,
    peer: Option<SocketAddr>,
    ended: Option<String>,
    agent: Option<String>,
    status: Option<Status>,
    clock: Option<ClockReport>,
    written: Option<Written>,
    #[serde(default)]
    oldest: Option<Timestamp>,
}

/// Keeps what changed.
///
/// # Errors
/// Where the database fails.
pub(crate) fn save(
    connection: &Connection,
    contacts: &[(DeviceId, Contact)],
) -> Result<(), LedgerError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO presence (device, contact) VALUES (?1, ?2)
         ON CONFLICT (device) DO UPDATE SET contact = excluded.contact",
    )?;
    for (device, contact) in contacts {
        let contact = contact.clone();
        let stored = StoredContact {
            version: VERSION,
            link: contact.link,
            since: contact.since,
            last_contact: contact.last_contact,
            peer: contact.peer,
            ended: contact.ended,
            agent: contact.agent,
            status: contact.status,
            clock: contact.clock,
            written: contact.written,
            oldest: contact.oldest,
        };
        let json = serde_json::to_string(&stored).expect("a contact is always JSON");
        statement.execute(params![device.as_str(), json])?;
    }
    Ok(())
}

/// Reads what was kept. What cannot be read is left out: a device says it all again when it
/// connects.
///
/// # Errors
/// Where the database fails.
pub(crate) fn load(connection: &Connection) -> Result<Vec<(DeviceId, Contact)>, LedgerError> {
    let mut statement = connection.prepare("SELECT device, contact FROM presence")?;
    let mut rows = statement.query([])?;
    let mut contacts = Vec::new();
    while let Some(row) = rows.next()? {
        let (device, json): (String, String) = (row.get(0)?, row.get(1)?);
        let stored = serde_json::from_str::<StoredContact>(&json);
        match (device.parse(), stored) {
            (Ok(device), Ok(stored)) if stored.version == VERSION => {
                contacts.push((device, stored.into()));
            }
            _ => tracing::warn!(device, "what a device last said cannot be read: forgotten"),
        }
    }
    Ok(contacts)
}

impl From<StoredContact> for Contact {
    fn from(stored: StoredContact) -> Self {
        Self {
            link: stored.link,
            since: stored.since,
            last_contact: stored.last_contact,
            peer: stored.peer,
            ended: stored.ended,
            agent: stored.agent,
            status: stored.status,
            clock: stored.clock,
            written: stored.written,
            oldest: stored.oldest,
            ..Self::default()
        }
    }
}
