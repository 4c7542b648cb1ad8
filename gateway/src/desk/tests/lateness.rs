//! Which of two facts came first, and what comes of those heard too late.

use lujiang_wire::LoanKind::{Checkin, Checkout, Renew};

use super::rehearsal::{
    Rehearsal, all, at, back, fact, is_in, label, loan, on_loan, online, renewal,
};
use crate::desk::{
    Ability, Charged, Deed, LateAndOver, LateWhileLent, Outgoing, Policy, Profile, RulingError,
    StaffRuling, When, Work,
};
use crate::entry::EntryNumber;

#[test]
fn a_return_on_the_bus_comes_before_the_next_loan_elsewhere_whichever_is_heard_first() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "main", 200));
    r.hear(back(2, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.see(is_in());
    r.does(Checkout);
    r.rests();
    assert_eq!((r.settled(2), r.settled(1)), ("told", "told"));
}

#[test]
fn late_news_of_a_loan_that_is_over_counts_or_is_told_with_its_return() {
    let mut r = Rehearsal::new();
    r.hear(online(back(1, "main", 200)));
    r.hear(loan(2, "bus", 100));
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("on-line", "returned-since"));

    let policy = Policy {
        late_and_over: LateAndOver::TellBoth,
        ..Policy::default()
    };
    let mut r = Rehearsal::with(Profile::Koha, policy, all(Ability::Proven));
    r.hear(online(back(1, "main", 200)));
    r.hear(loan(2, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    assert_eq!(r.does(Checkin).happened, at(200));
    r.rests();
    assert_eq!(r.settled(2), "told-with-return");
}

/// A loan that was about to be told when the line broke; since then it was brought back and lent
/// again on-line.
fn overtaken(policy: LateAndOver) -> Rehearsal {
    let policy = Policy {
        late_and_over: policy,
        ..Policy::default()
    };
    let mut r = Rehearsal::with(Profile::Koha, policy, all(Ability::Proven));
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    assert_eq!(r.ordered().errand.kind(), Checkout);
    r.restart();
    r
}

#[test]
fn a_loan_that_came_after_a_late_one_is_not_ended_with_it() {
    for policy in [LateAndOver::Count, LateAndOver::TellBoth] {
        let mut r = overtaken(policy);
        r.hear(online(back(2, "main", 200)));
        r.hear(online(loan(3, "main", 300)));
        // It is shown with the reader: of the loan that came after it, or of both.
        r.see(on_loan(Charged::Listed));
        r.rests();
        assert_eq!((r.settled(1), r.conflict()), ("returned-since", None));
    }
}

#[test]
fn a_late_loan_that_was_not_done_and_came_back_since_is_no_dispute() {
    let mut r = overtaken(LateAndOver::Count);
    r.hear(online(loan(2, "main", 300)));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    assert_eq!(r.conflict(), Some("late-while-lent"), "as far as is known");
    r.hear(back(3, "south", 200));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    assert_eq!((r.settled(1), r.conflict()), ("moot", None));
}

#[test]
fn late_news_of_a_loan_while_the_item_is_lent_is_held_or_over_by_policy() {
    for (policy, settled) in [
        (LateWhileLent::Hold, "open"),
        (LateWhileLent::Count, "lent-since"),
    ] {
        let policy = Policy {
            late_while_lent: policy,
            ..Policy::default()
        };
        let mut r = Rehearsal::with(Profile::Generic, policy, all(Ability::Proven));
        r.hear(online(loan(1, "main", 200)));
        r.hear(loan(2, "bus", 100));
        r.see(on_loan(Charged::NotListed));
        r.rests();
        assert_eq!(r.settled(2), settled);
    }
    for (seen, settled) in [
        (on_loan(Charged::Listed), "already-known"),
        (is_in(), "gone-since"),
    ] {
        let mut r = Rehearsal::new();
        r.hear(online(loan(1, "main", 200)));
        r.hear(loan(2, "bus", 100));
        r.see(seen);
        r.rests();
        assert_eq!(r.settled(2), settled);
    }
}

#[test]
fn a_late_return_does_not_take_the_item_from_who_has_it_since() {
    let mut r = Rehearsal::new();
    r.hear(online(loan(1, "main", 200)));
    r.hear(back(2, "bus", 100));
    r.rests();
    assert_eq!(r.settled(2), "lent-since");
    // And it is when the loan before it was over.
    r.hear(loan(3, "south", 50));
    r.rests();
    assert_eq!(r.settled(3), "returned-since");
}

#[test]
fn a_return_before_a_renewal_on_paper_is_taken_back_and_renewals_too_late_are_history() {
    let mut r = Rehearsal::new();
    r.hear(online(renewal(1, "web", 200)));
    r.hear(back(2, "bus", 100));
    r.hear(renewal(3, "bus", 90));
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.rests();
    assert_eq!((r.settled(2), r.settled(3)), ("told", "renewed-since"));
}

#[test]
fn an_undated_fact_whose_order_matters_is_held() {
    let mut r = Rehearsal::new();
    r.hear(online(back(1, "main", 200)));
    let mut undated = loan(2, "bus", 150);
    undated.happening.when = When::undated(Some(at(100)), at(300));
    r.hear(undated);
    r.rests();
    assert_eq!(r.conflict(), Some("order-unclear"));
    r.hear(online(back(3, "main", 301)));
    r.rests();
    assert_eq!(r.settled(2), "returned-since");
}

#[test]
fn of_two_renewals_of_unknown_order_the_shorter_does_not_shorten_the_longer() {
    let undated = |number| {
        let mut renewal = renewal(number, "bus", 150);
        renewal.happening.when = When::undated(Some(at(120)), at(900));
        renewal
    };
    let dated = |number| renewal(number, "main", 300);
    for (first, second, is_longer) in [(dated(2), undated(3), false), (undated(2), dated(3), true)]
    {
        let mut r = Rehearsal::new();
        r.hear(online(loan(1, "main", 100)));
        r.hear(first);
        r.see(on_loan(Charged::Listed));
        r.does(Renew);
        r.hear(second);
        if is_longer {
            r.see(on_loan(Charged::Listed));
            r.does(Renew);
        }
        r.rests();
        let expected = if is_longer { "told" } else { "renewed-since" };
        assert_eq!((r.settled(2), r.settled(3)), ("told", expected));
    }
}

#[test]
fn an_online_return_heard_after_the_earlier_loan_was_told_is_told_again() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    r.hear(online(back(2, "main", 200)));
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.rests();
    assert_eq!(r.settled(2), "told");
}

#[test]
fn what_may_have_been_sent_comes_before_an_earlier_fact() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 200));
    r.see(is_in());
    r.ordered();
    r.hear(fact(2, "main", 100, Deed::Checkin));
    r.restart();
    // The entry was not kept before the crash: it comes again.
    r.hear(fact(2, "main", 100, Deed::Checkin));
    r.see(on_loan(Charged::Listed));
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("told", "lent-since"));
}

