//! The collector: the one task that takes payloads from the queue and has them committed
//! together, as many as wait.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use lujiang_broker::Kept;
use lujiang_wire::{Clock, ClockReport, DeviceId};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::intake::judge::{Judgement, admit, judge_group};
use crate::intake::payload::Payload;
use crate::intake::rulings::{Ruled, RulingError, RulingRequest, WaitingRuling};
use crate::intake::{AfterCommit, IntakeRules, Shared, Waiting};
use crate::ledger::LedgerError;
use crate::seal::Seals;
use crate::store::{Acknowledge, Store};

/// What the task owns.
pub(super) struct Collector {
    pub(super) queue: mpsc::Receiver<Waiting>,
    pub(super) rulings: mpsc::Receiver<WaitingRuling>,
    pub(super) store: Store,
    pub(super) rules: Arc<IntakeRules>,
    pub(super) seals: Arc<Seals>,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) after: Arc<dyn AfterCommit>,
    pub(super) stop: CancellationToken,
}

/// What one transaction judges: shared, so that it can be judged again in parts.
struct Group {
    measured: Vec<(DeviceId, ClockReport)>,
    payloads: Vec<Payload>,
}

impl Collector {
    pub(super) async fn run(mut self) {
        let group_max = self.rules.group_max.max(1);
        let mut waiting = Vec::new();
        let mut retry_at = None;
        loop {
            let retry =
                tokio::time::sleep_until(retry_at.unwrap_or_else(tokio::time::Instant::now));
            let shared = Arc::clone(&self.shared);
            // Every branch is cancel-safe: `recv_many` takes nothing unless it ends.
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                () = retry, if retry_at.is_some() => retry_at = self.probe().await,
                taken = self.queue.recv_many(&mut waiting, group_max) => {
                    if taken == 0 {
                        break;
                    }
                    let taken = std::mem::take(&mut waiting);
                    if retry_at.is_some() {
                        self.refuse(taken.into_iter().map(|one| one.answer).collect());
                    } else {
                        retry_at = self.keep(taken).await;
                    }
                }
                Some(waiting) = self.rulings.recv() => {
                    let ruled = self.rule(waiting.request).await;
                    // Whoever asked may have gone; the decision stands.
                    let _ = waiting.answer.send(ruled);
                }
                () = shared.heard.notified(), if retry_at.is_none() => {
                    retry_at = self.keep(Vec::new()).await;
                }
            }
        }
        if !self.shared.measurements().is_empty() {
            self.keep(Vec::new()).await;
        }
    }

    /// Commits what was taken and answers; says when to try again where the disk takes no
    /// writes.
    async fn keep(&mut self, taken: Vec<Waiting>) -> Option<tokio::time::Instant> {
        let measured = std::mem::take(&mut *self.shared.measurements());
        if taken.is_empty() && measured.is_empty() {
            return None;
        }
        let (payloads, mut answers): (Vec<_>, Vec<_>) = taken
            .into_iter()
            .map(|one| (one.payload, one.answer))
            .unzip();
        if self.store.options().acknowledge == Acknowledge::BeforeCommit {
            // The planted fault: answered before anything is on disk.
            for answer in std::mem::take(&mut answers) {
                let _ = answer.send(Kept::Committed);
            }
        }
        let group = Arc::new(Group {
            measured: measured.into_iter().collect(),
            payloads,
        });
        let whole = 0..group.payloads.len();
        match self.commit(&group, whole.clone(), true).await {
            Ok(judgement) => {
                self.answer(judgement, answers);
                None
            }
            Err(LedgerError::Full) => {
                self.keep_measurements(&group);
                self.refuse(answers);
                self.shared.has_room.store(false, Ordering::Relaxed);
                tracing::error!("the disk takes no writes; nothing is acknowledged until it does");
                Some(self.next_try())
            }
            Err(error) => {
                tracing::error!(%error, "a group could not be committed; each payload is tried alone");
                self.keep_each(&group, whole, answers).await
            }
        }
    }

    /// Commits each payload alone, so that one that fails does not hold the others back.
    async fn keep_each(
        &mut self,
        group: &Arc<Group>,
        whole: Range<usize>,
        answers: Vec<oneshot::Sender<Kept>>,
    ) -> Option<tokio::time::Instant> {
        let mut answers = answers.into_iter();
        for index in whole {
            // Under the planted fault there is nobody left to answer.
            let answer: Vec<_> = answers.next().into_iter().collect();
            match self.commit(group, index..index + 1, index == 0).await {
                Ok(judgement) => self.answer(judgement, answer),
                Err(LedgerError::Full) => {
                    self.refuse(answer.into_iter().chain(answers).collect());
                    self.shared.has_room.store(false, Ordering::Relaxed);
                    return Some(self.next_try());
                }
                Err(error) => {
                    tracing::error!(%error, device = %group.payloads[index].device,
                        "a payload could not be committed");
                    self.refuse(answer);
                }
            }
        }
        None
    }

    async fn commit(
        &self,
        group: &Arc<Group>,
        range: Range<usize>,
        with_measurements: bool,
    ) -> Result<Judgement, LedgerError> {
        let began = Instant::now();
        let (group, rules, seals) = (
            Arc::clone(group),
            Arc::clone(&self.rules),
            Arc::clone(&self.seals),
        );
        let judgement = self
            .store
            .write(move |tx| {
                if with_measurements {
                    for (device, report) in &group.measured {
                        tx.keep_measurement(device, report)?;
                    }
                }
                judge_group(tx, &rules, &seals, &group.payloads[range])
            })
            .await?;
        self.shared.counters.count_commit(began.elapsed());
        Ok(judgement)
    }

    /// Carries out what a person decided, with its audit record.
    async fn rule(&self, request: RulingRequest) -> Result<Ruled, RulingError> {
        let (rules, seals) = (Arc::clone(&self.rules), Arc::clone(&self.seals));
        let decided = self.store.write_audited(move |tx| {
            let decided = admit::rule(tx, &rules, &seals, &request)?;
            let record = decided
                .as_ref()
                .ok()
                .map(|(ruled, _)| request.record(ruled));
            Ok((decided, record))
        });
        let (ruled, judgement) = decided.await??;
        self.shared.counters.count_elements(judgement.tally);
        self.after.committed(&judgement.group);
        Ok(ruled)
    }

    /// Answers first: nobody waits for what others are told. And the last answer first: whoever
    /// waits for the first of its own then finds the others there, and sends all in one piece.
    fn answer(&self, judgement: Judgement, answers: Vec<oneshot::Sender<Kept>>) {
        let full = judgement
            .kept
            .iter()
            .filter(|kept| **kept == Kept::QuarantineFull)
            .count();
        for (kept, answer) in judgement.kept.iter().zip(answers).rev() {
            // Whose connection is gone asks again; the verdict stands.
            let _ = answer.send(*kept);
        }
        let counters = &self.shared.counters;
        counters.count_payloads(judgement.kept.len() - full, full);
        counters.count_elements(judgement.tally);
        for (_, reason) in &judgement.group.quarantined {
            counters.count_quarantined(*reason);
        }
        self.after.committed(&judgement.group);
    }

    fn refuse(&self, answers: Vec<oneshot::Sender<Kept>>) {
        self.shared.counters.count_refused(answers.len());
        for answer in answers {
            // Whose connection is gone knows already.
            let _ = answer.send(Kept::Full);
        }
    }

    /// Puts measurements back that were not committed, unless newer ones were heard.
    fn keep_measurements(&self, group: &Group) {
        let mut measured = self.shared.measurements();
        for (device, report) in &group.measured {
            measured
                .entry(device.clone())
                .or_insert_with(|| report.clone());
        }
    }

    /// Tries the disk; says when to try again where it still takes no writes.
    async fn probe(&self) -> Option<tokio::time::Instant> {
        match self.store.probe().await {
            Ok(()) => {
                self.shared.has_room.store(true, Ordering::Relaxed);
                self.shared.heard.notify_one();
                tracing::info!(time = %self.clock.wall(), "the disk takes writes again");
                None
            }
            Err(_) => Some(self.next_try()),
        }
    }

    fn next_try(&self) -> tokio::time::Instant {
        tokio::time::Instant::now() + self.rules.full_retry
    }
}
