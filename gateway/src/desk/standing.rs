//! What the desk knows of an item's last loan, renewal and return: the three marks against which
//! a fact is late.

use jiff::Timestamp;
use lujiang_wire::LoanKind;
use serde::{Deserialize, Serialize};

use crate::desk::when::{Happening, Precedence};

/// The latest of each kind that is known of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The last loan the library system knows of.
    pub lent: Option<Mark>,
    /// The last renewal the library system knows of.
    pub renewed: Option<Mark>,
    /// The last return anybody knows of: it also ends loans when the library system, which has
    /// lent the item since, is not told of it.
    pub returned: Option<Mark>,
}

/// One known event of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Which fact, where and when.
    pub happening: Happening,
    /// When the desk told the library system; none where that was not the desk's doing.
    pub told_at: Option<Timestamp>,
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
    pub(crate) fn mark(&mut self, kind: LoanKind, mark: Mark) {
        let place = match kind {
            LoanKind::Checkout => &mut self.lent,
            LoanKind::Renew => &mut self.renewed,
            LoanKind::Checkin => &mut self.returned,
        };
        let is_later =
            place
                .as_ref()
                .is_none_or(|known| match mark.happening.precedence(&known.happening) {
                    Precedence::After | Precedence::Same => true,
                    Precedence::Before => false,
                    Precedence::Unclear => {
                        mark.happening.when.latest() > known.happening.when.latest()
                    }
                });
        if is_later {
            *place = Some(mark);
        }
    }

    /// How a fact of this kind stands to what is known.
    #[must_use]
    pub fn lateness(&self, kind: LoanKind, fact: &Happening) -> Lateness {
        let came = |mark: &Option<Mark>| {
            let mark = mark.as_ref()?;
            Some(fact.precedence(&mark.happening))
        };
        let returned = came(&self.returned);
        let lent = came(&self.lent);
        let renewed = came(&self.renewed);
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
