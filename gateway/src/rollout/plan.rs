//! What is planned: stages, their devices, and the thresholds between them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Label};
use serde::{Deserialize, Serialize};

use super::{Member, Tally};

/// Most stages of a plan: more than anybody watches.
const STAGES_MAX: usize = 20;

/// How a release is rolled out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// In their order; who is in none of them is in the last.
    pub stages: Vec<Stage>,
    /// Whether a second person has to approve it.
    pub approval: Approval,
    /// After this long without a word a device no longer holds the rollout open.
    pub patience: Duration,
}

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stage {
    /// Its name for people: `canaries`.
    pub name: Label,
    /// Who is in it.
    pub share: Share,
    /// What has to be met before the next stage begins.
    pub success: Threshold,
    /// What holds the rollout.
    pub failure: Threshold,
}

/// Who is in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// These devices.
    Devices(BTreeSet<DeviceId>),
    /// So many of a hundred of all devices, of those that are in no earlier stage; at least one.
    Percent(u8),
    /// Everybody who is left.
    Rest,
}

/// A share of a sample that is large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Threshold {
    /// Of a hundred.
    pub percent: u8,
    /// The smallest sample it may be read from: one failure of one is no reason to stop, one
    /// success of one none to go on. Where there are fewer devices, all of them are the sample.
    pub sample_min: u32,
}

/// Whether a second person has to approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// Whoever asks for it starts it.
    Needless,
    /// Another person than who asked for it.
    BySecondPerson,
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It has no stage, or too many.
    #[error("a plan has 1 to {STAGES_MAX} stages, this one {0}")]
    Stages(usize),
    /// A share or threshold is no percentage.
    #[error("stage {stage}: {found} is no percentage from 1 to 100")]
    Percent {
        /// Which stage.
        stage: Label,
        /// What stands there.
        found: u8,
    },
}

impl Plan {
    /// Whether it can be carried out.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        if !(1..=STAGES_MAX).contains(&self.stages.len()) {
            return Err(PlanError::Stages(self.stages.len()));
        }
        for stage in &self.stages {
            let share = match stage.share {
                Share::Percent(percent) => Some(percent),
                Share::Devices(_) | Share::Rest => None,
            };
            let thresholds = [stage.success.percent, stage.failure.percent];
            for found in thresholds.into_iter().chain(share) {
                if !(1..=100).contains(&found) {
                    return Err(PlanError::Percent {
                        stage: stage.name.clone(),
                        found,
                    });
                }
            }
        }
        Ok(())
    }

    /// Puts each device into its stage, in the order given.
    pub(super) fn divide(&self, devices: &[DeviceId]) -> BTreeMap<DeviceId, Member> {
        let mut left: Vec<&DeviceId> = devices.iter().collect();
        let mut members = BTreeMap::new();
        let last = self.stages.len() - 1;
        for (number, stage) in self.stages.iter().enumerate() {
            let taken: BTreeSet<&DeviceId> = match &stage.share {
                _ if number == last => left.iter().copied().collect(),
                Share::Devices(named) => {
                    let is_named = |device: &&DeviceId| named.contains(*device);
                    left.iter().copied().filter(is_named).collect()
                }
                Share::Percent(percent) => {
                    let count = (devices.len() * usize::from(*percent)).div_ceil(100);
                    left.iter().copied().take(count).collect()
                }
                Share::Rest => left.iter().copied().collect(),
            };
            left.retain(|device| !taken.contains(device));
            let waiting = |device: &DeviceId| {
                (
                    device.clone(),
                    Member::waiting(number, Timestamp::UNIX_EPOCH),
                )
            };
            members.extend(taken.into_iter().map(waiting));
        }
        members
    }
}

impl Threshold {
    /// Whether enough of a stage have succeeded. A stage nobody belongs to has; one of which
    /// nobody is expected now has proved nothing yet.
    #[must_use]
    pub fn is_reached(self, tally: &Tally) -> bool {
        let sample = self.sample_min.min(tally.expected()).max(1);
        let is_share = self.is_share(tally.succeeded, tally.expected());
        tally.is_empty() || tally.ended() >= sample && is_share
    }

    /// Whether too many of those that came to an end have failed.
    #[must_use]
    pub fn is_exceeded(self, tally: &Tally) -> bool {
        let (failed, ended) = (tally.failed, tally.ended());
        let sample = self.sample_min.min(tally.expected());
        failed > 0 && ended >= sample && self.is_share(failed, ended)
    }

    fn is_share(self, count: u32, of: u32) -> bool {
        u64::from(count) * 100 >= u64::from(self.percent) * u64::from(of)
    }
}
