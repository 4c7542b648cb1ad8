//! The figures of a stage.

use std::time::Duration;

use jiff::Timestamp;

use super::{Member, Progress};

/// How many devices of a stage are where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Not offered, or not done, and here.
    pub under_way: u32,
    /// Expected to be off-line, or never heard of since it was offered the release for longer than
    /// the plan's patience: not counted. One that fell silent *after* it had begun is counted: the
    /// release may be what silenced it.
    pub excused: u32,
    /// Shown, also where it is gone again since.
    pub succeeded: u32,
    /// Failed, and nobody went on in spite of it.
    pub failed: u32,
    /// Failed, and a person went on in spite of it.
    pub overlooked: u32,
}

impl Tally {
    pub(super) fn of<'a>(
        members: impl Iterator<Item = &'a Member>,
        patience: Duration,
        now: Timestamp,
    ) -> Self {
        let mut tally = Self::default();
        for member in members {
            let count = match &member.progress {
                Progress::Shown => &mut tally.succeeded,
                Progress::Removed if member.has_shown => &mut tally.succeeded,
                // Another release came before this one was shown: it proves nothing.
                Progress::Removed => &mut tally.excused,
                Progress::Failed(_) if member.is_overlooked => &mut tally.overlooked,
                Progress::Failed(_) => &mut tally.failed,
                Progress::Offered if member.is_absent(patience, now) => &mut tally.excused,
                Progress::Waiting
                | Progress::Offered
                | Progress::Downloading { .. }
                | Progress::Verified
                | Progress::Installed => match member.is_excused(now) {
                    true => &mut tally.excused,
                    false => &mut tally.under_way,
                },
            };
            *count += 1;
        }
        tally
    }

    /// Whether nobody belongs to the stage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Those that came to an end: what failures are a share of.
    #[must_use]
    pub fn ended(&self) -> u32 {
        self.succeeded + self.failed
    }

    /// Those that are expected to come to an end: what successes are a share of.
    #[must_use]
    pub fn expected(&self) -> u32 {
        self.under_way + self.succeeded + self.failed
    }
}
