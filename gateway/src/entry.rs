//! An entry of the ledger: a fact or a quarantined element, with the verdict given once.

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{DeviceId, Event, Place};

/// The number of an entry: contiguous, from 1, in the order of commitment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Whose connection it came over.
    pub device: DeviceId,
    /// Where it stands in the outbox, where that could be read.
    pub place: Option<Place>,
    /// When the door read it.
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
    /// It is kept aside and does not count.
    Quarantined {
        /// Why.
        reason: QuarantineReason,
    },
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
}

impl QuarantineReason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NotReadable,
        Self::NotUnderstood,
        Self::ForeignSource,
        Self::IdConflict,
        Self::Implausible,
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
        }
    }
}