#[test]
fn an_online_loan_that_a_belated_return_has_ended_is_put_before_staff() {
    let mut r = Rehearsal::new();
    r.hear(back(1, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.hear(online(loan(2, "main", 200)));
    r.see(is_in());
    r.rests();
    assert_eq!(r.conflict(), Some("overtaken"));
    let number = EntryNumber(2);
    let (record, _) = &r.rows[&label("b1")];
    let forced = StaffRuling::Force.foresee(record, number);
    assert_eq!(forced, Err(RulingError::NothingToForce));
}

#[test]
fn a_loan_told_after_its_online_renewal_is_told_until_the_renewed_date() {
    let mut r = Rehearsal::new();
    // The reader had it from an earlier loan, and renewed on-line what the desk had yet to tell.
    r.hear(online(renewal(1, "web", 200)));
    r.hear(back(2, "main", 90));
    r.hear(loan(3, "bus", 100));
    r.see(on_loan(Charged::Listed));
    r.does(Checkin);
    r.see(is_in());
    assert_eq!(r.does(Checkout).due, renewal(1, "web", 200).deed.due());
    r.rests();
    assert_eq!((r.settled(2), r.settled(3)), ("told", "told"));
}

#[test]
fn an_online_renewal_heard_after_its_loan_was_told_is_compared_with_what_the_loan_lasts() {
    for (due, settled) in [(at(6_000_200), "on-line"), (at(2_000_100), "open")] {
        let mut r = Rehearsal::new();
        r.hear(loan(1, "bus", 100));
        r.see(is_in());
        r.does(Checkout);
        r.hear(online(renewal(2, "web", 200)));
        let mut seen = on_loan(Charged::NotListed);
        seen.due = Some(due);
        r.see(seen);
        r.rests();
        assert_eq!(r.settled(2), settled);
        assert_eq!(r.conflict().is_some(), settled == "open");
    }
}

#[test]
fn an_online_renewal_of_what_has_come_back_since_is_history() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    r.hear(online(renewal(2, "web", 200)));
    r.see(is_in());
    r.rests();
    assert_eq!(r.settled(2), "gone-since");
}

#[test]
fn a_return_from_before_a_loan_that_went_out_in_a_file_goes_out_in_none() {
    let mut r = Rehearsal::new();
    r.desk.handle_work(Work::Paused);
    let item = label("b1");
    r.hear(loan(1, "bus", 200));
    let number = EntryNumber(1);
    assert_eq!(r.desk.next_outgoing(&item, r.now), Some(number));
    r.desk
        .handle_outgoing(&item, number, Outgoing::Written, r.now);
    r.rests();
    r.hear(back(2, "main", 100));
    assert_eq!(r.desk.next_outgoing(&item, r.now), None);
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("exported", "lent-since"));
}
