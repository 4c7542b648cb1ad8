//! `[rollouts]` of the gateway's configuration: who has to agree, and how long it is waited for
//! who says nothing.

use std::time::Duration;

use crate::section::Section;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// `[rollouts]`: how releases reach kiosks.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutsSection {
    /// Who has to approve a rollout before it may be started.
    pub approval: RolloutApproval,
    /// After this long without a word a device no longer holds a rollout open.
    pub patience: Duration,
}

/// Who has to approve a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutApproval {
    /// Nobody: whoever asks for it starts it.
    Nobody,
    /// Another than who asked for it.
    SecondPerson,
}

impl Default for RolloutsSection {
    fn default() -> Self {
        Self {
            approval: RolloutApproval::Nobody,
            patience: DAY * 14,
        }
    }
}

impl RolloutsSection {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            approval: section.choice(
                "approval",
                default.approval,
                &[
                    ("nobody", RolloutApproval::Nobody),
                    ("second-person", RolloutApproval::SecondPerson),
                ],
            ),
            patience: section.duration("patience", default.patience, HOUR..=DAY * 365),
        }
    }
}
