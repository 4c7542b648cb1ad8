//! Where devices stand and when sites are open: the decisions figures depend on, as a snapshot.
//!
//! Each row is valid from a full hour of the library's time on; a fact is looked up by its
//! corrected time. Before its first row a device stands where it first stood.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, Unit, ZonedRound};
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

impl Places {
    /// Where a device stood at a moment; before its first row, where it first stood.
    #[must_use]
    pub fn placement_at(&self, device: &DeviceId, moment: Timestamp) -> Option<&Placement> {
        let mut rows = self.placements.iter().filter(|row| row.device == *device);
        let first = rows.next()?;
        Some(
            rows.take_while(|row| row.valid_from <= moment)
                .last()
                .unwrap_or(first),
        )
    }

    /// The full hour of the library's time from which a decision made at this moment holds.
    #[must_use]
    pub fn valid_from(zone: &TimeZone, moment: Timestamp) -> Timestamp {
        let up = ZonedRound::new().smallest(Unit::Hour).mode(RoundMode::Ceil);
        moment
            .to_zoned(zone.clone())
            .round(up)
            .map_or(moment, |zoned| zoned.timestamp())
    }
}

impl DeviceKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Gate,
        Self::SelfCheckout,
        Self::Kiosk,
        Self::Bus,
        Self::Other,
    ];

    /// The name in the registry, on the command line and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::SelfCheckout => "self-checkout",
            Self::Kiosk => "kiosk",
            Self::Bus => "bus",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeviceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                format!("expected gate, self-checkout, kiosk, bus or other, found {text:?}")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_holds_from_the_next_full_hour_of_the_library() {
        let at = |zone: &str, moment: &str| {
            let zone = TimeZone::get(zone).unwrap();
            Places::valid_from(&zone, moment.parse().unwrap()).to_string()
        };
        let shanghai = |moment| at("Asia/Shanghai", moment);
        assert_eq!(shanghai("2026-03-01T02:00:01Z"), "2026-03-01T03:00:00Z");
        assert_eq!(shanghai("2026-03-01T02:00:00Z"), "2026-03-01T02:00:00Z");
        assert_eq!(
            at("Asia/Kolkata", "2026-03-01T02:00:00Z"),
            "2026-03-01T02:30:00Z"
        );
    }

    #[test]
    fn a_device_stands_where_it_first_stood_before_its_first_row() {
        let row = |site: &str, second| Placement {
            device: "gate-1".parse().unwrap(),
            kind: DeviceKind::Gate,
            site: Some(site.parse().unwrap()),
            valid_from: Timestamp::from_second(second).unwrap(),
        };
        let places = Places {
            zone: TimeZone::UTC,
            sites: Vec::new(),
            placements: vec![row("main", 3_600), row("branch", 7_200)],
        };
        let stood = |second| {
            let moment = Timestamp::from_second(second).unwrap();
            let gate = "gate-1".parse().unwrap();
            places
                .placement_at(&gate, moment)
                .unwrap()
                .site
                .clone()
                .unwrap()
                .to_string()
        };
        assert_eq!(stood(0), "main");
        assert_eq!(stood(7_199), "main");
        assert_eq!(stood(7_200), "branch");
    }
}
