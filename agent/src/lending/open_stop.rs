//! The stop of the bus that is open, with what was done at it. It is kept as a note of the outbox,
//! in the transaction of each fact that changes it: after a power cut it is the same stop with the
//! same counts.

use jiff::Timestamp;
use lujiang_wire::{LoanKind, StopOpened};
use serde::{Deserialize, Serialize};

/// A stop that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenStop {
    /// As it was opened.
    pub opened: StopOpened,
    /// Since when, by the device's clock.
    pub since: Timestamp,
    /// Items lent there, less what was undone.
    #[serde(default)]
    pub lent: u64,
    /// Items lent on there, less what was undone.
    #[serde(default)]
    pub renewed: u64,
    /// Items that came back there, less what was undone.
    #[serde(default)]
    pub returned: u64,
}

impl OpenStop {
    pub(super) fn new(opened: StopOpened, since: Timestamp) -> Self {
        Self {
            opened,
            since,
            lent: 0,
            renewed: 0,
            returned: 0,
        }
    }

    /// The stop after so many more of a kind.
    pub(super) fn more(&self, kind: LoanKind, items: u64) -> Self {
        let mut after = self.clone();
        *after.count(kind) += items;
        after
    }

    /// The stop after one of a kind was undone.
    pub(super) fn less(&self, kind: LoanKind) -> Self {
        let mut after = self.clone();
        let count = after.count(kind);
        *count = count.saturating_sub(1);
        after
    }

    fn count(&mut self, kind: LoanKind) -> &mut u64 {
        match kind {
            LoanKind::Checkout => &mut self.lent,
            LoanKind::Renew => &mut self.renewed,
            LoanKind::Checkin => &mut self.returned,
        }
    }
}
