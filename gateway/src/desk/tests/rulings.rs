//! What staff may have the desk do, and what the desk says beforehand.

use lujiang_wire::LoanKind::{Checkin, Checkout};

use super::rehearsal::{Rehearsal, all, at, back, is_in, loan, on_loan, online, renewal};
use crate::desk::{
    Ability, Answer, Charged, ConflictKind, Effect, Errand, Failure, LateCase, Link, Policy,
    Profile, RulingError, StaffRuling, forecasts,
};

#[test]
fn staff_may_force_a_loan_the_library_system_refuses() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    let order = r.ordered();
    assert!(!order.no_block);
    r.answer(&order, false);
    r.rests();
    r.rule(1, StaffRuling::Force);
    r.see(is_in());
    assert!(r.does(Checkout).no_block, "it is said to have happened");
    r.rests();
    assert_eq!(r.settled(1), "told");
}

#[test]
fn staff_may_force_an_item_from_the_reader_who_has_it() {
    let mut r = Rehearsal::new();
    r.hear(online(loan(1, "main", 200)));
    r.hear(loan(2, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    assert_eq!(r.conflict(), Some("late-while-lent"));
    r.rule(2, StaffRuling::Force);
    r.see(on_loan(Charged::NotListed));
    assert_eq!(r.does(Checkin).errand, Errand::TakeBackFirst);
    r.see(is_in());
    r.does(Checkout);
    r.rests();
    assert_eq!(r.settled(2), "told");
}

#[test]
fn what_may_have_been_done_is_not_forced_twice_if_it_shows() {
    let mut r = Rehearsal::with(Profile::Generic, Policy::default(), all(Ability::Proven));
    r.hear(renewal(1, "bus", 100));
    let mut seen = on_loan(Charged::Listed);
    seen.due = None;
    r.see(seen.clone());
    let order = r.ordered();
    r.desk
        .handle_answer(order.request, Answer::Failed(Failure::broken()), r.now);
    r.see(seen);
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
    r.rule(1, StaffRuling::Force);
    let mut seen = on_loan(Charged::Listed);
    seen.due = Some(at(9_000_000));
    r.see(seen);
    r.rests();
    assert_eq!(r.settled(1), "already-known");
}

#[test]
fn the_dry_run_says_what_will_be_done_and_what_waits() {
    let mut r = Rehearsal::new();
    r.hear(online(back(1, "main", 200)));
    r.hear(loan(2, "bus", 100));
    r.hear(renewal(3, "bus", 110));
    assert!(matches!(r.desk.next_effect(at(0)), Some(Effect::Keep(_))));
    assert!(matches!(r.desk.next_effect(at(0)), Some(Effect::Keep(_))));
    let Some(Effect::Keep(keep)) = r.desk.next_effect(at(0)) else {
        panic!("each fact is kept")
    };
    let policy = Policy::default();
    let abilities = all(Ability::Proven);
    let forecasts = forecasts(&keep.record, Profile::Generic, &policy, &abilities);
    let sentences: Vec<_> = forecasts.iter().map(|forecast| forecast.sentence).collect();
    assert_eq!(
        sentences,
        [
            LateCase::LoanReturnedSince.sentence(&policy),
            "It waits for the fact before it."
        ]
    );
}

/// A loan the library system refused, and staff wants all the same while nobody can be told.
fn forced_while_away() -> Rehearsal {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    let order = r.ordered();
    r.answer(&order, false);
    r.rests();
    r.desk.handle_link(Link::Down, r.now);
    r.rule(1, StaffRuling::Force);
    r
}

#[test]
fn what_is_heard_of_an_item_after_it_was_forced_is_weighed_by_the_rules() {
    let mut r = forced_while_away();
    r.hear(online(back(2, "main", 200)));
    r.hear(online(loan(3, "main", 300)));
    r.desk.handle_link(Link::Up, r.now);
    // Another reader has it by now: it is taken from nobody.
    r.rests();
    assert_eq!((r.settled(1), r.conflict()), ("returned-since", None));
}

#[test]
fn what_was_forced_and_has_been_begun_is_brought_to_its_end() {
    let mut r = Rehearsal::new();
    r.hear(online(loan(1, "main", 200)));
    r.hear(loan(2, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    r.rule(2, StaffRuling::Force);
    r.see(on_loan(Charged::NotListed));
    assert_eq!(r.does(Checkin).errand, Errand::TakeBackFirst);
    // The item was taken from its reader; now a renewal of that loan is heard of.
    r.hear(online(renewal(3, "main", 300)));
    r.see(is_in());
    r.does(Checkout);
    r.rests();
    assert_eq!((r.settled(2), r.conflict()), ("told", None));
}

#[test]
fn a_ruling_is_not_applied_to_a_dispute_about_something_else() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    let ruled = r.rule_about(1, StaffRuling::Force, Some(ConflictKind::ReaderUnknown));
    let other = RulingError::Changed(ConflictKind::OutToAnother);
    assert_eq!(ruled, Err(other));
    r.rests();
    assert_eq!(r.conflict(), Some("on-loan-to-another"));
    r.rule_about(1, StaffRuling::Force, Some(ConflictKind::OutToAnother))
        .unwrap();
    r.see(on_loan(Charged::NotListed));
    assert_eq!(r.does(Checkin).errand, Errand::TakeBackFirst);
}
