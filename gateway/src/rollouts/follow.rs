//! The task that keeps rollouts going: it hears devices, reads facts, lets new kiosks join, and
//! lets time pass. What came in within a second is one step, so that a fleet's progress costs one
//! transaction; what could not be written is heard again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{Entry, RolloutError, Rollouts, change, heard};
use crate::entry::EntryNumber;
use crate::ledger::{LedgerError, LedgerReader as _};
use crate::presence::Presence;
use crate::rollout::{Happened, State};
use crate::store::rollouts as rows;

/// What comes in within this time is one step.
const STEP_EVERY: Duration = Duration::from_secs(1);

/// Steps in which nothing need have come in for time to pass: deadlines are days.
const TICK_EVERY: u32 = 10;

/// Entries of the ledger looked at with one step.
const ENTRIES_MAX: usize = 500;

/// What was heard and is not yet on disk.
pub(super) struct Following {
    rollouts: Rollouts,
    presence: Presence,
    /// Devices of which something changed.
    talking: BTreeSet<DeviceId>,
    /// The last report of each that is on disk, by when it came.
    done: BTreeMap<DeviceId, Timestamp>,
    /// Entries up to this one were looked at.
    heard: Option<EntryNumber>,
    is_failing: bool,
}

impl Rollouts {
    /// Keeps them going until cancelled.
    pub async fn follow(self, presence: Presence, cancel: CancellationToken) {
        let mut said = presence.changes();
        let mut ticks = tokio::time::interval(STEP_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut following = Following::new(self, presence);
        let mut count = 0_u32;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                word = said.recv() => match word {
                    Ok(device) => { following.talking.insert(device); }
                    Err(RecvError::Lagged(_)) => following.listen_to_all(),
                    Err(RecvError::Closed) => return,
                },
                _ = ticks.tick() => {
                    count = count.wrapping_add(1);
                    following.step(count % TICK_EVERY == 1).await;
                }
            }
        }
    }
}

impl Following {
    pub(super) fn new(rollouts: Rollouts, presence: Presence) -> Self {
        Self {
            rollouts,
            presence,
            talking: BTreeSet::new(),
            done: BTreeMap::new(),
            heard: None,
            is_failing: false,
        }
    }

    pub(super) fn listen_to_all(&mut self) {
        let kiosks = self.rollouts.kiosks();
        self.talking
            .extend(kiosks.into_iter().map(|kiosk| kiosk.id));
    }

    async fn step(&mut self, does_time_pass: bool) {
        let stepped = self.try_step(does_time_pass).await;
        if let Err(error) = &stepped
            && !self.is_failing
        {
            tracing::warn!(%error, "what devices say of releases cannot be kept; it is tried again");
        }
        self.is_failing = stepped.is_err();
    }

    pub(super) async fn try_step(&mut self, does_time_pass: bool) -> Result<(), RolloutError> {
        let rollouts = self.rollouts.clone();
        let _one = rollouts.0.steps.lock().await;
        let now = rollouts.0.clock.wall();
        let mut news: BTreeMap<u64, Vec<Happened>> = BTreeMap::new();
        if does_time_pass {
            self.pass_time(&mut news);
        }
        let reports = self.reports(&mut news);
        let upto = self.facts(&mut news).await?;
        for (number, happened) in news {
            self.take(number, happened, now).await?;
        }
        if let Some(upto) = upto {
            let store = &rollouts.0.store;
            store.decide(move |tx| rows::set_heard(tx, upto)).await?;
            self.heard = Some(upto);
        }
        self.talking.clear();
        self.done.extend(reports);
        Ok(())
    }

    /// A step of one rollout. What it refuses comes from a device it has no more.
    async fn take(
        &self,
        number: u64,
        news: Vec<Happened>,
        now: Timestamp,
    ) -> Result<(), RolloutError> {
        let before = self.rollouts.entry(number)?;
        let mut after = Entry::clone(&before);
        for happened in news {
            if let Err(refused) = after.rollout.handle(happened, now) {
                tracing::debug!(number, %refused, "a word of a device about a rollout");
            }
        }
        match change::by_devices(&before, &after, now) {
            Some(change) => self.rollouts.write(after, change, None).await.map(drop),
            None => Ok(()),
        }
    }

