//! Where devices stand and when sites are open: the decisions figures depend on, as a snapshot.
//!
//! Each row is valid from a full hour of the library's time on; a fact is looked up by its
//! corrected time. Before its first row a device stands where it first stood.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use lujiang_wire::DeviceId;

/// All placements and opening hours, with their history.
#[derive(Debug, Clone)]
pub struct Places {
    /// Days and months are cut here.
    pub zone: TimeZone,
    /// The sites, in the order to show them.
    pub sites: Vec<Site>,
    /// Where each device stood, oldest first.
    pub placements: Vec<Placement>,
}

/// A library, branch, reading room or bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its id: the grammar of a device id.
    pub id: SiteId,
    /// Its name for people.
    pub name: String,
    /// When it was open, oldest first; before the first row and where there is none: always.
    pub opening: Vec<Opening>,
}

/// The id of a site.
pub type SiteId = DeviceId;

/// Opening hours that hold from a moment on.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// From this moment (a full hour).
    pub valid_from: Timestamp,
    /// Monday first; `None` is closed that day. The end may be midnight, written 24:00.
    pub week: [Option<OpenHours>; 7],
}

/// The hours of one day, half-open; `until` 00:00 means the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenHours {
    /// Opens.
    pub from: Time,
    /// Closes.
    pub until: Time,
}

/// What a device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    /// Counts visitors.
    Gate,
    /// Lends without staff.
    SelfCheckout,
    /// Shows e-books.
    Kiosk,
    /// The book bus.
    Bus,
    /// Anything else.
    Other,
}

/// A device at a site from a moment on.
#[derive(Debug, Clone, PartialEq)]
pub struct Placement {
    /// Which device.
    pub device: DeviceId,
    /// What it is for there.
    pub kind: DeviceKind,
    /// Where; none once it is put away.
    pub site: Option<SiteId>,
    /// From this moment (a full hour).
    pub valid_from: Timestamp,
}
