//! What is asked for: a rollout with its stages in words of people, made into a plan.

use std::collections::BTreeSet;
use std::time::Duration;

use lujiang_wire::{DeviceId, Label};

use super::{Entry, EntryFacts, RolloutError, Rollouts, change};
use crate::places::{DeviceKind, SiteId};
use crate::registry::{Actor, Device};
use crate::rollout::{Plan, Rollout, Share, Stage, Threshold};
use crate::store::rollouts as rows;

/// A rollout as it is asked for.
#[derive(Debug, Clone)]
pub struct NewRollout {
    /// Of this release.
    pub release: Label,
    /// To these devices; to every kiosk, also later ones, where none is named.
    pub devices: Vec<DeviceId>,
    /// In these stages; in three usual ones where none is given.
    pub stages: Vec<NewStage>,
    /// How long a silent device is waited for; as configured where left out.
    pub patience: Option<Duration>,
}

/// A stage as it is asked for.
#[derive(Debug, Clone)]
pub struct NewStage {
    /// Its name.
    pub name: Label,
    /// Who.
    pub group: Group,
    /// What has to be met before the next begins.
    pub success: Threshold,
    /// What holds the rollout.
    pub failure: Threshold,
}

/// Who is in a stage.
#[derive(Debug, Clone)]
pub enum Group {
    /// These devices.
    Devices(BTreeSet<DeviceId>),
    /// The kiosks of these sites, as they stand now.
    Sites(BTreeSet<SiteId>),
    /// So many of a hundred.
    Percent(u8),
    /// Who is left.
    Rest,
}

impl Rollouts {
    /// Plans a rollout; it does not begin by that.
    ///
    /// # Errors
    /// Where it cannot be carried out, or cannot be written.
    ///
    /// # Cancel safety
    /// Once begun it is carried out, whoever waits for it.
    pub async fn create(
        &self,
        asked: NewRollout,
        signed: &[Label],
        by: Label,
        actor: &Actor,
    ) -> Result<u64, RolloutError> {
        if !signed.contains(&asked.release) {
            return Err(RolloutError::NoRelease(asked.release));
        }
        let (rollouts, actor) = (self.clone(), actor.clone());
        let stepping = self.0.stepping.spawn(async move {
            let _one = rollouts.0.steps.lock().await;
            let now = rollouts.0.clock.wall();
            let is_open = asked.devices.is_empty();
            let release = asked.release.clone();
            let (plan, devices) = rollouts.planned(asked)?;
            let last = rollouts.0.board.load().keys().next_back().copied();
            let entry = Entry {
                number: last.unwrap_or(0) + 1,
                rollout: Rollout::plan(release.clone(), plan, devices, by)?
                    .after_attempts(rollouts.last_attempt(&release)),
                facts: EntryFacts {
                    created: now,
                    approved_by: None,
                    is_open,
                },
            };
            let number = entry.number;
            let change = change::created(&entry, &actor, now);
            // Facts of before the first rollout say nothing of any.
            let is_first = rollouts.0.store.read(rows::heard)?.is_none();
            let head = rollouts.0.store.head_watch().borrow().number;
            rollouts
                .write(entry, change, is_first.then_some(head))
                .await?;
            Ok(number)
        });
        stepping.await.map_err(|_| RolloutError::Stopping)?
    }

    /// The last attempt at a release in all its rollouts; none where it has none.
    fn last_attempt(&self, release: &Label) -> Option<u32> {
        let board = self.0.board.load();
        let of_it = board.values().map(|entry| &entry.rollout);
        let of_it = of_it.filter(|rollout| rollout.release() == release);
        of_it.map(Rollout::last_attempt).max()
    }

    fn planned(&self, asked: NewRollout) -> Result<(Plan, Vec<DeviceId>), RolloutError> {
        let kiosks = self.kiosks();
        let is_kiosk = |id: &DeviceId| kiosks.iter().any(|kiosk| kiosk.id == *id);
        let named = asked.stages.iter().filter_map(|stage| match &stage.group {
            Group::Devices(named) => Some(named),
            Group::Sites(_) | Group::Percent(_) | Group::Rest => None,
        });
        let strangers = asked.devices.iter().chain(named.flatten());
        if let Some(stranger) = strangers.into_iter().find(|id| !is_kiosk(id)) {
            return Err(RolloutError::NoKiosk(stranger.clone()));
        }
        let devices: Vec<DeviceId> = match asked.devices.is_empty() {
            true => kiosks.iter().map(|kiosk| kiosk.id.clone()).collect(),
            false => BTreeSet::from_iter(asked.devices).into_iter().collect(),
        };
        if devices.is_empty() {
            return Err(RolloutError::Nobody);
        }
        let stages = match asked.stages.is_empty() {
            true => usual(),
            false => asked
                .stages
                .into_iter()
                .map(|it| stage(it, &kiosks))
                .collect(),
        };
        let plan = Plan {
            stages,
            approval: self.0.approval,
            patience: asked.patience.unwrap_or(self.0.patience),
        };
        Ok((plan, devices))
    }

    /// The kiosks that may connect, by id.
    pub(super) fn kiosks(&self) -> Vec<Device> {
        let mut devices = self.0.registry.devices();
        devices.retain(|device| device.enabled && device.kind == DeviceKind::Kiosk);
        devices
    }
}

fn stage(asked: NewStage, kiosks: &[Device]) -> Stage {
    let share = match asked.group {
        Group::Devices(devices) => Share::Devices(devices),
        Group::Sites(sites) => {
            let stands = |kiosk: &&Device| kiosk.site.as_ref().is_some_and(|it| sites.contains(it));
            let there = kiosks.iter().filter(stands).map(|kiosk| kiosk.id.clone());
            Share::Devices(there.collect())
        }
        Group::Percent(percent) => Share::Percent(percent),
        Group::Rest => Share::Rest,
    };
    Stage {
        name: asked.name,
        share,
        success: asked.success,
        failure: asked.failure,
    }
}

/// One in twenty must all have shown it; then a third; then everybody.
fn usual() -> Vec<Stage> {
    let stage = |name: &str, share, success, failure| {
        let threshold = |(percent, sample_min)| Threshold {
            percent,
            sample_min,
        };
        Stage {
            name: name.parse().expect("a plain word is a label"),
            share,
            success: threshold(success),
            failure: threshold(failure),
        }
    };
    vec![
        stage("canaries", Share::Percent(5), (100, 1), (1, 1)),
        stage("a third", Share::Percent(30), (90, 5), (20, 3)),
        stage("everybody", Share::Rest, (90, 5), (20, 5)),
    ]
}
