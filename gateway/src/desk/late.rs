//! Late news: facts older than what the library system has already heard of their item. The whole
//! table of cases, each with the sentence that says what will be done before it is done.

use lujiang_wire::LoanKind;

use crate::desk::policy::{LateAndOver, LateWhileLent, Policy};
use crate::desk::standing::Lateness;

/// A late fact, by what it is and what is known to have come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LateCase {
    /// A loan; the item came back since.
    LoanReturnedSince,
    /// A loan; the item was lent since, and no return between is known.
    LoanLentSince,
    /// A loan; the library system has renewed a loan of the item since.
    LoanRenewedSince,
    /// A renewal; the item came back since.
    RenewalReturnedSince,
    /// A renewal; the item was lent since.
    RenewalLentSince,
    /// A renewal; it was renewed again since.
    RenewalRenewedSince,
    /// A return; the item was lent since.
    ReturnLentSince,
    /// A return; the item was returned again since.
    ReturnReturnedSince,
    /// A return; the library system has renewed the loan since.
    ReturnRenewedSince,
    /// The fact's time is unknown, and it might have come before or after a loan or return.
    Unclear,
}

impl LateCase {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::LoanReturnedSince,
        Self::LoanLentSince,
        Self::LoanRenewedSince,
        Self::RenewalReturnedSince,
        Self::RenewalLentSince,
        Self::RenewalRenewedSince,
        Self::ReturnLentSince,
        Self::ReturnReturnedSince,
        Self::ReturnRenewedSince,
        Self::Unclear,
    ];

    /// The case of a fact; none where it is on time.
    #[must_use]
    pub fn of(kind: LoanKind, lateness: Lateness) -> Option<Self> {
        Some(match (kind, lateness) {
            (_, Lateness::OnTime) => return None,
            (_, Lateness::Unclear) => Self::Unclear,
            (LoanKind::Checkout, Lateness::ReturnedSince) => Self::LoanReturnedSince,
            (LoanKind::Checkout, Lateness::LentSince) => Self::LoanLentSince,
            (LoanKind::Checkout, Lateness::RenewedSince) => Self::LoanRenewedSince,
            (LoanKind::Renew, Lateness::ReturnedSince) => Self::RenewalReturnedSince,
            (LoanKind::Renew, Lateness::LentSince) => Self::RenewalLentSince,
            (LoanKind::Renew, Lateness::RenewedSince) => Self::RenewalRenewedSince,
            (LoanKind::Checkin, Lateness::LentSince) => Self::ReturnLentSince,
            (LoanKind::Checkin, Lateness::ReturnedSince) => Self::ReturnReturnedSince,
            (LoanKind::Checkin, Lateness::RenewedSince) => Self::ReturnRenewedSince,
        })
    }

    /// What the desk will do, for people.
    #[must_use]
    pub fn sentence(self, policy: &Policy) -> &'static str {
        match self {
            Self::LoanReturnedSince => match policy.late_and_over {
                LateAndOver::Count => {
                    "The item came back since: the loan counts and is over; the library system \
                     is told nothing."
                }
                LateAndOver::TellBoth => {
                    "The item came back since: the loan counts and is over; if the item is in, \
                     the library system is told of the loan and of its return."
                }
            },
            Self::LoanLentSince => match policy.late_while_lent {
                LateWhileLent::Hold => {
                    "The item was lent since: the library system is asked. If this reader has \
                     it, it knows; if nobody has it, the loan is over; if another has it, the \
                     loan is held for staff."
                }
                LateWhileLent::Count => {
                    "The item was lent since: the library system is asked. If this reader has \
                     it, it knows; otherwise the loan counts and is over."
                }
            },
            Self::LoanRenewedSince => {
                "A loan of the item was renewed since: if the desk has ended that loan meanwhile, this \
                 one is told, until the renewed date. Otherwise the library system is asked: if this reader has the item, \
                 it knows; if nobody has it, the loan is over; if another has it, it is held for \
                 staff, or over by policy."
            }
            Self::RenewalReturnedSince => {
                "The item came back since: the renewal counts; the library system is told nothing."
            }
            Self::RenewalLentSince => {
                "The item was lent since: the loan this prolonged is over; the renewal counts, \
                 the library system is told nothing."
            }
            Self::RenewalRenewedSince => {
                "It was renewed again since: the later renewal stands, this one counts; the \
                 library system is told nothing."
            }
            Self::ReturnLentSince => {
                "The item was lent since: the return counts, and the item is not taken back from \
                 who has it now."
            }
            Self::ReturnReturnedSince => {
                "The item was returned again since: it is back; the library system is told \
                 nothing."
            }
            Self::ReturnRenewedSince => {
                "The loan was renewed since, though the item had come back: it is taken back."
            }
            Self::Unclear => {
                "Nobody knows whether the item was lent or returned before this or after it: held \
                 for staff."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fact_has_a_case_for_whatever_came_after_it() {
        let kinds = [LoanKind::Checkout, LoanKind::Renew, LoanKind::Checkin];
        let since = [
            Lateness::ReturnedSince,
            Lateness::LentSince,
            Lateness::RenewedSince,
            Lateness::Unclear,
        ];
        let cases = kinds.iter().flat_map(|kind| {
            let case = |lateness: &Lateness| LateCase::of(*kind, *lateness).unwrap();
            since.iter().map(case)
        });
        let mut cases: Vec<_> = cases.collect();
        cases.dedup();
        assert!(LateCase::ALL.iter().all(|case| cases.contains(case)));
    }
}
