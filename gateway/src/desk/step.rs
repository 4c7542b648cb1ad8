//! The steps of one fact: asked, intended, told. An intent is committed before anything is sent,
//! with what was seen; after a break it is held against what is seen then.

use jiff::Timestamp;
use lujiang_wire::LoanKind;
use serde::{Deserialize, Serialize};

use crate::desk::ability::{Abilities, Ability};
use crate::desk::conflict::Conflict;
use crate::desk::sighting::{Circulation, Sighting};

/// How far a fact has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Nothing was sent.
    Waiting,
    /// This may have been sent.
    Intended(Intent),
    /// It is done; what the library system shows of it is yet to be looked at (`ability.rs`).
    Proving,
    /// In dispute.
    Disputed(Conflict),
}

/// What is about to be sent, and what was seen before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What for.
    pub errand: Errand,
    /// The state that was seen: circulation, due date, whether the reader has it.
    pub saw: Sighting,
    /// When it was committed.
    pub at: Timestamp,
    /// Whether the item has been seen on loan since, without it being clear to whom.
    pub was_seen_out: bool,
}

/// What a fact sends the desk to the library system for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Errand {
    /// To lend the item.
    Checkout,
    /// To lend it on.
    Renew,
    /// To take it back.
    Checkin,
    /// To take it back from another, so that it can be lent.
    TakeBackFirst,
    /// To tell of a loan that is over.
    PastCheckout,
    /// To tell that it is over.
    PastCheckin,
}

/// What became of an intent, by what is seen after a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    /// It was done.
    Done,
    /// It was not done.
    NotDone,
    /// It is a loan, and whoever has had the item since has brought it back.
    Gone,
    /// Nothing shows which.
    Unknown,
}

impl Errand {
    /// What the library system is told.
    #[must_use]
    pub fn kind(self) -> LoanKind {
        match self {
            Self::Checkout | Self::PastCheckout => LoanKind::Checkout,
            Self::Renew => LoanKind::Renew,
            Self::Checkin | Self::TakeBackFirst | Self::PastCheckin => LoanKind::Checkin,
        }
    }

    /// Whether it tells of what is over.
    pub(crate) fn is_past(self) -> bool {
        match self {
            Self::PastCheckout | Self::PastCheckin => true,
            Self::Checkout | Self::Renew | Self::Checkin | Self::TakeBackFirst => false,
        }
    }
}

impl Intent {
    /// Whether it was done, by what is seen now; `renewal` is what the due date tells of one. What
    /// is shown is believed; what is not shown tells something only where the library system is
    /// known to show it.
    pub(crate) fn trace(&self, renewal: Trace, seen: &Sighting, abilities: &Abilities) -> Trace {
        match self.errand.kind() {
            LoanKind::Checkout if seen.is_with_reader() => Trace::Done,
            LoanKind::Checkout if self.was_seen_out && abilities.shows_in(seen) => Trace::Gone,
            LoanKind::Checkout if abilities.shows_not_with_reader(seen) => Trace::NotDone,
            LoanKind::Checkout => Trace::Unknown,
            LoanKind::Renew if seen.due.is_none() && abilities.shows_in(seen) => Trace::NotDone,
            LoanKind::Renew => renewal,
            LoanKind::Checkin => self.trace_of_return(seen, abilities),
        }
    }

    /// What became of a return. The item on loan was not taken back, unless it was lent anew since:
    /// a due date that stands where it stood says that it was not, one that moved does not say
    /// whether the loan was prolonged or is another.
    fn trace_of_return(&self, seen: &Sighting, abilities: &Abilities) -> Trace {
        match seen.circulation {
            Circulation::In | Circulation::OnHoldShelf => {
                let was_seen_out = self.saw.circulation == Circulation::OnLoan;
                match was_seen_out || abilities.circulation == Ability::Proven {
                    true => Trace::Done,
                    false => Trace::Unknown,
                }
            }
            // Whoever has it, the loan it is to be taken back for is judged anew.
            Circulation::OnLoan if self.errand == Errand::TakeBackFirst => Trace::NotDone,
            Circulation::OnLoan if self.errand == Errand::PastCheckin => {
                match abilities.shows_not_with_reader(seen) {
                    true => Trace::Done,
                    false => self.trace_by_due(seen),
                }
            }
            Circulation::OnLoan => self.trace_by_due(seen),
            Circulation::Lost => Trace::NotDone,
            Circulation::NoSuchItem | Circulation::Silent => Trace::Unknown,
        }
    }

    fn trace_by_due(&self, seen: &Sighting) -> Trace {
        match (self.saw.due, seen.due) {
            (Some(before), Some(now)) if before != now => Trace::Unknown,
            (_, _) => Trace::NotDone,
        }
    }
}
