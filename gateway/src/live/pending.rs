//! What has changed and was not told yet: at most one telling a second of each kind.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lujiang_wire::DeviceId;

use crate::entry::EntryNumber;

/// People cannot read faster, and a page paints no more often.
const PAUSE: Duration = Duration::from_secs(1);

/// Changes waiting to be told.
#[derive(Debug)]
pub(super) struct Pending {
    devices: BTreeSet<DeviceId>,
    devices_told: Option<Instant>,
    folded: EntryNumber,
    folded_told: EntryNumber,
    folded_told_at: Option<Instant>,
}

/// What is to be told now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// These devices changed.
    Devices(BTreeSet<DeviceId>),
    /// The figures hold more entries than before.
    Folded {
        /// The last entry told before.
        after: EntryNumber,
        /// The last entry now.
        upto: EntryNumber,
    },
}

impl Pending {
    /// Begins where the figures are.
    pub(super) fn new(folded: EntryNumber) -> Self {
        Self {
            devices: BTreeSet::new(),
            devices_told: None,
            folded,
            folded_told: folded,
            folded_told_at: None,
        }
    }

    pub(super) fn note_device(&mut self, device: DeviceId) {
        self.devices.insert(device);
    }

    pub(super) fn note_folded(&mut self, folded: EntryNumber) {
        self.folded = folded;
    }

    /// Takes one kind that may be told now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Due> {
        if self.folded != self.folded_told && rested(self.folded_told_at, now) {
            let after = std::mem::replace(&mut self.folded_told, self.folded);
            self.folded_told_at = Some(now);
            return Some(Due::Folded {
                after,
                upto: self.folded,
            });
        }
        if !self.devices.is_empty() && rested(self.devices_told, now) {
            self.devices_told = Some(now);
            return Some(Due::Devices(std::mem::take(&mut self.devices)));
        }
        None
    }

    /// When to ask [`Self::take_due`] again, if nothing more happens.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let folded = (self.folded != self.folded_told)
            .then_some(self.folded_told_at)
            .flatten();
        let devices = (!self.devices.is_empty())
            .then_some(self.devices_told)
            .flatten();
        folded
            .into_iter()
            .chain(devices)
            .min()
            .map(|told| told + PAUSE)
    }
}

fn rested(told: Option<Instant>, now: Instant) -> bool {
    told.is_none_or(|told| now >= told + PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_at_once_and_then_once_a_second() {
        let start = Instant::now();
        let mut pending = Pending::new(EntryNumber(7));
        assert_eq!(pending.take_due(start), None);
        pending.note_folded(EntryNumber(8));
        assert_eq!(pending.take_due(start), Some(folded(7, 8)));
        for number in 9..1_000 {
            pending.note_folded(EntryNumber(number));
            assert_eq!(pending.take_due(start + PAUSE / 2), None);
        }
        assert_eq!(pending.next_due(), Some(start + PAUSE));
        assert_eq!(pending.take_due(start + PAUSE), Some(folded(8, 999)));
        assert_eq!(pending.next_due(), None);
    }

    #[test]
    fn a_device_that_changes_often_is_told_once() {
        let start = Instant::now();
        let gate: DeviceId = "gate".parse().unwrap();
        let mut pending = Pending::new(EntryNumber::NONE);
        pending.note_device(gate.clone());
        pending.note_device(gate.clone());
        let once = Due::Devices(BTreeSet::from([gate.clone()]));
        assert_eq!(pending.take_due(start), Some(once));
        pending.note_device(gate);
        assert_eq!(pending.take_due(start), None);
        assert!(pending.take_due(start + PAUSE).is_some());
    }

    fn folded(after: i64, upto: i64) -> Due {
        Due::Folded {
            after: EntryNumber(after),
            upto: EntryNumber(upto),
        }
    }
}
