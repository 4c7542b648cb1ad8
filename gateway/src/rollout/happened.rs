//! What happens to a rollout, where that leaves it, and what is to be done then.

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Label};
use serde::{Deserialize, Serialize};

use super::Progress;

/// Where a rollout is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits for the word of a second person.
    AwaitsApproval,
    /// Planned, not begun.
    Ready,
    /// Under way.
    Running,
    /// Held: what is offered stays offered, nobody else is.
    Paused(Why),
    /// Every stage but the last has met its threshold, and nobody who is here is still at it.
    Finished,
    /// Ended before its time; what is installed stays.
    Aborted(Why),
}

/// Why a rollout is held or ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Somebody said so.
    Asked(Label),
    /// Too many failed: so many of so many that came to an end.
    Failures(u32, u32),
}

/// What happens to a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// Somebody approves it.
    Approved(Label),
    /// Somebody starts it.
    Started(Label),
    /// Somebody holds it.
    Paused(Label),
    /// Somebody lets it go on.
    Resumed(Label),
    /// Somebody ends it.
    Aborted(Label),
    /// Somebody has those that failed try again.
    Retried(Label),
    /// A device tells how far it is with this attempt.
    Reported(DeviceId, u32, Progress),
    /// A fact of a device's ledger says what became of it, at that time.
    Proved(DeviceId, Progress, Timestamp),
    /// A device is new: it joins by itself.
    Joined(DeviceId),
    /// A device is gone for good.
    Left(DeviceId),
    /// A device is expected to be off-line until then: the bus, a room closed for the season.
    Excused(DeviceId, Timestamp),
    /// Time passed.
    Ticked,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Tell the device that it should have this release.
    Offer(DeviceId),
    /// Tell it so no more.
    Withdraw(DeviceId),
    /// A person should look: too many failed.
    Alarm(Why),
}

/// Why something cannot happen now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Who asked for it approves it.
    #[error("{0} asked for this rollout: another person has to approve it")]
    SamePerson(Label),
    /// It is not in a state for that.
    #[error("a rollout that is {state} cannot be {what}")]
    State {
        /// What it is.
        state: &'static str,
        /// What was asked.
        what: &'static str,
    },
    /// It has no such device.
    #[error("{0} has no part in this rollout")]
    Stranger(DeviceId),
}

impl State {
    /// Why it is held or ended, where it is.
    #[must_use]
    pub fn why(&self) -> Option<&Why> {
        match self {
            Self::Paused(why) | Self::Aborted(why) => Some(why),
            Self::AwaitsApproval | Self::Ready | Self::Running | Self::Finished => None,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AwaitsApproval => "awaiting approval",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused(_) => "paused",
            Self::Finished => "finished",
            Self::Aborted(_) => "aborted",
        }
    }
}
