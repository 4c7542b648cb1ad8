//! Words that a fact is undone.

use lujiang_wire::LoanKind::{Checkin, Checkout, Renew};

use super::rehearsal::{Rehearsal, all, back, is_in, label, loan, on_loan, renewal, undo};
use crate::desk::{
    Ability, Charged, Circulation, ConflictKind, LateWhileLent, Policy, Profile, Response,
};

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

#[test]
fn a_mistaken_loan_that_took_the_item_from_its_reader_is_put_right_by_staff() {
    let mut policy = Policy::default();
    let another = ConflictKind::OutToAnother;
    policy.responses.insert(another, Response::ReturnThenLoan);
    let all = all(Ability::Proven);
    let told = |is_returned: bool| {
        let mut r = Rehearsal::with(Profile::Koha, policy.clone(), all);
        r.hear(loan(1, "main", 100));
        r.see(is_in());
        r.does(Checkout);
        if is_returned {
            r.hear(back(2, "main", 150));
            r.see(on_loan(Charged::NotListed));
            r.does(Checkin);
        }
        r.hear(loan(3, "bus", 200));
        match is_returned {
            true => r.see(is_in()),
            false => r.see(on_loan(Charged::NotListed)),
        }
        r.does(Checkout);
        r.rests();
        assert_eq!(r.settled(3), "told");
        r.hear(undo(4, "bus", 200, Checkout));
        r
    };
    let mut taken = told(false);
    taken.rests();
    assert_eq!(taken.conflict(), Some("undone-too-late"));
    // That it was back before may be heard late: then it is simply taken back, as it is where that
    // was known.
    taken.hear(back(5, "south", 150));
    taken.see(on_loan(Charged::NotListed));
    taken.does(Checkin);
    taken.rests();
    assert_eq!((taken.settled(4), taken.conflict()), ("told", None));
    let mut free = told(true);
    free.see(on_loan(Charged::NotListed));
    free.does(Checkin);
    free.rests();
    assert_eq!((free.settled(4), free.conflict()), ("told", None));
}

#[test]
fn a_disputed_loan_that_was_never_sent_leaves_nothing_to_undo_once_it_is_moot() {
    let mut unknown = is_in();
    unknown.circulation = Circulation::NoSuchItem;
    let mut r = Rehearsal::new();
    r.hear(back(1, "main", 200));
    r.see(unknown.clone());
    r.rests();
    r.hear(loan(2, "bus", 100));
    r.see(unknown.clone());
    r.hear(undo(3, "bus", 100, Checkout));
    r.see(unknown);
    r.rests();
    assert_eq!((r.settled(2), r.settled(3)), ("moot", "undone"));
    let (record, _) = &r.rows[&label("b1")];
    let (open, conflict) = record.conflict().unwrap();
    assert_eq!(
        (open.fact.number().0, conflict.kind),
        (1, ConflictKind::ItemUnknown)
    );
}

#[test]
fn a_mistaken_loan_before_which_another_was_heard_of_too_late_is_put_right_by_staff() {
    let mut policy = Policy {
        late_while_lent: LateWhileLent::Count,
        ..Policy::default()
    };
    let another = ConflictKind::OutToAnother;
    policy.responses.insert(another, Response::ReturnThenLoan);
    let told = |is_returned: bool| {
        let mut r = Rehearsal::with(Profile::Evergreen, policy.clone(), all(Ability::Proven));
        r.hear(loan(1, "bus", 200));
        r.see(is_in());
        r.does(Checkout);
        // Its reader had it, or brought it back, before it was lent by mistake.
        r.hear(loan(2, "main", 100));
        r.see(on_loan(Charged::NotListed));
        r.rests();
        assert_eq!(r.settled(2), "lent-since");
        if is_returned {
            r.hear(back(3, "main", 150));
            r.rests();
        }
        r.hear(undo(4, "bus", 200, Checkout));
        r
    };
    let mut r = told(false);
    r.rests();
    assert_eq!(r.conflict(), Some("undone-too-late"));

    let mut r = told(true);
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.rests();
    assert_eq!((r.settled(4), r.conflict()), ("told", None));
}
