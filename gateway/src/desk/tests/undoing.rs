//! Words that a fact is undone.

use lujiang_wire::LoanKind::{Checkin, Checkout, Renew};

use super::rehearsal::{Rehearsal, back, is_in, loan, on_loan, renewal, undo};
use crate::desk::Charged;

#[test]
fn what_is_undone_before_it_is_told_never_is_and_what_was_told_is_taken_back() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.hear(undo(2, "bus", 100, Checkout));
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("undone", "undone"));

    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    r.hear(undo(2, "bus", 100, Checkout));
    r.see(on_loan(Charged::Listed));
    r.does(Checkin);
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("told", "told"));

    let mut r = Rehearsal::new();
    r.hear(back(1, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.hear(undo(2, "bus", 100, Checkin));
    r.rests();
    assert_eq!(r.conflict(), Some("undone-too-late"));

    // The reader still has the book: undoing what prolonged the loan does not bring it back.
    let mut r = Rehearsal::new();
    r.hear(renewal(1, "bus", 100));
    r.see(on_loan(Charged::Listed));
    r.does(Renew);
    r.hear(undo(2, "bus", 100, Renew));
    r.rests();
    assert_eq!(r.conflict(), Some("undone-too-late"));

    let mut r = Rehearsal::new();
    r.hear(undo(1, "bus", 100, Checkout));
    r.hear(loan(2, "bus", 100));
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("undone", "undone"));
}
