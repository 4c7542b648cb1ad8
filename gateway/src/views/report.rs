//! What the views answer: visits with their completeness, streams with their gaps, lending.

mod lending;

use jiff::{Timestamp, civil::Date};
use lujiang_wire::{DeviceId, Epoch, Stream};

use crate::places::SiteId;

pub use lending::{
    LoanBucket, LoanFigures, LoanQuery, LoanReport, LoanRow, StopFigures, UnresolvedPayment,
};

/// A question for visitor totals over `[from, to)`.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitQuery {
    /// Only this site.
    pub site: Option<SiteId>,
    /// Only this device.
    pub device: Option<DeviceId>,
    /// Beginning; cut down to its bucket.
    pub from: Timestamp,
    /// End, not included; cut up to its bucket.
    pub to: Timestamp,
    /// How to divide it.
    pub bucket: Bucket,
}

/// Calendar units in the library's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Sixty minutes.
    Hour,
    /// A civil day.
    Day,
    /// A civil month.
    Month,
    /// A civil year.
    Year,
}

/// Visitor totals.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitReport {
    /// One for each unit of the range, empty ones included.
    pub buckets: Vec<VisitBucket>,
    /// Over the whole range.
    pub total: VisitTotal,
    /// Gaps of the devices concerned.
    pub gaps: Vec<Gap>,
}

/// One calendar unit. A count whose period fits in no single unit of this size is in the total
/// alone.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitBucket {
    /// Beginning.
    pub start: Timestamp,
    /// Persons in.
    pub entered: u64,
    /// Persons out.
    pub left: u64,
    /// Visits: persons who physically enter (NISO Z39.7 §7.1).
    pub visits: u64,
    /// How complete; none where nothing was expected.
    pub complete: Option<Completeness>,
}

/// The total of a range.
#[derive(Debug, Clone, PartialEq)]
pub struct VisitTotal {
    /// Persons in, those below included.
    pub entered: u64,
    /// Persons out.
    pub left: u64,
    /// Visits, those below included.
    pub visits: u64,
    /// Visits within whose hour is not known because nobody watched the counter.
    pub hours_unknown: u64,
    /// Visits within whose time is not known at all; placed by the day they were received.
    pub undated: u64,
    /// How complete; none where nothing was expected.
    pub complete: Option<Completeness>,
}

/// Covered of expected gate-seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completeness {
    /// Seconds somebody watched, within what was expected.
    pub covered_seconds: u64,
    /// Seconds of all gates concerned within opening hours, up to now.
    pub expected_seconds: u64,
}

impl Completeness {
    /// The fraction in ten-thousandths, rounded down: it is never 1 unless it is whole.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let covered = u128::from(self.covered_seconds.min(self.expected_seconds));
        let of_ten_thousand = (covered * 10_000).checked_div(u128::from(self.expected_seconds));
        let of_ten_thousand = u32::try_from(of_ten_thousand.unwrap_or(0)).unwrap_or(10_000);
        f64::from(of_ten_thousand) / 10_000.0
    }
}

/// Sequence numbers of a stream that are not in the ledger; both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose.
    pub device: DeviceId,
    /// In which life of its outbox.
    pub epoch: Epoch,
    /// In which stream.
    pub stream: Stream,
    /// First number missing.
    pub from: u64,
    /// Last number missing.
    pub to: u64,
    /// What can still be hoped for.
    pub state: GapState,
}

/// What can be hoped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapState {
    /// Below the highest received: should have come, may still come.
    Open,
    /// Written by the device, not yet sent.
    Waiting,
    /// Will never come: the outbox gave it up, or its epoch ended.
    Lost,
}

impl GapState {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Lost => "lost",
        }
    }
}

/// One stream of one life of an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// The life.
    pub epoch: Epoch,
    /// The stream.
    pub stream: Stream,
    /// Whether this is the device's newest life.
    pub current: bool,
    /// In the ledger without a hole up to here.
    pub through: u64,
    /// Highest number in the ledger.
    pub highest: u64,
    /// Last number the device says it wrote, where it said.
    pub written: Option<u64>,
    /// What is missing.
    pub gaps: Vec<Gap>,
}

/// What the ledger knows of a device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceFigures {
    /// When its last fact was received.
    pub last_fact: Option<Timestamp>,
    /// Facts accepted.
    pub facts: u64,
    /// Elements quarantined.
    pub quarantined: u64,
    /// Of these, ids used twice with different content: a cloned card, a restored image.
    pub id_conflicts: u64,
    /// Flags seen on counted periods, by day of the library, newest first, at most 31 days.
    pub flagged_days: Vec<(Date, String, u64)>,
    /// Its streams, newest life first.
    pub streams: Vec<StreamState>,
}

impl DeviceFigures {
    /// How many numbers are missing in this way.
    #[must_use]
    pub fn missing(&self, state: GapState) -> u64 {
        let gaps = self.streams.iter().flat_map(|stream| &stream.gaps);
        gaps.filter(|gap| gap.state == state)
            .map(|gap| (gap.to - gap.from).saturating_add(1))
            .fold(0, u64::saturating_add)
    }
}
