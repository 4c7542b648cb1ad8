//! What the desk knows of an item's last loan, renewal and return: the three marks against which
//! a fact is late.

use jiff::Timestamp;
use lujiang_wire::{LoanKind, Mode};
use serde::{Deserialize, Serialize};

use crate::desk::fact::LoanFact;
use crate::desk::when::{Happening, Precedence};
use crate::entry::EntryNumber;

/// The latest of each kind that is known of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The last loan the library system knows of.
    pub lent: Latest,
    /// The last renewal the library system knows of.
    pub renewed: Latest,
    /// Until when that renewal lent it, where it said so; the longest, where nobody can tell which
    /// was the last.
    #[serde(default)]
    pub renewed_until: Option<Timestamp>,
    /// The last return anybody knows of: it also ends loans when the library system, which has
    /// lent the item since, is not told of it.
    pub returned: Latest,
    /// Until when the item is lent, where the library system itself said so of the last that is
    /// known to have happened to it.
    #[serde(default)]
    pub(crate) due: Option<Timestamp>,
    /// What the desk last told of a loan.
    pub loan_told: Option<Telling>,
    /// What the desk last told of a return.
    pub return_told: Option<Telling>,
}

/// The latest of several happenings; more than one only where nobody can tell which that is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Latest(Vec<Happening>);

/// What the desk told the library system, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Of which fact.
    pub happening: Happening,
    /// When.
    pub at: Timestamp,
}

/// How a fact stands to what is known of its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lateness {
    /// Nothing is known that came after it.
    OnTime,
    /// The item came back after it.
    ReturnedSince,
    /// The item was lent after it, and no return after it is known.
    LentSince,
    /// The item was renewed after it, and nothing else is known to have come after it.
    RenewedSince,
    /// Which came first matters, and nobody can tell.
    Unclear,
}

impl Standing {
    /// Takes in an event; of each kind the latest stays.
    pub(crate) fn mark(&mut self, fact: &LoanFact) {
        let happening = &fact.happening;
        let known = [&self.lent, &self.renewed, &self.returned];
        let is_news = known.map(|latest| latest.against(happening));
        if !is_news.contains(&Some(Precedence::Before)) {
            let is_last = !is_news.contains(&Some(Precedence::Unclear));
            self.due = match fact.mode {
                Mode::Online => fact.deed.due().filter(|_| is_last),
                Mode::Offline => None,
            };
        }
        match fact.deed.kind() {
            LoanKind::Checkout => self.lent.add(happening.clone()),
            LoanKind::Checkin => self.returned.add(happening.clone()),
            LoanKind::Renew => {
                self.renewed.add(happening.clone());
                self.renewed_until = match self.renewed.0.as_slice() {
                    [only] if only == happening => fact.deed.due(),
                    all if all.contains(happening) => fact.deed.due().max(self.renewed_until),
                    _ => self.renewed_until,
                };
            }
        }
    }

    /// The desk has told the library system.
    pub(crate) fn tell(&mut self, kind: LoanKind, happening: Happening, now: Timestamp) {
        let telling = Some(Telling { happening, at: now });
        match kind {
            LoanKind::Checkout => self.loan_told = telling,
            LoanKind::Checkin => self.return_told = telling,
            LoanKind::Renew => {}
        }
    }

    /// What the desk told of before an on-line fact, although that came first at the library
    /// system: a loan or a return that is older than the fact, told after it. Of a renewal, a loan:
    /// that was told until its own date.
    #[must_use]
    pub fn overtaking(&self, kind: LoanKind, fact: &Happening) -> Option<LoanKind> {
        let overtook = |telling: &Option<Telling>| {
            telling.as_ref().is_some_and(|telling| {
                let may_be_earlier = match telling.happening.precedence(fact) {
                    Precedence::Before | Precedence::Unclear => true,
                    Precedence::After | Precedence::Same => false,
                };
                may_be_earlier && telling.at >= fact.when.earliest()
            })
        };
        match kind {
            LoanKind::Checkin | LoanKind::Checkout | LoanKind::Renew
                if overtook(&self.loan_told) =>
            {
                Some(LoanKind::Checkout)
            }
            LoanKind::Checkout if overtook(&self.return_told) => Some(LoanKind::Checkin),
            LoanKind::Checkin | LoanKind::Checkout | LoanKind::Renew => None,
        }
    }

