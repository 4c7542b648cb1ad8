//! Rollouts in the API's words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Entry;
use crate::rollout::{Member, Plan, Progress, Share, State, Tally, Threshold, Why};

/// A rollout to be planned.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRolloutForm {
    /// The release.
    pub release: String,
    /// The devices; every kiosk, also later ones, where none is named.
    #[serde(default)]
    pub devices: Vec<String>,
    /// The stages in their order; three usual ones where none is given.
    #[serde(default)]
    pub stages: Vec<NewStageForm>,
    /// Days a silent device is waited for; as configured where left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_days: Option<u16>,
}

/// A stage to be planned: one of `devices`, `sites` and `percent`, or who is left.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStageForm {
    /// Its name.
    pub name: String,
    /// These devices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// The kiosks of these sites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// So many of a hundred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// What has to be met before the next stage begins.
    pub success: ThresholdForm,
    /// What holds the rollout.
    pub failure: ThresholdForm,
}

/// A share of a sample that is large enough.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdForm {
    /// Of a hundred.
    pub percent: u8,
    /// The smallest sample it may be read from.
    pub sample_min: u32,
}

/// A device that is expected to be off-line.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcuseForm {
    /// Which.
    pub device: String,
    /// Until when; a time that is past ends it.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// A rollout.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RolloutForm {
    /// Its number.
    pub number: u64,
    /// The release.
    pub release: String,
    /// `awaiting-approval`, `ready`, `running`, `paused`, `finished` or `aborted`.
    pub state: String,
    /// Who paused or aborted it, where somebody did.
    pub by: Option<String>,
    /// Why it was held by itself, where it was.
    pub failures: Option<FailuresForm>,
    /// Who asked for it.
    pub asked_by: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created: String,
    /// The stage under way or the last that was, from 0.
    pub stage: usize,
    /// Its stages.
    pub stages: Vec<StageForm>,
    /// Devices by how far they are: `waiting`, `offered`, `downloading`, `verified`, `installed`,
    /// `shown`, `failed`, `removed`. Those expected to be off-line are not among them.
    pub counts: BTreeMap<String, u32>,
    /// Devices expected to be off-line: not counted.
    pub excused: u32,
    /// Devices silent for longer than the rollout's patience: it goes on without them.
    pub absent: Vec<String>,
    /// When the last device that is fetching expects to be done.
    pub arrival: Option<String>,
    /// Whether new kiosks join by themselves.
    pub is_open: bool,
}

/// Too many failed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FailuresForm {
    /// So many.
    pub failed: u32,
    /// Of so many that came to an end.
    pub ended: u32,
}

/// A stage.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StageForm {
    /// Its name.
    pub name: String,
    /// So many of a hundred, where it is a share.
    pub percent: Option<u8>,
    /// What has to be met before the next begins.
    pub success: ThresholdForm,
    /// What holds the rollout.
    pub failure: ThresholdForm,
    /// Not done, and here.
    pub under_way: u32,
    /// Expected to be off-line, or never heard of: not counted.
    pub excused: u32,
    /// Shown.
    pub succeeded: u32,
    /// Failed.
    pub failed: u32,
    /// Failed, and a person went on in spite of it.
    pub overlooked: u32,
}

/// A rollout with its devices.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RolloutDetailForm {
    /// The rollout.
    #[serde(flatten)]
    pub rollout: RolloutForm,
    /// Its devices.
    pub devices: Vec<MemberForm>,
}

/// A device of a rollout.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MemberForm {
    /// Its id.
    pub device: String,
    /// Its name for people.
    pub name: String,
    /// Where it stands.
    pub site: Option<String>,
    /// The stage it is in, from 0.
    pub stage: usize,
    /// How far it is, as in the counts.
    pub state: String,
    /// Since when.
    pub since: Option<String>,
    /// Bytes there, while it is fetching.
    pub bytes: Option<u64>,
    /// Bytes in all, while it is fetching.
    pub of: Option<u64>,
    /// Bytes a second, while it is fetching.
    pub rate: Option<u64>,
    /// When it expects to be done.
    pub arrival: Option<String>,
    /// Why it failed, as a word for machines.
    pub reason: Option<String>,
    /// Why it failed, in its own words.
    pub detail: Option<String>,
    /// Which attempt it is at, from 0.
    pub attempt: u32,
    /// Until when it is expected to be off-line.
    pub excused_until: Option<String>,
    /// Silent for longer than the rollout's patience.
    pub is_absent: bool,
    /// Whether a fact of its ledger says how far it is.
    pub is_proved: bool,
}

impl From<ThresholdForm> for Threshold {
    fn from(form: ThresholdForm) -> Self {
        Self {
            percent: form.percent,
            sample_min: form.sample_min,
        }
    }
}

