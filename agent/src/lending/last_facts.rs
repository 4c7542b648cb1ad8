//! The number of the last fact about each item: to be looked at while a decision is being written,
//! so that whoever only asks does not wait for the disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Barcode;

/// The numbers; a handle that is cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct LastFacts(Arc<Mutex<BTreeMap<Barcode, u64>>>);

impl LastFacts {
    /// The number of the last fact about an item.
    pub(super) fn of(&self, item: &Barcode) -> Option<u64> {
        self.numbers().get(item).copied()
    }

    /// There is another.
    pub(super) fn set(&self, item: &Barcode, number: u64) {
        self.numbers().insert(item.clone(), number);
    }

    /// There is none any more.
    pub(super) fn forget(&self, item: &Barcode) {
        self.numbers().remove(item);
    }

    fn numbers(&self) -> MutexGuard<'_, BTreeMap<Barcode, u64>> {
        // Each change is one call on the map: it is whole whatever happened.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
