//! Rollouts at the gateway: the board of all of them, and every change of it.
//!
//! The rules are [`Rollout`]'s. A step makes the next state of one rollout on a copy; what it
//! changed is written with its audit records in one transaction, and only then does anybody see
//! it. What devices are told follows from the board alone ([`Rollouts::wanted_of`]): after a crash
//! between writing and telling, the same is told again.

mod change;
pub mod dto;
mod follow;
mod heard;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use lujiang_config::{RolloutApproval, RolloutsSection};
use lujiang_wire::{Clock, DesiredContent, DeviceId, Label};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};
use tokio_util::task::TaskTracker;

use crate::content::Content;
use crate::ledger::LedgerError;
use crate::places::DeviceKind;
use crate::registry::{Actor, Device, Registry};
use crate::rollout::{
    Approval, Effect, Happened, Kept, Member, PlanError, Refused, Rollout, State,
};
use crate::store::Store;
use crate::store::rollouts::{self as rows, RolloutRow};

pub use request::{Group, NewRollout, NewStage};

/// Rollouts kept: five years of monthly releases. The oldest that have ended go; the audit keeps
/// what they did.
const KEPT_MAX: usize = 60;

/// Version of the stored form.
const VERSION: u32 = 1;

/// All rollouts; clones share them.
#[derive(Clone)]
pub struct Rollouts(Arc<Inner>);

struct Inner {
    store: Store,
    registry: Registry,
    clock: Arc<dyn Clock>,
    approval: Approval,
    patience: Duration,
    board: ArcSwap<Board>,
    /// One step after another.
    steps: Mutex<()>,
    stepping: TaskTracker,
    changed: watch::Sender<u64>,
}

/// All rollouts by number; numbers only grow.
type Board = BTreeMap<u64, Arc<Entry>>;

/// A rollout on the board.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// The rollout.
    pub rollout: Rollout,
    /// What is known of it besides.
    pub facts: EntryFacts,
}

/// What is known of a rollout that its rules do not ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryFacts {
    /// When it was asked for.
    pub created: Timestamp,
    /// Who approved it.
    pub approved_by: Option<Label>,
    /// Whether kiosks that are new join by themselves: not where devices were named.
    pub is_open: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored<T> {
    version: u32,
    #[serde(flatten)]
    body: T,
}

#[derive(Serialize, Deserialize)]
struct Body {
    kept: Kept,
    facts: EntryFacts,
}

/// Why something about rollouts cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError {
    /// There is no such rollout.
    #[error("no rollout {0}")]
    Unknown(u64),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The release is not signed.
    #[error("{0} is no release that is published now")]
    NoRelease(Label),
    /// A device is none, or no kiosk.
    #[error("{0} is no kiosk that may connect")]
    NoKiosk(DeviceId),
    /// Nobody is there to be given anything.
    #[error("there is no kiosk")]
    Nobody,
    /// Another is under way.
    #[error("rollout {0} is under way: one at a time, abort it or let it finish")]
    UnderWay(u64),
    /// The ledger's file fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
}

impl Rollouts {
    /// Reads what is kept.
    ///
    /// # Errors
    /// Where the store cannot be read, or holds what is none of ours.
    pub fn open(
        store: Store,
        registry: Registry,
        clock: Arc<dyn Clock>,
        section: &RolloutsSection,
    ) -> Result<Self, LedgerError> {
        let kept = store.read(rows::load)?;
        let board = kept
            .into_iter()
            .map(restore)
            .collect::<Result<Board, _>>()?;
        Ok(Self(Arc::new(Inner {
            store,
            registry,
            clock,
            approval: match section.approval {
                RolloutApproval::Nobody => Approval::Needless,
                RolloutApproval::SecondPerson => Approval::BySecondPerson,
            },
            patience: section.patience,
            board: ArcSwap::from_pointee(board),
            steps: Mutex::new(()),
            stepping: TaskTracker::new(),
            changed: watch::Sender::new(0),
        })))
    }

    /// All of them, the newest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.0.board.load().values().rev().cloned().collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// Where there is none of that number.
    pub fn entry(&self, number: u64) -> Result<Arc<Entry>, RolloutError> {
        let board = self.0.board.load();
        board
            .get(&number)
            .cloned()
            .ok_or(RolloutError::Unknown(number))
    }

    /// What a device should have: the release of the newest rollout that offers it one of those
    /// that are signed, and the attempt.
    #[must_use]
    pub fn offer_to(&self, device: &DeviceId, signed: &[Label]) -> Option<(Label, u32)> {
        let board = self.0.board.load();
        board.values().rev().find_map(|entry| {
            let release = entry.rollout.release();
            let attempt = entry.rollout.offered(device)?;
            signed.contains(release).then(|| (release.clone(), attempt))
        })
    }

    /// What the shelf of a device should have. Nothing before the first revision, and nothing for
    /// what is no kiosk.
    #[must_use]
    pub fn wanted_of(&self, device: &Device, content: &Content) -> Option<DesiredContent> {
        let revision = *content.revision().borrow();
        if device.kind != DeviceKind::Kiosk || revision == 0 {
            return None;
        }
        let offer = self.offer_to(&device.id, &content.releases());
        let (release, attempt) = offer.unzip();
        Some(DesiredContent {
            revision,
            release,
            attempt: attempt.unwrap_or(0),
        })
    }

