//! What changed, for those who watch.
//!
//! One task gathers changes of figures and devices, tells each kind at most once a second, and
//! asks the other rooms only while somebody watches. A watcher who cannot keep up is told to
//! look at everything again.

mod pending;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use lujiang_config::HttpSection;
use lujiang_wire::DeviceId;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::entry::EntryNumber;
use pending::{Due, Pending};

/// Changes a watcher may be behind.
const BEHIND_MAX: usize = 256;
/// Devices told one by one; beyond it watchers are told to look at the list again.
const DEVICES_MAX: usize = 64;

/// The live changes of one gateway; clones share them.
#[derive(Clone)]
pub struct Live {
    changes: broadcast::Sender<Change>,
    places: Arc<Semaphore>,
    places_max: usize,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Visitor totals of these sites changed; of any site, where none are named.
    Visits {
        /// The sites.
        sites: Option<BTreeSet<String>>,
    },
    /// Devices changed; these are their rows now.
    Devices(Arc<Vec<Value>>),
    /// Something was quarantined.
    Quarantine,
    /// A rollout went on, or a device of it.
    Rollouts,
    /// The figures hold the ledger up to this entry.
    Folded(EntryNumber),
    /// More changed than is told one by one: look at everything again.
    Everything,
}

/// A watcher's place; giving it up makes room for another.
pub struct Watcher {
    changes: broadcast::Receiver<Change>,
    _place: OwnedSemaphorePermit,
}

/// What a part of the ledger concerns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Concerned {
    /// The devices of its entries.
    pub devices: BTreeSet<DeviceId>,
    /// Whether one of them is quarantined.
    pub quarantined: bool,
}

/// What the task asks of the other rooms. May block.
pub trait Rooms: Send + Sync + 'static {
    /// The row of a device.
    fn device_row(&self, device: &DeviceId) -> Option<Value>;

    /// What a part of the ledger concerns; none where it is too much to look at.
    fn concerned(&self, after: EntryNumber, upto: EntryNumber) -> Option<Concerned>;

    /// The sites where devices stand.
    fn sites_of(&self, devices: &BTreeSet<DeviceId>) -> BTreeSet<String>;
}

impl Live {
    /// Nobody watches yet.
    #[must_use]
    pub fn new(section: &HttpSection) -> Self {
        Self {
            changes: broadcast::Sender::new(BEHIND_MAX),
            places: Arc::new(Semaphore::new(section.live_max)),
            places_max: section.live_max,
        }
    }

    /// Takes a place to watch from, if one is left.
    #[must_use]
    pub fn watch(&self) -> Option<Watcher> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Watcher {
            changes: self.changes.subscribe(),
            _place: place,
        })
    }

    /// Tells everybody to look at everything again: for changes too rare to be told one by one.
    pub(crate) fn everything_changed(&self) {
        self.tell(Change::Everything);
    }

    /// How many watch.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.places_max - self.places.available_permits()
    }

    /// Tells what changes after this call, until cancelled.
    pub(crate) fn run(
        self,
        rooms: Arc<dyn Rooms>,
        devices: broadcast::Receiver<DeviceId>,
        mut folded: watch::Receiver<EntryNumber>,
        cancel: CancellationToken,
    ) -> impl Future<Output = ()> + Send {
        let pending = Pending::new(*folded.borrow_and_update());
        self.follow(pending, rooms, devices, folded, cancel)
    }

    /// Tells that rollouts change, until cancelled: at most once a second, for a step of them
    /// takes as long.
    pub(crate) async fn tell_rollouts(
        self,
        mut changes: watch::Receiver<u64>,
        cancel: CancellationToken,
    ) {
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                changed = changes.changed() => match changed {
                    Ok(()) => self.tell(Change::Rollouts),
                    Err(_) => return,
                },
            }
        }
    }

    async fn follow(
        self,
        mut pending: Pending,
        rooms: Arc<dyn Rooms>,
        mut devices: broadcast::Receiver<DeviceId>,
        mut folded: watch::Receiver<EntryNumber>,
        cancel: CancellationToken,
    ) {
        loop {
            let due = pending.next_due();
            tokio::select! {
                () = cancel.cancelled() => return,
                changed = devices.recv() => match changed {
                    Ok(device) => pending.note_device(device),
                    Err(RecvError::Lagged(_)) => self.tell(Change::Everything),
                    Err(RecvError::Closed) => return,
                },
                changed = folded.changed() => match changed {
                    Ok(()) => pending.note_folded(*folded.borrow_and_update()),
                    Err(_) => return,
                },
                () = sleep_until(due), if due.is_some() => {}
            }
            while let Some(due) = pending.take_due(Instant::now()) {
                if self.changes.receiver_count() > 0 {
                    self.tell_due(&rooms, due, &mut pending).await;
                }
            }
        }
    }

    async fn tell_due(&self, rooms: &Arc<dyn Rooms>, due: Due, pending: &mut Pending) {
        let asked = Arc::clone(rooms);
        let looked = tokio::task::spawn_blocking(move || look(asked.as_ref(), due)).await;
        match looked {
            Ok((changes, concerned)) => {
                changes.into_iter().for_each(|change| self.tell(change));
                for device in concerned {
                    pending.note_device(device);
                }
            }
            Err(error) => tracing::error!(%error, "looking for live changes failed"),
        }
    }

    fn tell(&self, change: Change) {
        // That nobody watches is no error.
        let _ = self.changes.send(change);
    }
}

