//! How a decision is written: facts and what is remembered of them, on disk in one transaction.

use lujiang_wire::{
    Due, EventId, Fact, Label, LoanCancelled, LoanCheckin, LoanCheckout, LoanKind, Mode, Outcome,
    Patron, Place,
};

use super::Clerk;
use crate::error_chain::chain;
use crate::lending::memory::{Act, Change, LentHere, Memory, Unloaded};
use crate::lending::{Barcode, Lent, Refused, TakenBack};
use crate::outbox::Stamp;

/// An item and how it is lent.
pub(super) type Granted<'a> = (&'a Barcode, LentHere);

/// The two ways an item goes out.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) kind: LoanKind,
    fact: fn(LoanCheckout) -> Fact,
}

pub(super) const CHECKOUT: Way = Way {
    kind: LoanKind::Checkout,
    fact: Fact::LoanCheckout,
};

pub(super) const RENEWAL: Way = Way {
    kind: LoanKind::Renew,
    fact: Fact::LoanRenew,
};

/// What goes into the facts of one transaction alike.
#[derive(Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) kind: LoanKind,
    pub(super) session: &'a Label,
    pub(super) stop: Option<&'a Label>,
    pub(super) block: Option<&'a Label>,
    pub(super) cancels: Option<&'a LoanCancelled>,
}

impl Clerk {
    /// Writes that these items go out; each granted, each with its reader sealed by itself.
    pub(super) fn write_loans(
        &self,
        memory: &mut Memory,
        circumstances: Circumstances<'_>,
        way: Way,
        patrons: &[Patron],
        granted: Vec<Granted<'_>>,
    ) -> Result<Vec<Lent>, Refused> {
        let lent = |((item, lent), patron): (&Granted<'_>, &Patron)| LoanCheckout {
            item: item.label().clone(),
            patron: Some(patron.clone()),
            due: Some(Due::Day(lent.due)),
            session: circumstances.session.clone(),
            mode: Mode::Offline,
            outcome: granted_outcome(),
            block: circumstances.block.cloned(),
            stop: circumstances.stop.cloned(),
            cancels: None,
        };
        let carrier = self.carrier();
        let mut facts = Vec::with_capacity(granted.len());
        // Where each loan stands: what comes from the load is returned from it just before.
        let mut at = Vec::with_capacity(granted.len());
        for loan in granted.iter().zip(patrons) {
            let (item, lent_now) = loan.0;
            let load = memory.lent(item).filter(|load| {
                Some(&load.reader) == carrier.as_ref() && load.reader != lent_now.reader
            });
            let unloaded = load.map(|load| {
                facts.push(checkin(item, circumstances, load.block.as_ref()));
                load.block.clone()
            });
            at.push((facts.len(), unloaded));
            facts.push((way.fact)(lent(loan)));
        }
        let stamp = Stamp::now(self.clock.as_ref());
        let dues: Vec<Due> = granted.iter().map(|(_, l)| Due::Day(l.due)).collect();
        let facts = self.record(memory, &stamp, facts, |memory, places| {
            let counted = memory.more_at(circumstances.stop, circumstances.kind, granted.len());
            let changes = granted
                .into_iter()
                .zip(&at)
                .filter_map(|(loan, (at, unloaded))| {
                    let (item, lent) = loan;
                    let place = places.get(*at)?;
                    let from = at.checked_sub(1).and_then(|before| places.get(before));
                    let unloaded = unloaded.as_ref().zip(from).map(|(block, from)| Unloaded {
                        fact: EventId::of_place(from),
                        block: block.clone(),
                    });
                    let act = Act {
                        unloaded,
                        ..act_of(circumstances, &stamp, place)
                    };
                    Some(memory.lend(item, lent, act, place))
                });
            changes.flatten().chain(counted).collect()
        })?;
        let facts = at.iter().filter_map(|(at, _)| facts.get(*at).cloned());
        Ok(facts
            .zip(dues)
            .map(|(fact, due)| Lent {
                due,
                fact,
                at: stamp.time,
            })
            .collect())
    }

    /// Writes that these items are back.
    pub(super) fn write_returns(
        &self,
        memory: &mut Memory,
        circumstances: Circumstances<'_>,
        items: &[Barcode],
    ) -> Result<Vec<TakenBack>, Refused> {
        let back = |item| checkin(item, circumstances, circumstances.block);
        let facts = items.iter().map(back).collect();
        let stamp = Stamp::now(self.clock.as_ref());
        let facts = self.record(memory, &stamp, facts, |memory, places| {
            let changes = items.iter().zip(places).map(|(item, at)| {
                let act = act_of(circumstances, &stamp, at);
                memory.take_back(item, act, at)
            });
            let counted = memory.more_at(circumstances.stop, circumstances.kind, items.len());
            changes.flatten().chain(counted).collect()
        })?;
        Ok(facts.into_iter().map(|fact| TakenBack { fact }).collect())
    }

    /// As [`Clerk::record`], for one fact.
    pub(super) fn record_one(
        &self,
        memory: &mut Memory,
        facts: Vec<Fact>,
        changes: impl FnOnce(&Memory, &Place) -> Vec<Change>,
    ) -> Result<EventId, Refused> {
        let stamp = Stamp::now(self.clock.as_ref());
        let written = self.record(memory, &stamp, facts, |memory, places| {
            places
                .first()
                .map_or_else(Vec::new, |at| changes(memory, at))
        })?;
        written.into_iter().next().ok_or(Refused::Failed)
    }

    /// Has facts on disk, and what is to be remembered with them; then remembers it.
    pub(super) fn record(
        &self,
        memory: &mut Memory,
        stamp: &Stamp,
        facts: Vec<Fact>,
        changes: impl FnOnce(&Memory, &[Place]) -> Vec<Change>,
    ) -> Result<Vec<EventId>, Refused> {
        let mut made = Vec::new();
        let recorded = self.outbox.record_noting(stamp, facts, |places| {
            made = changes(memory, places);
            made.iter().map(Change::note).collect()
        });
        let places = recorded.map_err(|error| {
            if error.is_full() {
                tracing::warn!("there is no room for another loan");
                return Refused::NoRoom;
            }
            tracing::error!(
                reason = chain(&error),
                "a loan is refused: it cannot be written"
            );
            Refused::Failed
        })?;
        for change in made {
            memory.apply(change);
        }
        Ok(places.iter().map(EventId::of_place).collect())
    }
}

fn granted_outcome() -> Outcome {
    Outcome {
        ok: true,
        reason: None,
    }
}

/// The fact of an item that is back.
fn checkin(item: &Barcode, circumstances: Circumstances<'_>, block: Option<&Label>) -> Fact {
    Fact::LoanCheckin(LoanCheckin {
        item: item.label().clone(),
        session: circumstances.session.clone(),
        mode: Mode::Offline,
        outcome: granted_outcome(),
        block: block.cloned(),
        stop: circumstances.stop.cloned(),
        cancels: circumstances.cancels.cloned(),
    })
}

fn act_of(circumstances: Circumstances<'_>, stamp: &Stamp, at: &Place) -> Act {
    Act {
        fact: EventId::of_place(at),
        kind: circumstances.kind,
        at: stamp.time,
        session: circumstances.session.clone(),
        stop: circumstances.stop.cloned(),
        block: circumstances.block.cloned(),
        unloaded: None,
    }
}
