//! What is known of devices right now: link, status, last words.
//!
//! Kept in memory and heard from the door; [`Presence::take_unsaved`] hands out what has changed
//! since it was last saved, so that many words cost one write. Only devices of the registry are
//! heard of, so there is an entry a registered device at most.

mod contact;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use lujiang_broker::{Retained, Word};
use lujiang_wire::{Channel, DeviceId, Epoch, LinkState, Stream, Topic};
use tokio::sync::broadcast;

pub use contact::{Contact, Refused, Said, Written};

/// Changes a slow watcher may be behind before it is told to look at everything again.
const CHANGES_MAX: usize = 1_024;

/// That facts come from a device is told once in this time; what is saved is older by it at most.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_secs(1);

/// What is known of devices right now; clones share it.
#[derive(Debug, Clone)]
pub struct Presence {
    known: Arc<Mutex<Known>>,
    changes: broadcast::Sender<DeviceId>,
}

#[derive(Debug, Default)]
struct Known {
    contacts: BTreeMap<DeviceId, Contact>,
    unsaved: BTreeSet<DeviceId>,
}

impl Presence {
    /// Begins with what was saved; nobody is known to be connected.
    #[must_use]
    pub fn restored(saved: Vec<(DeviceId, Contact)>, now: Timestamp) -> Self {
        let mut known = Known::default();
        for (device, mut contact) in saved {
            contact.forget_link(now);
            known.contacts.insert(device, contact);
        }
        Self {
            known: Arc::new(Mutex::new(known)),
            changes: broadcast::Sender::new(CHANGES_MAX),
        }
    }

    /// What is known of a device; of one never heard, that it is unknown.
    #[must_use]
    pub fn of(&self, device: &DeviceId) -> Contact {
        self.known()
            .contacts
            .get(device)
            .cloned()
            .unwrap_or_default()
    }

    /// The last numbers a device says it wrote, in which life of its outbox.
    #[must_use]
    pub fn written(&self, device: &DeviceId) -> Option<(Epoch, BTreeMap<Stream, u64>)> {
        let known = self.known();
        let written = known.contacts.get(device)?.written.as_ref()?;
        Some((written.epoch.clone(), written.streams.clone()))
    }

    /// How many devices are connected.
    #[must_use]
    pub fn online(&self) -> usize {
        let known = self.known();
        let online = |contact: &&Contact| contact.link == LinkState::Online;
        known.contacts.values().filter(online).count()
    }

    /// Each device of which something changed, as it changes.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<DeviceId> {
        self.changes.subscribe()
    }

    /// Takes in what the door heard.
    pub fn hear(&self, word: Word, now: Timestamp) {
        let device = speaker(&word).clone();
        self.change(device, |contact| contact.hear(word, now));
    }

    /// A fact came from a device. Of all within [`TOLD_AGAIN`] only the first is told and saved: a
    /// device that comes back sends thousands, and who watches is told once a second anyway.
    pub fn fact_came(&self, device: &DeviceId, now: Timestamp) {
        if let Some(contact) = self.known().contacts.get_mut(device) {
            let before = contact.last_contact.replace(now);
            let is_told =
                |before| (SignedDuration::ZERO..TOLD_AGAIN).contains(&now.duration_since(before));
            if before.is_some_and(is_told) {
                return;
            }
        }
        self.change(device.clone(), |contact| contact.touch(now));
    }

    /// The status documents the door retains.
    #[must_use]
    pub fn retained(&self) -> Vec<Retained> {
        let known = self.known();
        let retained = |(device, contact): (&DeviceId, &Contact)| {
            let status = contact.status.as_ref()?;
            let json = serde_json::to_vec(status).expect("a status is always JSON");
            Some(Retained {
                topic: Topic {
                    device: device.clone(),
                    channel: Channel::Status,
                },
                payload: Bytes::from(json),
            })
        };
        known.contacts.iter().filter_map(retained).collect()
    }

    /// What has changed since the last call, for the one who saves it.
    #[must_use]
    pub fn take_unsaved(&self) -> Vec<(DeviceId, Contact)> {
        let mut known = self.known();
        let unsaved = std::mem::take(&mut known.unsaved);
        let contact = |device: DeviceId| {
            let contact = known.contacts.get(&device)?.clone();
            Some((device, contact))
        };
        unsaved.into_iter().filter_map(contact).collect()
    }

    /// Gives back what could not be saved.
    pub fn return_unsaved(&self, devices: impl IntoIterator<Item = DeviceId>) {
        self.known().unsaved.extend(devices);
    }

    fn change(&self, device: DeviceId, change: impl FnOnce(&mut Contact)) {
        {
            let mut known = self.known();
            change(known.contacts.entry(device.clone()).or_default());
            known.unsaved.insert(device.clone());
        }
        // Nobody may be watching.
        let _ = self.changes.send(device);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A word is taken in whole or not at all; after a panic elsewhere it is still true.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn speaker(word: &Word) -> &DeviceId {
    match word {
        Word::Connected { device, .. }
        | Word::Disconnected { device, .. }
        | Word::Status { device, .. }
        | Word::Telemetry { device, .. }
        | Word::Reported { device, .. }
        | Word::ClockMeasured { device, .. }
        | Word::TurnedAway { device, .. }
        | Word::Refused { device, .. } => device,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_thousand_facts_within_a_second_one_is_told_and_the_last_is_known() {
        let presence = Presence::restored(Vec::new(), at(0));
        let mut changes = presence.changes();
        let device: DeviceId = "gate-1".parse().unwrap();

        for milli in 0..1_000 {
            presence.fact_came(&device, at(milli));
        }

        assert_eq!(changes.len(), 1);
        assert_eq!(presence.take_unsaved().len(), 1);
        assert_eq!(presence.of(&device).last_contact, Some(at(999)));
        presence.fact_came(&device, at(1_999));
        assert_eq!(changes.len(), 2, "a second later it is told again");
        changes.try_recv().unwrap();
        presence.fact_came(&device, at(-5));
        assert_eq!(changes.len(), 2, "so is a clock put back");
    }

    fn at(milli: i64) -> Timestamp {
        Timestamp::from_millisecond(milli).unwrap()
    }
}