/// What to tell, and which devices are concerned as well.
fn look(rooms: &dyn Rooms, due: Due) -> (Vec<Change>, BTreeSet<DeviceId>) {
    match due {
        Due::Devices(devices) if devices.len() > DEVICES_MAX => {
            (vec![Change::Everything], BTreeSet::new())
        }
        Due::Devices(devices) => {
            let rows = devices.iter().filter_map(|it| rooms.device_row(it));
            let rows = Arc::new(rows.collect());
            (vec![Change::Devices(rows)], BTreeSet::new())
        }
        Due::Folded { after, upto } => {
            let Some(concerned) = rooms.concerned(after, upto) else {
                return (
                    vec![Change::Everything, Change::Folded(upto)],
                    BTreeSet::new(),
                );
            };
            let sites = Some(rooms.sites_of(&concerned.devices));
            let mut changes = vec![Change::Visits { sites }];
            changes.extend(concerned.quarantined.then_some(Change::Quarantine));
            changes.push(Change::Folded(upto));
            (changes, concerned.devices)
        }
    }
}

impl Watcher {
    /// The next change; none once there will be no more.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Change> {
        match self.changes.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(_)) => Some(Change::Everything),
            Err(RecvError::Closed) => None,
        }
    }
}

async fn sleep_until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watcher_hears_which_site_and_which_device_a_fact_concerns() {
        let live = Live::new(&HttpSection::default());
        let (folded, _) = watch::channel(EntryNumber::NONE);
        let (devices, _) = broadcast::channel(4);
        let cancel = CancellationToken::new();
        let task = tokio::spawn(live.clone().run(
            Arc::new(OneGate),
            devices.subscribe(),
            folded.subscribe(),
            cancel.clone(),
        ));
        let mut watcher = live.watch().unwrap();
        folded.send_replace(EntryNumber(3));
        let sites = Some(BTreeSet::from(["main".to_owned()]));
        assert_eq!(watcher.next().await, Some(Change::Visits { sites }));
        assert_eq!(watcher.next().await, Some(Change::Folded(EntryNumber(3))));
        let rows = Arc::new(vec![Value::from("row of gate")]);
        assert_eq!(watcher.next().await, Some(Change::Devices(rows)));
        cancel.cancel();
        task.await.unwrap();
    }

    #[test]
    fn only_so_many_watch_at_once() {
        let section = HttpSection {
            live_max: 2,
            ..HttpSection::default()
        };
        let live = Live::new(&section);
        let first = live.watch();
        let second = live.watch();
        assert!(first.is_some() && second.is_some() && live.watch().is_none());
        drop(first);
        assert_eq!(live.watchers(), 1);
        assert!(live.watch().is_some());
    }

    struct OneGate;

    impl Rooms for OneGate {
        fn device_row(&self, device: &DeviceId) -> Option<Value> {
            Some(Value::from(format!("row of {device}")))
        }

        fn concerned(&self, _after: EntryNumber, _upto: EntryNumber) -> Option<Concerned> {
            Some(Concerned {
                devices: BTreeSet::from(["gate".parse().unwrap()]),
                quarantined: false,
            })
        }

        fn sites_of(&self, _devices: &BTreeSet<DeviceId>) -> BTreeSet<String> {
            BTreeSet::from(["main".to_owned()])
        }
    }
}