    /// Whether the item was renewed for longer than until `due` already, by a renewal of which nobody
    /// can tell whether it came before this one: where the library system takes the dates it is
    /// told, this one would shorten the loan.
    pub(crate) fn is_renewed_longer(&self, renewal: &Happening, due: Option<Timestamp>) -> bool {
        let is_unclear = self.renewed.against(renewal) == Some(Precedence::Unclear);
        is_unclear && due.is_some() && self.renewed_until > due
    }

    /// Whether the last loan or return that was told, or may have been, is this fact.
    pub(crate) fn has_told(&self, number: EntryNumber) -> bool {
        let mut told = [&self.loan_told, &self.return_told].into_iter().flatten();
        told.any(|telling| telling.happening.number == number)
    }

    /// Whether what is known ends with a loan that nobody has brought back.
    pub(crate) fn is_out(&self) -> bool {
        let Some(lent) = self.lent.last() else {
            return false;
        };
        self.returned.against(lent).is_none()
    }

    /// How a fact of this kind stands to what is known.
    #[must_use]
    pub fn lateness(&self, kind: LoanKind, fact: &Happening) -> Lateness {
        let returned = self.returned.against(fact);
        let lent = self.lent.against(fact);
        let renewed = self.renewed.against(fact);
        let (before, unclear) = (Some(Precedence::Before), Some(Precedence::Unclear));
        match kind {
            // A loan that came after this return shows that the return is history; two returns
            // are one, in whatever order.
            LoanKind::Checkin if lent == before => Lateness::LentSince,
            LoanKind::Checkin if lent == unclear => Lateness::Unclear,
            LoanKind::Checkin if returned == before => Lateness::ReturnedSince,
            LoanKind::Checkin if renewed == before => Lateness::RenewedSince,
            LoanKind::Checkin => Lateness::OnTime,
            LoanKind::Checkout | LoanKind::Renew if returned == before => Lateness::ReturnedSince,
            LoanKind::Checkout | LoanKind::Renew if returned == unclear => Lateness::Unclear,
            LoanKind::Checkout | LoanKind::Renew if lent == before => Lateness::LentSince,
            LoanKind::Checkout | LoanKind::Renew if lent == unclear => Lateness::Unclear,
            LoanKind::Checkout | LoanKind::Renew if renewed == before => Lateness::RenewedSince,
            LoanKind::Checkout | LoanKind::Renew => Lateness::OnTime,
        }
    }
}

/// Happenings of one kind that are remembered where nobody can tell which is the latest.
const LATEST_MAX: usize = 4;

impl Latest {
    /// The last that is known, by the latest instant it may have happened at.
    #[must_use]
    pub fn last(&self) -> Option<&Happening> {
        self.0.iter().max_by_key(|known| known.when.latest())
    }

    fn add(&mut self, happening: Happening) {
        let is_after = |known: &Happening| known.precedence(&happening) == Precedence::After;
        if self.0.iter().any(is_after) {
            return;
        }
        self.0
            .retain(|known| known.precedence(&happening) == Precedence::Unclear);
        self.0.push(happening);
        if self.0.len() > LATEST_MAX {
            self.0.remove(0);
        }
    }

    /// Whether a fact came before any of these; if that is unclear, that.
    fn against(&self, fact: &Happening) -> Option<Precedence> {
        let mut all = self.0.iter().map(|known| fact.precedence(known));
        let is_before = all
            .clone()
            .any(|precedence| precedence == Precedence::Before);
        match is_before {
            true => Some(Precedence::Before),
            false => all.find(|precedence| *precedence == Precedence::Unclear),
        }
    }
}
