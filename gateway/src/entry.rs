//! An entry of the ledger: a fact or a quarantined element, with the verdict given once; or a
//! quarantined element let in by a person.

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{DeviceId, Event, Place};
use serde::{Deserialize, Serialize};

use crate::ruling::Ruling;

/// The number of an entry: contiguous, from 1, in the order of commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntryNumber(pub i64);

impl EntryNumber {
    /// Before the first entry.
    pub const NONE: Self = Self(0);
}

/// An entry of the ledger, as read back and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub number: EntryNumber,
    /// The CRC32C of the stored record.
    pub crc: u32,
    /// Whose connection it came over; of what a carrier brought, who signed it.
    pub device: DeviceId,
    /// Where it stands in the outbox, where that could be read.
    pub place: Option<Place>,
    /// When the door read it; of an admitted entry, when it read the quarantined element.
    pub received: Timestamp,
    /// What was made of it.
    pub verdict: Verdict,
}

/// What was made of an element; given once, never recomputed.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It counts.
    Accepted {
        /// The sealed event.
        event: Box<Event>,
        /// When it happened.
        time: FactTime,
    },
    /// It was kept aside, and a person let it in: it counts.
    Admitted {
        /// The sealed event, as it was or corrected.
        event: Box<Event>,
        /// When it happened.
        time: FactTime,
        /// Who let it in, when, why, and what.
        ruling: Ruling,
    },
    /// It is kept aside and does not count.
    Quarantined {
        /// Why.
        reason: QuarantineReason,
    },
}

impl Entry {
    /// When it became an entry: what an export of a time holds.
    #[must_use]
    pub fn entered(&self) -> Timestamp {
        match &self.verdict {
            Verdict::Admitted { ruling, .. } => ruling.at,
            Verdict::Accepted { .. } | Verdict::Quarantined { .. } => self.received,
        }
    }
}

impl Verdict {
    /// The fact that counts, where one does.
    #[must_use]
    pub fn counted(&self) -> Option<(&Event, FactTime)> {
        match self {
            Self::Accepted { event, time } | Self::Admitted { event, time, .. } => {
                Some((event, *time))
            }
            Self::Quarantined { .. } => None,
        }
    }
}

/// When a fact happened: the device's time plus a correction, and how good that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactTime {
    /// To be added to every device time within the event.
    pub correction: SignedDuration,
    /// How good the corrected time is.
    pub quality: TimeQuality,
}

impl FactTime {
    /// A device time within the event, corrected; cut to what a timestamp can hold.
    #[must_use]
    pub fn correct(&self, device_time: Timestamp) -> Timestamp {
        device_time
            .saturating_add(self.correction)
            .unwrap_or(device_time)
    }
}

/// How good a corrected time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeQuality {
    /// Measured against the gateway in the same boot.
    Synced,
    /// Measured in an earlier boot, or a plain device's own plausible time.
    Estimated,
    /// Not known: it counts in the total, in no hour.
    Unknown,
}

impl TimeQuality {
    /// All of them, best first.
    pub const ALL: [Self; 3] = [Self::Synced, Self::Estimated, Self::Unknown];

    /// The name in records, exports and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
}

/// Why an element is kept aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuarantineReason {
    /// No JSON, too large, or not an array of objects.
    NotReadable,
    /// Not an event as the standard and our schemas have it.
    NotUnderstood,
    /// `source` names another device.
    ForeignSource,
    /// The id, or the place in the stream, was used before with other content.
    IdConflict,
    /// More than can happen.
    Implausible,
    /// Brought for another device, and not signed by it.
    NotSigned,
}

impl QuarantineReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NotReadable,
        Self::NotUnderstood,
        Self::ForeignSource,
        Self::IdConflict,
        Self::Implausible,
        Self::NotSigned,
    ];

    /// The name in records, metrics and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotReadable => "not-readable",
            Self::NotUnderstood => "not-understood",
            Self::ForeignSource => "foreign-source",
            Self::IdConflict => "id-conflict",
            Self::Implausible => "implausible",
            Self::NotSigned => "not-signed",
        }
    }
}

impl std::str::FromStr for QuarantineReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|reason| reason.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no reason to keep an element aside"))
    }
}
