//! Returns, and what else may have been told when the line was gone.

use lujiang_wire::Label;
use lujiang_wire::LoanKind::{Checkin, Checkout};

use super::rehearsal::{Rehearsal, all, back, due, is_in, label, loan, on_loan, online, renewal};
use crate::desk::{
    Ability, Charged, ConflictKind, LateAndOver, Outgoing, Policy, Profile, Response, StaffRuling,
    Work,
};
use crate::entry::EntryNumber;

/// Until when the item is lent when the return is about to be told.
const BEFORE: i64 = 5_000_000;

/// Until when it is lent after the break.
const MOVED: i64 = 7_000_000;

/// A return that may have been told: the gateway ended before it was answered.
fn broken() -> Rehearsal {
    let mut r = Rehearsal::new();
    r.hear(back(1, "bus", 100));
    r.see(due(BEFORE));
    assert_eq!(r.ordered().errand.kind(), Checkin);
    r.restart();
    r
}

#[test]
fn a_return_is_told_again_where_the_item_is_on_loan_as_before() {
    let mut r = broken();
    r.see(due(BEFORE));
    r.does(Checkin);
    r.rests();
    assert_eq!(r.settled(1), "told");
}

#[test]
fn a_return_is_told_where_the_item_is_in() {
    let mut r = broken();
    r.see(is_in());
    r.rests();
    assert_eq!(r.settled(1), "told");
}

#[test]
fn a_return_is_for_staff_where_the_date_moved_meanwhile() {
    for moved in [MOVED, BEFORE - 1] {
        let mut r = broken();
        r.see(due(moved));
        r.rests();
        assert_eq!((r.settled(1), r.conflict()), ("open", Some("unresolved")));
        r.rule(1, StaffRuling::Force);
        r.see(due(moved));
        r.does(Checkin);
        r.rests();
        assert_eq!(r.settled(1), "told");
    }
}

#[test]
fn a_renewal_since_says_that_the_return_was_not_told() {
    let mut r = broken();
    r.hear(online(renewal(2, "main", 200)));
    r.see(due(MOVED));
    r.does(Checkin);
    r.rests();
    assert_eq!((r.settled(1), r.conflict()), ("told", None));
}

#[test]
fn a_loan_since_is_not_ended_by_the_return() {
    let mut r = broken();
    r.see(due(MOVED));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
    r.hear(online(loan(2, "main", 200)));
    r.see(due(MOVED));
    r.rests();
    assert_eq!((r.settled(1), r.conflict()), ("lent-since", None));
}

#[test]
fn the_return_of_a_loan_that_is_over_is_told_unless_another_reader_has_the_item() {
    for charged in [Charged::NotListed, Charged::Listed] {
        let policy = Policy {
            late_and_over: LateAndOver::TellBoth,
            ..Policy::default()
        };
        let mut r = Rehearsal::with(Profile::Koha, policy, all(Ability::Proven));
        r.hear(online(back(1, "main", 200)));
        r.hear(loan(2, "bus", 100));
        r.see(is_in());
        r.does(Checkout);
        assert_eq!(r.ordered().errand.kind(), Checkin);
        r.restart();
        r.see(on_loan(charged));
        if charged == Charged::Listed {
            r.does(Checkin);
        }
        r.rests();
        assert_eq!(r.settled(2), "told-with-return");
    }
}

#[test]
fn an_item_that_is_taken_back_for_a_loan_is_taken_back_whoever_has_it_now() {
    let mut policy = Policy::default();
    let taken_back = (ConflictKind::OutToAnother, Response::ReturnThenLoan);
    policy.responses.extend([taken_back]);
    let mut r = Rehearsal::with(Profile::Generic, policy, all(Ability::Proven));
    r.hear(loan(1, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    assert_eq!(r.ordered().errand.kind(), Checkin);
    r.restart();
    let mut seen = on_loan(Charged::NotListed);
    seen.due = due(MOVED).due;
    r.see(seen);
    r.does(Checkin);
    r.see(is_in());
    r.does(Checkout);
    r.rests();
    assert_eq!(r.settled(1), "told");
}

/// A library system that is told by files from now on, where something may have been told over a
/// line before.
fn told_by_files() -> (Rehearsal, Label) {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    assert_eq!(r.ordered().errand.kind(), Checkout);
    r.restart();
    r.desk.handle_work(Work::Paused);
    (r, label("b1"))
}

#[test]
fn what_may_have_been_told_over_a_line_is_put_before_staff_where_there_is_none_any_more() {
    let (mut r, item) = told_by_files();
    assert_eq!(r.desk.next_outgoing(&item, r.now), None);
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
    assert_eq!(r.desk.next_outgoing(&item, r.now), None);
    r.rule(1, StaffRuling::Force);
    r.rests();
    let number = EntryNumber(1);
    assert_eq!(r.desk.next_outgoing(&item, r.now), Some(number));
    r.desk
        .handle_outgoing(&item, number, Outgoing::Written, r.now);
    r.rests();
    assert_eq!(r.settled(1), "exported");
}
