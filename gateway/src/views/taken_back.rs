//! What entries take back, looked up in the ledger: figures subtract a loan where they had added it,
//! by the time it was given then. A device's clock may have been set since, or the device started
//! again; so its own word, and how its clock is now, do not tell where that was.

use std::collections::BTreeMap;

use lujiang_wire::{EventId, Fact};

use crate::entry::{Entry, EntryNumber};
use crate::ledger::{LedgerError, LedgerReader};

/// Of some entries, what each takes back.
pub(crate) struct TakenBack(BTreeMap<EntryNumber, Entry>);

impl TakenBack {
    /// Looks up what these take back, as far as it counted before them: what comes later is not
    /// looked at, so that a rebuild says the same.
    pub(crate) fn of(reader: &dyn LedgerReader, entries: &[Entry]) -> Result<Self, LedgerError> {
        let mut found = BTreeMap::new();
        for entry in entries {
            let Some(fact) = taken_back(entry) else {
                continue;
            };
            let counted = reader.counted_before(entry.number, &entry.device, fact)?;
            found.extend(counted.map(|counted| (entry.number, counted)));
        }
        Ok(Self(found))
    }

    /// What one of them takes back.
    pub(crate) fn by(&self, entry: &Entry) -> Option<&Entry> {
        self.0.get(&entry.number)
    }
}

/// The fact that an entry takes back, where it does.
fn taken_back(entry: &Entry) -> Option<&EventId> {
    let cancelled = match entry.verdict.counted()?.0.fact() {
        Fact::LoanUndone(undone) => return Some(&undone.fact),
        Fact::LoanCheckout(loan) | Fact::LoanRenew(loan) => &loan.cancels,
        Fact::LoanCheckin(loan) => &loan.cancels,
        Fact::VisitCounted(_) | Fact::OutboxDropped(_) | Fact::CardIssued(_) => return None,
        Fact::StopOpened(_) | Fact::StopClosed(_) | Fact::PaymentUnresolved(_) => return None,
        Fact::KioskUsed(_) | Fact::ContentInstalled(_) => return None,
        Fact::ContentRemoved(_) | Fact::ContentFailed(_) => return None,
    };
    Some(&cancelled.as_ref()?.failed.as_ref()?.fact)
}
