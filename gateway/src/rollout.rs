//! Rollouts: who is offered a release, when, and when no further.
//!
//! [`Rollout`] is a core: what happened and `now` in, what is to be done out. It knows devices by
//! name and a release by its label; it moves no byte and stores nothing. Whoever drives it keeps
//! what a [`Happened`] has changed, with its audit record, before it performs an [`Effect`].
//!
//! What others get wrong and this does not: the next stage begins only when this one has *met* its
//! threshold over a minimum sample, not when it has merely ended; a device that is expected to be
//! off-line is left out of the denominator until its deadline; one that never returns does not hold
//! the rollout open, but is listed until it does; what is installed is not yet shown.
//!
//! A device says how far it is twice: as a report, soon, and as a fact of its ledger, once. Reports
//! let the rollout go on; a fact is the truth, and no report of the same attempt takes it back.
//!
//! Reading order: what is planned ([`Plan`]), what a device is at ([`Progress`]), the rules
//! ([`Rollout`]).

mod happened;
mod member;
mod plan;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Label};
use serde::{Deserialize, Serialize};

pub use happened::{Effect, Happened, Refused, State, Why};
pub use member::{Failure, Member, Progress};
pub use plan::{Approval, Plan, PlanError, Share, Stage, Threshold};
pub use tally::Tally;

/// A rollout of one release.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    release: Label,
    plan: Plan,
    state: State,
    /// Who asked for it; approval is another's.
    asked_by: Label,
    /// The attempt every device begins at.
    first_attempt: u32,
    /// The stage that is under way, or was last.
    stage: usize,
    members: BTreeMap<DeviceId, Member>,
    effects: VecDeque<Effect>,
}

/// What is kept of a rollout: all of it but what is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Kept {
    /// The release.
    pub release: Label,
    /// What is planned.
    pub plan: Plan,
    /// Where it is.
    pub state: State,
    /// Who asked for it.
    pub asked_by: Label,
    /// The attempt every device begins at.
    #[serde(default)]
    pub first_attempt: u32,
    /// The stage that is under way, or was last.
    pub stage: usize,
    /// Every device and how far it is; kept in rows of their own.
    #[serde(skip)]
    pub members: BTreeMap<DeviceId, Member>,
}

impl Rollout {
    /// Plans a rollout of `release` to these devices.
    ///
    /// # Errors
    /// Where the plan cannot be carried out.
    pub fn plan(
        release: Label,
        plan: Plan,
        devices: impl IntoIterator<Item = DeviceId>,
        asked_by: Label,
    ) -> Result<Self, PlanError> {
        plan.check()?;
        let devices: Vec<DeviceId> = devices.into_iter().collect();
        let members = plan.divide(&devices);
        let state = match plan.approval {
            Approval::Needless => State::Ready,
            Approval::BySecondPerson => State::AwaitsApproval,
        };
        Ok(Self {
            release,
            plan,
            state,
            asked_by,
            first_attempt: 0,
            stage: 0,
            members,
            effects: VecDeque::new(),
        })
    }

    /// The same, with attempts above those of earlier rollouts of this release: what a device still
    /// says of those is told from what it says of this one, and what it gave up then it tries again.
    #[must_use]
    pub fn after_attempts(mut self, last: Option<u32>) -> Self {
        self.first_attempt = last.map_or(0, |last| last.saturating_add(1));
        for member in self.members.values_mut() {
            member.attempt = self.first_attempt;
        }
        self
    }

    /// A rollout as it was kept; what it had to do then is told by [`Rollout::offered`].
    #[must_use]
    pub fn restored(kept: Kept) -> Self {
        Self {
            release: kept.release,
            plan: kept.plan,
            state: kept.state,
            asked_by: kept.asked_by,
            first_attempt: kept.first_attempt,
            stage: kept.stage,
            members: kept.members,
            effects: VecDeque::new(),
        }
    }