impl From<Threshold> for ThresholdForm {
    fn from(threshold: Threshold) -> Self {
        Self {
            percent: threshold.percent,
            sample_min: threshold.sample_min,
        }
    }
}

impl RolloutForm {
    /// A rollout as it is now.
    #[must_use]
    pub fn of(entry: &Entry, now: Timestamp) -> Self {
        let rollout = &entry.rollout;
        let (plan, members) = (rollout.planned(), rollout.members());
        let (by, failures) = match rollout.state().why() {
            Some(Why::Asked(by)) => (Some(by.to_string()), None),
            Some(Why::Failures(failed, ended)) => {
                let (failed, ended) = (*failed, *ended);
                (None, Some(FailuresForm { failed, ended }))
            }
            None => (None, None),
        };
        let stages = plan.stages.iter().enumerate();
        let mut counts = BTreeMap::new();
        for member in members.values().filter(|member| !member.is_excused(now)) {
            *counts
                .entry(member.progress.as_str().to_owned())
                .or_insert(0) += 1;
        }
        let arrivals = members
            .values()
            .filter_map(|member| arrival(&member.progress));
        let excused = members.values().filter(|member| member.is_excused(now));
        Self {
            number: entry.number,
            release: rollout.release().to_string(),
            state: state(rollout.state()).to_owned(),
            by,
            failures,
            asked_by: rollout.asked_by().to_string(),
            approved_by: entry.facts.approved_by.as_ref().map(ToString::to_string),
            created: entry.facts.created.to_string(),
            stage: rollout.stage(),
            stages: stages
                .map(|(number, _)| StageForm::of(plan, number, rollout.tally(number, now)))
                .collect(),
            counts,
            excused: u32::try_from(excused.count()).unwrap_or(u32::MAX),
            absent: rollout
                .absent(now)
                .filter(|device| !members[*device].is_excused(now))
                .map(ToString::to_string)
                .collect(),
            arrival: arrivals.max().map(|at| at.to_string()),
            is_open: entry.facts.is_open,
        }
    }
}

impl StageForm {
    fn of(plan: &Plan, number: usize, tally: Tally) -> Self {
        let stage = &plan.stages[number];
        Self {
            name: stage.name.to_string(),
            percent: match &stage.share {
                Share::Percent(percent) => Some(*percent),
                Share::Devices(_) | Share::Rest => None,
            },
            success: stage.success.into(),
            failure: stage.failure.into(),
            under_way: tally.under_way,
            excused: tally.excused,
            succeeded: tally.succeeded,
            failed: tally.failed,
            overlooked: tally.overlooked,
        }
    }
}

impl MemberForm {
    /// A device as it is now; name and site are the registry's.
    #[must_use]
    pub fn of(
        device: &lujiang_wire::DeviceId,
        member: &Member,
        plan: &Plan,
        now: Timestamp,
    ) -> Self {
        let is_begun = member.progress != Progress::Waiting;
        let mut form = Self {
            device: device.to_string(),
            name: device.to_string(),
            site: None,
            stage: member.stage,
            state: member.progress.as_str().to_owned(),
            since: is_begun.then(|| member.since.to_string()),
            bytes: None,
            of: None,
            rate: None,
            arrival: arrival(&member.progress).map(|at| at.to_string()),
            reason: None,
            detail: None,
            attempt: member.attempt,
            excused_until: member
                .excused_until
                .filter(|_| member.is_excused(now))
                .map(|until| until.to_string()),
            is_absent: member.is_absent(plan.patience, now) && !member.is_excused(now),
            is_proved: member.is_proved,
        };
        match &member.progress {
            Progress::Downloading {
                bytes, of, rate, ..
            } => (form.bytes, form.of, form.rate) = (Some(*bytes), Some(*of), *rate),
            Progress::Failed(failure) => {
                form.reason = Some(failure.reason.to_string());
                let detail = Some(failure.detail.clone());
                form.detail = detail.filter(|detail| !detail.is_empty());
            }
            Progress::Waiting | Progress::Offered | Progress::Verified => {}
            Progress::Installed | Progress::Shown | Progress::Removed => {}
        }
        form
    }
}

fn arrival(progress: &Progress) -> Option<Timestamp> {
    match progress {
        Progress::Downloading { arrival, .. } => *arrival,
        Progress::Waiting | Progress::Offered | Progress::Verified | Progress::Installed => None,
        Progress::Shown | Progress::Failed(_) | Progress::Removed => None,
    }
}

fn state(state: &State) -> &'static str {
    match state {
        State::AwaitsApproval => "awaiting-approval",
        State::Ready => "ready",
        State::Running => "running",
        State::Paused(_) => "paused",
        State::Finished => "finished",
        State::Aborted(_) => "aborted",
    }
}
