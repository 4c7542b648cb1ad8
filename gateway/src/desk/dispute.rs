//! Whether there is anything to dispute: a loan that is over by what is at hand is of no more use to
//! anyone.

use lujiang_wire::LoanKind;

use crate::desk::conflict::ConflictKind;
use crate::desk::effect::Over;
use crate::desk::item::OpenFact;
use crate::desk::judge::{Matter, Move, settle};
use crate::desk::when::Precedence;

impl Matter<'_> {
    /// A dispute, unless the loan is over by what is at hand: then it is of no more use to anyone,
    /// as it would be had it come in late.
    pub(crate) fn dispute(&self, kind: ConflictKind) -> Move {
        let is_loan = match self.kind() {
            LoanKind::Checkout | LoanKind::Renew => true,
            LoanKind::Checkin => false,
        };
        // Somebody else has the item, and the return at hand may be that reader's or this one's.
        let is_about_another = match kind {
            ConflictKind::OutToAnother => true,
            ConflictKind::Unresolved => {
                self.open.fact.deed.is_sure() && !self.open.may_have_been_sent()
            }
            ConflictKind::NotOnLoan | ConflictKind::ItemUnknown | ConflictKind::ItemLost => false,
            ConflictKind::ReaderUnknown | ConflictKind::ReaderErased => false,
            ConflictKind::Block | ConflictKind::ReaderLimit | ConflictKind::Reserved => false,
            ConflictKind::RenewalLimit | ConflictKind::Refused => false,
            ConflictKind::LateWhileLent | ConflictKind::OrderUnclear => false,
            ConflictKind::UndoneTooLate | ConflictKind::Overtaken => false,
        };
        // What may have been done is ended by a return only if that is told; after a later return
        // it is not.
        let may_be_done = self.open.may_have_been_sent() && !self.was_not_done;
        let is_told = !may_be_done || self.late_case().is_none();
        match is_loan && !is_about_another && is_told && self.ends_at_hand() {
            true => settle(Over::Moot),
            false => Move::Dispute(kind),
        }
    }

    /// Whether a fact at hand that is surely later ends the loan.
    fn ends_at_hand(&self) -> bool {
        let own = &self.open.fact.happening;
        let is_later =
            |other: &&OpenFact| own.precedence(&other.fact.happening) == Precedence::Before;
        let is_sure = |other: &&OpenFact| other.fact.deed.is_sure();
        let mut later = self.record.open.iter().filter(is_later).filter(is_sure);
        later.any(|other| match other.fact.deed.kind() {
            LoanKind::Checkin => true,
            LoanKind::Checkout => self.policy.takes_later_loan_as_return(),
            LoanKind::Renew => false,
        })
    }
}