    /// What is to be kept of it.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            release: self.release.clone(),
            plan: self.plan.clone(),
            state: self.state.clone(),
            asked_by: self.asked_by.clone(),
            first_attempt: self.first_attempt,
            stage: self.stage,
            members: self.members.clone(),
        }
    }

    /// The release.
    #[must_use]
    pub fn release(&self) -> &Label {
        &self.release
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The stage under way, or the last that was, counted from 0.
    #[must_use]
    pub fn stage(&self) -> usize {
        self.stage
    }

    /// Every device and how far it is.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<DeviceId, Member> {
        &self.members
    }

    /// What is planned.
    #[must_use]
    pub fn planned(&self) -> &Plan {
        &self.plan
    }

    /// Who asked for it.
    #[must_use]
    pub fn asked_by(&self) -> &Label {
        &self.asked_by
    }

    /// Which attempt at the release the device should be at; none where it is not to have it.
    #[must_use]
    pub fn offered(&self, device: &DeviceId) -> Option<u32> {
        let member = self.members.get(device)?;
        let is_withdrawn =
            matches!(self.state, State::Aborted(_)) && member.progress != Progress::Shown;
        (member.is_offered() && !is_withdrawn).then_some(member.attempt)
    }

    /// The last attempt any device is at.
    #[must_use]
    pub fn last_attempt(&self) -> u32 {
        let attempts = self.members.values().map(|member| member.attempt);
        attempts.fold(self.first_attempt, u32::max)
    }

    /// Whether a device was ever offered the release.
    #[must_use]
    pub fn was_offered(&self) -> bool {
        let is_begun = matches!(
            self.state,
            State::Running | State::Paused(_) | State::Finished
        );
        is_begun || self.members.values().any(|member| member.offered.is_some())
    }

    /// Whether a device that joins now is offered the release at once.
    #[must_use]
    pub fn takes_newcomers(&self) -> bool {
        let is_begun = matches!(self.state, State::Running | State::Finished);
        is_begun && self.stage + 1 == self.plan.stages.len()
    }

    /// The figures of a stage now.
    #[must_use]
    pub fn tally(&self, stage: usize, now: Timestamp) -> Tally {
        let of_stage = self.members.values().filter(|it| it.stage == stage);
        Tally::of(of_stage, self.plan.patience, now)
    }

    /// Devices that are still awaited although the rollout goes on without them.
    pub fn absent(&self, now: Timestamp) -> impl Iterator<Item = &DeviceId> {
        let is_absent = move |member: &Member| member.is_absent(self.plan.patience, now);
        self.members
            .iter()
            .filter(move |(_, member)| is_absent(member))
            .map(|(device, _)| device)
    }

    /// The next thing to be done.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Takes what happened.
    ///
    /// # Errors
    /// Where it cannot happen now; nothing is changed then.
    pub fn handle(&mut self, happened: Happened, now: Timestamp) -> Result<(), Refused> {
        match happened {
            Happened::Approved(by) => self.approve(by)?,
            Happened::Started(_) => self.start(now)?,
            Happened::Paused(by) => self.pause(by)?,
            Happened::Resumed(_) => self.resume(now)?,
            Happened::Aborted(by) => self.abort(Why::Asked(by))?,
            Happened::Retried(_) => self.retry(now)?,
            Happened::Reported(device, attempt, progress) => {
                self.member(&device)?.report(attempt, progress, now);
            }
            Happened::Proved(device, progress, at) => {
                self.member(&device)?.prove(progress, at, now);
            }
            Happened::Joined(device) => self.join(device, now),
            Happened::Left(device) => self.leave(&device)?,
            Happened::Excused(device, until) => self.member(&device)?.excused_until = Some(until),
            Happened::Ticked => {}
        }
        self.advance(now);
        Ok(())
    }

    fn approve(&mut self, by: Label) -> Result<(), Refused> {
        self.expect("approved", |state| *state == State::AwaitsApproval)?;
        if by == self.asked_by {
            return Err(Refused::SamePerson(by));
        }
        self.state = State::Ready;
        Ok(())
    }

    fn start(&mut self, now: Timestamp) -> Result<(), Refused> {
        self.expect("started", |state| *state == State::Ready)?;
        self.state = State::Running;
        self.offer_stage(now);
        Ok(())
    }

    fn pause(&mut self, by: Label) -> Result<(), Refused> {
        self.expect("paused", |state| *state == State::Running)?;
        self.state = State::Paused(Why::Asked(by));
        Ok(())
    }

    /// Whoever resumes after failures has seen them: the failed count no more, until they fail
    /// again. Who joined meanwhile is offered it now.
    fn resume(&mut self, now: Timestamp) -> Result<(), Refused> {
        self.expect("resumed", |state| matches!(state, State::Paused(_)))?;
        for member in self.members.values_mut() {
            member.is_overlooked |= matches!(member.progress, Progress::Failed(_));
        }
        self.state = State::Running;
        self.offer_stage(now);
        Ok(())
    }

    fn abort(&mut self, why: Why) -> Result<(), Refused> {
        self.expect("aborted", |state| {
            !matches!(state, State::Finished | State::Aborted(_))
        })?;
        for (device, member) in &self.members {
            if member.is_offered() && !member.progress.is_over() {
                self.effects.push_back(Effect::Withdraw(device.clone()));
            }
        }
        self.state = State::Aborted(why);
        Ok(())
    }

    fn retry(&mut self, now: Timestamp) -> Result<(), Refused> {
        self.expect("retried", |state| {
            matches!(state, State::Running | State::Paused(_) | State::Finished)
        })?;
        for (device, member) in &mut self.members {
            if matches!(member.progress, Progress::Failed(_)) {
                member.offer_again(now);
                self.effects.push_back(Effect::Offer(device.clone()));
            }
        }
        if self.state == State::Finished {
            self.state = State::Running;
        }
        Ok(())
    }

    /// A new device is in the last stage: nobody has chosen it to be a canary.
    fn join(&mut self, device: DeviceId, now: Timestamp) {
        if self.members.contains_key(&device) {
            return;
        }
        let last = self.plan.stages.len() - 1;
        let mut member = Member {
            attempt: self.first_attempt,
            ..Member::waiting(last, now)
        };
        if self.takes_newcomers() {
            member.offer(now);
            self.effects.push_back(Effect::Offer(device.clone()));
        }
        self.members.insert(device, member);
    }

    fn leave(&mut self, device: &DeviceId) -> Result<(), Refused> {
        self.members
            .remove(device)
            .map(drop)
            .ok_or_else(|| Refused::Stranger(device.clone()))
    }

    /// Goes on as far as the thresholds allow.
    fn advance(&mut self, now: Timestamp) {
        while self.state == State::Running {
            if let Some(why) = self.failures(now) {
                self.effects.push_back(Effect::Alarm(why.clone()));
                self.state = State::Paused(why);
                return;
            }
            let tally = self.tally(self.stage, now);
            let Some(stage) = self.plan.stages.get(self.stage) else {
                return;
            };
            let is_last = self.stage + 1 == self.plan.stages.len();
            if is_last {
                // Nothing follows it that a threshold could hold back.
                if self.is_over(now) {
                    self.state = State::Finished;
                }
                return;
            }
            if !stage.success.is_reached(&tally) {
                return;
            }
            self.stage += 1;
            self.offer_stage(now);
        }
    }

    /// Too many failures of a stage that has begun: one that has met its threshold may still fail.
    fn failures(&self, now: Timestamp) -> Option<Why> {
        let begun = self.plan.stages.iter().enumerate().take(self.stage + 1);
        begun
            .map(|(number, stage)| (stage, self.tally(number, now)))
            .find(|(stage, tally)| stage.failure.is_exceeded(tally))
            .map(|(_, tally)| Why::Failures(tally.failed, tally.ended()))
    }

    /// Whether nobody who is here, or was here lately, is still at it.
    fn is_over(&self, now: Timestamp) -> bool {
        self.members
            .values()
            .all(|member| member.progress.is_over() || member.is_absent(self.plan.patience, now))
    }

    fn offer_stage(&mut self, now: Timestamp) {
        for (device, member) in &mut self.members {
            if member.stage <= self.stage && member.progress == Progress::Waiting {
                member.offer(now);
                self.effects.push_back(Effect::Offer(device.clone()));
            }
        }
    }

    fn member(&mut self, device: &DeviceId) -> Result<&mut Member, Refused> {
        self.members
            .get_mut(device)
            .ok_or_else(|| Refused::Stranger(device.clone()))
    }

    fn expect(&self, what: &'static str, is_right: fn(&State) -> bool) -> Result<(), Refused> {
        match is_right(&self.state) {
            true => Ok(()),
            false => Err(Refused::State {
                state: self.state.as_str(),
                what,
            }),
        }
    }
}