    /// The releases that a kiosk was offered by a rollout: they are never changed under its hands.
    #[must_use]
    pub fn given(&self) -> Vec<Label> {
        let board = self.0.board.load();
        let given = board.values().map(|entry| &entry.rollout);
        let given = given.filter(|rollout| rollout.was_offered());
        given.map(|rollout| rollout.release().clone()).collect()
    }

    /// Rises with every step.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Does what a person asks for.
    ///
    /// # Errors
    /// Where the rules refuse it, or it cannot be written.
    ///
    /// # Cancel safety
    /// Once begun it is carried out, whoever waits for it.
    pub async fn perform(
        &self,
        number: u64,
        happened: Happened,
        actor: &Actor,
    ) -> Result<Arc<Entry>, RolloutError> {
        let (rollouts, actor) = (self.clone(), actor.clone());
        let stepping = self.0.stepping.spawn(async move {
            let _one = rollouts.0.steps.lock().await;
            let now = rollouts.0.clock.wall();
            if matches!(happened, Happened::Started(_) | Happened::Retried(_)) {
                rollouts.expect_nobody_else(number)?;
            }
            let before = rollouts.entry(number)?;
            let mut after = Entry::clone(&before);
            if let Happened::Approved(by) = &happened {
                after.facts.approved_by = Some(by.clone());
            }
            let action = change::action(&happened);
            after.rollout.handle(happened, now)?;
            let change = change::by_person(&before, &after, action, &actor, now);
            rollouts.write(after, change, None).await
        });
        stepping.await.map_err(|_| RolloutError::Stopping)?
    }

    /// Waits until no step is under way.
    pub async fn settled(&self) {
        self.0.stepping.close();
        self.0.stepping.wait().await;
    }

    /// One at a time: two would each read the other's failures as their own.
    fn expect_nobody_else(&self, number: u64) -> Result<(), RolloutError> {
        let is_under_way = |entry: &&Arc<Entry>| {
            entry.number != number
                && matches!(entry.rollout.state(), State::Running | State::Paused(_))
        };
        let board = self.0.board.load();
        match board.values().find(is_under_way) {
            Some(other) => Err(RolloutError::UnderWay(other.number)),
            None => Ok(()),
        }
    }

    /// Writes a step; then everybody sees it, and what it asks for is done.
    async fn write(
        &self,
        mut after: Entry,
        change: rows::RolloutChange,
        heard: Option<crate::entry::EntryNumber>,
    ) -> Result<Arc<Entry>, RolloutError> {
        let gone = self.to_forget(after.number);
        let forgotten = gone.clone();
        self.0
            .store
            .decide(move |tx| {
                rows::write(tx, &change)?;
                if let Some(entry) = heard {
                    rows::set_heard(tx, entry)?;
                }
                forgotten
                    .iter()
                    .try_for_each(|number| rows::forget(tx, *number))
            })
            .await?;
        let number = after.number;
        while let Some(effect) = after.rollout.next_effect() {
            match effect {
                // The herald tells from the board.
                Effect::Offer(_) | Effect::Withdraw(_) => {}
                Effect::Alarm(why) => {
                    let release = after.rollout.release();
                    tracing::warn!(number, %release, ?why, "a rollout is held: too many failed");
                }
            }
        }
        let after = Arc::new(after);
        let mut board = Board::clone(&self.0.board.load());
        board.retain(|number, _| !gone.contains(number));
        board.insert(number, Arc::clone(&after));
        self.0.board.store(Arc::new(board));
        self.0.changed.send_modify(|step| *step += 1);
        Ok(after)
    }

    /// The oldest that have ended, where a new one would be too many.
    fn to_forget(&self, written: u64) -> Vec<u64> {
        let board = self.0.board.load();
        if board.contains_key(&written) {
            return Vec::new();
        }
        let is_over = |entry: &&Arc<Entry>| {
            matches!(entry.rollout.state(), State::Finished | State::Aborted(_))
        };
        let over = board.values().filter(is_over).map(|entry| entry.number);
        over.take((board.len() + 1).saturating_sub(KEPT_MAX))
            .collect()
    }
}

fn restore(row: RolloutRow) -> Result<(u64, Arc<Entry>), LedgerError> {
    let odd = |error: &dyn std::fmt::Display| {
        LedgerError::Database(format!("rollout {}: {error}", row.number))
    };
    let stored: Stored<Body> = serde_json::from_str(&row.body).map_err(|error| odd(&error))?;
    if stored.version != VERSION {
        return Err(odd(&format!(
            "version {}, expected {VERSION}",
            stored.version
        )));
    }
    let mut kept = stored.body.kept;
    for (device, body) in &row.members {
        let member: Member = serde_json::from_str(body).map_err(|error| odd(&error))?;
        kept.members.insert(device.clone(), member);
    }
    let entry = Entry {
        number: row.number,
        rollout: Rollout::restored(kept),
        facts: stored.body.facts,
    };
    Ok((row.number, Arc::new(entry)))
}

#[cfg(test)]
mod tests;
