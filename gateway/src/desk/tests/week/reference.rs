//! The reference: all deals of an item in true order, and the business rules. It knows nothing of
//! arrival, crashes, asking or lateness.

use std::collections::BTreeMap;

use lujiang_wire::{LoanKind, Mode};

use super::ils::{Ils, Loan, Readers};
use super::truth::{Deal, Happened, Thing};

/// What must come of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// Who has it, by the library system.
    pub(super) loan: Option<Loan>,
    /// The deal in dispute, and the kind of the dispute.
    pub(super) conflict: Option<(Deal, &'static str)>,
}

/// What of an item's past can still matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// What came after its last return.
    Return,
    /// What came after that, from the last loan on: the policy takes it for a return before it.
    ReturnOrLoan,
}

/// What must come of an item. `ils` is asked for its rules only.
pub(super) fn expected(
    thing: Thing,
    deals: &[Happened],
    since: Since,
    ils: &Ils,
    readers: &Readers,
) -> Expected {
    let own = deals
        .iter()
        .enumerate()
        .filter(|(_, deal)| deal.thing == thing && deal.stands());
    let own: Vec<(Deal, &Happened)> = own.collect();
    if ils.things[&thing].is_unknown {
        let is_return = |(_, deal): &&(Deal, &Happened)| deal.kind == LoanKind::Checkin;
        let disputed = own.iter().find(is_return).or(own.first());
        return Expected {
            loan: None,
            conflict: disputed.map(|(deal, _)| (*deal, "item-unknown")),
        };
    }
    let last = |kind: LoanKind| own.iter().rposition(|(_, deal)| deal.kind == kind);
    let after_return = last(LoanKind::Checkin).map_or(0, |last| last + 1);
    let first = match since {
        Since::Return => after_return,
        Since::ReturnOrLoan => last(LoanKind::Checkout).map_or(0, |last| last.max(after_return)),
    };
    let mut expected = Expected {
        loan: None,
        conflict: None,
    };
    for (number, deal) in &own[first..] {
        match dispute(deal, ils, readers) {
            Some(kind) if deal.mode == Mode::Offline => {
                expected.conflict = Some((*number, kind));
                break;
            }
            Some(_) | None => {
                let due = deal.due.expect("loans have a due date");
                let reader = deal.reader;
                expected.loan = Some(Loan { reader, due });
            }
        }
    }
    expected
}

/// Why a library system that does not honour "no block" disputes a deal.
fn dispute(deal: &Happened, ils: &Ils, readers: &Readers) -> Option<&'static str> {
    let rules = ils.things[&deal.thing];
    let is_kept = rules.held_for.is_some_and(|reader| reader != deal.reader);
    if readers.unknown.contains(&deal.reader) {
        return Some("reader-unknown");
    }
    if ils.kind.profile.honours_no_block() {
        return None;
    }
    match deal.kind {
        _ if readers.blocked.contains(&deal.reader) => Some("reader-blocked"),
        LoanKind::Checkout if readers.at_limit.contains(&deal.reader) => Some("reader-at-limit"),
        LoanKind::Checkout if is_kept => Some("reserved"),
        LoanKind::Renew if rules.is_not_renewed => Some("renewal-limit"),
        LoanKind::Checkout | LoanKind::Renew | LoanKind::Checkin => None,
    }
}

/// Who really has what, and until when.
pub(super) fn truth(deals: &[Happened]) -> BTreeMap<Thing, Loan> {
    let mut loans = BTreeMap::new();
    for deal in deals.iter().filter(|deal| deal.stands()) {
        let (reader, due) = (deal.reader, deal.due);
        match due.map(|due| Loan { reader, due }) {
            Some(loan) => loans.insert(deal.thing, loan),
            None => loans.remove(&deal.thing),
        };
    }
    loans
}
