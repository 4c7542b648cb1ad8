//! `library.visit.counted.v1`: what a gate counter counted in a period.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most counts a period may hold: what a JavaScript number holds without loss.
const COUNT_MAX: u64 = (1 << 53) - 1;

/// Counts of one gate in the half-open period `[from, to)`, in the device's own time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VisitCounted {
    /// Beginning of the period.
    #[serde(deserialize_with = "crate::time::deserialize")]
    pub from: Timestamp,
    /// End of the period, not part of it; later than `from`.
    #[serde(deserialize_with = "crate::time::deserialize")]
    pub to: Timestamp,
    /// Persons who came in.
    #[serde(rename = "in")]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub entered: u64,
    /// Persons who went out.
    #[serde(rename = "out")]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub left: u64,
    /// The counter's own totals at the end of the period, where it has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<RawTotals>,
    /// What was odd about this period.
    #[serde(default)]
    pub flags: Vec<Flag>,
}

/// The totals a counter shows, as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RawTotals {
    /// Total in, since the counter was last reset.
    #[serde(rename = "in")]
    pub entered: u64,
    /// Total out, since the counter was last reset.
    #[serde(rename = "out")]
    pub left: u64,
}

/// What was odd about a counted period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// The counter passed its modulus; the difference accounts for it.
    Rollover,
    /// The counter began again; what it counted between the last reading and the reset is not
    /// known and not counted.
    Reset,
    /// Nobody read the counter during this period: the total is exact, its hours are unknown.
    Recovered,
    /// The difference was more than can walk through a door; it is not counted.
    Implausible,
    /// Several periods were made one to save room.
    Merged,
    /// The beginning was read from a clock that was not comparable with the end's.
    FromUnknown,
    /// A flag of a newer agent; kept as it came.
    #[serde(untagged)]
    Other(String),
}

impl VisitCounted {
    /// Whether somebody watched the counter during the whole period, so that it covers it.
    #[must_use]
    pub fn is_observed(&self) -> bool {
        !self.flags.iter().any(|flag| match flag {
            Flag::Recovered | Flag::Implausible | Flag::FromUnknown => true,
            Flag::Rollover | Flag::Reset | Flag::Merged | Flag::Other(_) => false,
        })
    }

    /// Checks what the types cannot say; the error is the place below `data` and the reason.
    pub(crate) fn validate(&self) -> Result<(), (String, String)> {
        if self.from >= self.to {
            return Err((
                "to".to_owned(),
                format!("expected a time after from {}", self.from),
            ));
        }
        for (place, count) in [("in", self.entered), ("out", self.left)] {
            if count > COUNT_MAX {
                return Err((place.to_owned(), format!("expected at most {COUNT_MAX}")));
            }
        }
        Ok(())
    }
}