    /// Kiosks that are new join the newest rollout that is open to them, and as long as that offers
    /// them nothing, the newest that does; who is none any more has no part.
    fn pass_time(&self, news: &mut BTreeMap<u64, Vec<Happened>>) {
        let kiosks: BTreeSet<DeviceId> = self
            .rollouts
            .kiosks()
            .into_iter()
            .map(|kiosk| kiosk.id)
            .collect();
        let entries = self.rollouts.entries();
        let is_ended = |entry: &Arc<Entry>| matches!(entry.rollout.state(), State::Aborted(_));
        let open = || {
            let open = entries.iter().filter(|entry| entry.facts.is_open);
            open.filter(|entry| !is_ended(entry))
        };
        let giving = open().find(|entry| entry.rollout.takes_newcomers());
        let joined: BTreeMap<u64, &Arc<Entry>> = open()
            .next()
            .into_iter()
            .chain(giving)
            .map(|entry| (entry.number, entry))
            .collect();
        for (number, entry) in joined {
            let members = entry.rollout.members();
            let new = kiosks.iter().filter(|id| !members.contains_key(*id));
            let new = new.filter(|id| number >= self.shows_of(id, &entries));
            let joined = new.map(|id| Happened::Joined(id.clone()));
            news.entry(number).or_default().extend(joined);
        }
        for entry in entries.iter().filter(|entry| !is_ended(entry)) {
            let members = entry.rollout.members().keys();
            let gone = members.filter(|id| !kiosks.contains(*id));
            let happened = news.entry(entry.number).or_default();
            happened.extend(gone.map(|id| Happened::Left(id.clone())));
            happened.push(Happened::Ticked);
        }
    }

    /// The number of the newest rollout of what a kiosk shows; 0 where nobody knows. One that was
    /// away goes back to nothing older by joining.
    fn shows_of(&self, kiosk: &DeviceId, entries: &[Arc<Entry>]) -> u64 {
        let said = self.presence.of(kiosk).reported;
        let shown = said.and_then(|said| said.reported.content?.shown);
        let of_it = |entry: &&Arc<Entry>| shown.as_ref() == Some(entry.rollout.release());
        entries.iter().find(of_it).map_or(0, |entry| entry.number)
    }

    /// What devices report that is not yet taken; when each said it.
    fn reports(&self, news: &mut BTreeMap<u64, Vec<Happened>>) -> Vec<(DeviceId, Timestamp)> {
        let entries = self.rollouts.entries();
        let mut reports = Vec::new();
        for device in &self.talking {
            let Some(said) = self.presence.of(device).reported else {
                continue;
            };
            if self.done.get(device) == Some(&said.at) {
                continue;
            }
            reports.push((device.clone(), said.at));
            let Some(content) = &said.reported.content else {
                continue;
            };
            let happened = entries.iter().find_map(|entry| {
                let happened = heard::reported(entry, device, content)?;
                Some((entry.number, happened))
            });
            if let Some((number, happened)) = happened {
                news.entry(number).or_default().push(happened);
            }
        }
        reports
    }

    /// Facts since the last step; up to which entry, where that is further than before.
    async fn facts(
        &mut self,
        news: &mut BTreeMap<u64, Vec<Happened>>,
    ) -> Result<Option<EntryNumber>, RolloutError> {
        let store = self.rollouts.0.store.clone();
        let known = self.heard;
        let head = store.head_watch().borrow().number;
        if known == Some(head) {
            return Ok(None);
        }
        let reading = tokio::task::spawn_blocking(move || {
            // Before the first rollout no fact concerns any.
            let Some(after) = known.map_or_else(|| store.read(rows::heard), |it| Ok(Some(it)))?
            else {
                return Ok(None);
            };
            let entries = store.entries_after(after, ENTRIES_MAX)?;
            Ok::<_, LedgerError>(Some(entries))
        });
        let entries = reading.await.map_err(|_| RolloutError::Stopping)??;
        let Some(entries) = entries else {
            return Ok(None);
        };
        let board = self.rollouts.entries();
        for (device, release, progress, at) in entries.iter().filter_map(heard::proved) {
            let concerned = board.iter().find(|entry| {
                let rollout = &entry.rollout;
                rollout.release() == release && rollout.members().contains_key(device)
            });
            if let Some(entry) = concerned {
                let proved = Happened::Proved(device.clone(), progress, at);
                news.entry(entry.number).or_default().push(proved);
            }
        }
        Ok(entries.last().map(|entry| entry.number))
    }
}
