//! One claim at a time: asking, telling, breaks and disputes.

use jiff::SignedDuration;
use lujiang_wire::LoanKind::{Checkin, Checkout, Renew};

use super::rehearsal::{Rehearsal, Want, all, at, back, is_in, label, loan, on_loan, renewal};
use crate::desk::{
    Ability, Answer, Charged, ConflictKind, Effect, Errand, Failure, Link, LoanFact, Policy,
    Profile, ReaderStanding, Response, StaffRuling, Work,
};

#[test]
fn a_loan_is_asked_about_told_once_and_settled() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    let order = r.does(Checkout);
    assert_eq!(order.happened, at(100));
    r.rests();
    assert_eq!(r.settled(1), "told");
    assert_eq!(
        r.desk.items(),
        0,
        "an item with nothing open is not in memory"
    );
}

#[test]
fn an_entry_that_comes_again_is_not_taken_in_again() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    r.rests();
    r.hear(loan(1, "bus", 100));
    r.rests();
    assert_eq!(r.desk.items(), 0);
}

#[test]
fn after_a_break_the_desk_asks_and_never_sends_blindly() {
    for was_done in [true, false] {
        let mut r = Rehearsal::new();
        r.hear(loan(1, "bus", 100));
        r.see(is_in());
        let order = r.ordered();
        if was_done {
            r.desk
                .handle_answer(order.request, Answer::Failed(Failure::broken()), r.now);
        } else {
            r.restart();
        }
        match was_done {
            true => r.see(on_loan(Charged::Listed)),
            false => {
                r.see(is_in());
                r.does(Checkout);
            }
        }
        r.rests();
        assert_eq!(r.settled(1), "told");
    }
}

#[test]
fn what_a_library_system_cannot_show_is_unresolved_and_held() {
    let mut r = Rehearsal::with(Profile::Generic, Policy::default(), all(Ability::Lacking));
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.ordered();
    r.restart();
    r.see(on_loan(Charged::Withheld));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
    r.rule(1, StaffRuling::Force);
    r.see(on_loan(Charged::Withheld));
}

#[test]
fn the_first_loans_prove_what_the_library_system_can_show_and_two_that_it_cannot() {
    let mut r = Rehearsal::with(Profile::Generic, Policy::default(), all(Ability::Unproven));
    for (number, item) in [(1, "b1"), (2, "b2")] {
        assert!(r.desk.abilities().are_unproven());
        r.hear(LoanFact {
            item: label(item),
            ..loan(number, "bus", 100 + number)
        });
        r.see(is_in());
        r.does(Checkout);
        r.see(on_loan(Charged::Withheld));
        r.rests();
        assert_eq!(r.settled(number), "told");
        assert_eq!(r.desk.abilities().circulation, Ability::Proven);
    }
    assert_eq!(r.desk.abilities().charged_items, Ability::Lacking);
}

#[test]
fn what_a_library_system_showed_before_an_upgrade_is_not_believed_after_it() {
    let mut r = Rehearsal::new();
    r.desk.handle_other_answers();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.ordered();
    assert_eq!(r.abilities(), all(Ability::Unproven), "it is kept");
    r.restart();
    // It may not show loans any more: this one may be done, and is not told again.
    r.see(is_in());
    r.hear(LoanFact {
        item: label("b2"),
        ..loan(2, "bus", 200)
    });
    r.see(is_in());
    assert_eq!(r.does(Checkout).item, label("b2"));
    r.see(on_loan(Charged::Listed));
    r.see(is_in());
    assert_eq!(r.does(Checkout).item, label("b1"));
    let known = r.abilities();
    assert_eq!(known, all(Ability::Proven), "it is found out anew");
}

#[test]
fn a_first_loan_that_was_brought_back_before_the_desk_looked_says_nothing_for_good() {
    let mut r = Rehearsal::with(Profile::Generic, Policy::default(), all(Ability::Unproven));
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    r.see(is_in());
    r.rests();
    assert_eq!(r.settled(1), "told");
    r.hear(LoanFact {
        item: label("b2"),
        ..loan(2, "bus", 200)
    });
    r.see(is_in());
    r.does(Checkout);
    r.see(on_loan(Charged::Listed));
    r.rests();
    assert_eq!(r.desk.abilities(), all(Ability::Proven));
}

#[test]
fn a_loan_the_library_system_did_before_it_fell_silent_is_known_and_no_conflict() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "main", 100));
    r.see(on_loan(Charged::Listed));
    r.rests();
    assert_eq!(r.settled(1), "already-known");
}

#[test]
fn an_item_out_to_another_is_held_or_returned_then_lent_by_policy() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    assert_eq!(r.conflict(), Some("on-loan-to-another"));

    let mut policy = Policy::default();
    policy
        .responses
        .insert(ConflictKind::OutToAnother, Response::ReturnThenLoan);
    let mut r = Rehearsal::with(Profile::Evergreen, policy.clone(), all(Ability::Proven));
    r.hear(loan(1, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    assert_eq!(r.does(Checkin).errand, Errand::TakeBackFirst);
    r.see(is_in());
    r.does(Checkout);
    r.rests();
    assert_eq!(r.settled(1), "told");

    let mut r = Rehearsal::with(Profile::Koha, policy, all(Ability::Proven));
    r.hear(loan(1, "bus", 100));
    r.see(on_loan(Charged::NotListed));
    assert!(r.does(Checkout).no_block, "Koha takes it back itself");
}

#[test]
fn a_conflict_holds_back_its_item_until_it_is_dismissed_or_the_return_between_is_heard() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.hear(renewal(2, "bus", 200));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("open", "open"));
    assert_eq!(r.desk.items(), 0, "what is held is not in memory");
    r.hear(back(3, "south", 50));
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.see(is_in());
    r.does(Checkout);
    r.see(on_loan(Charged::Listed));
    r.does(Renew);
    r.rests();
    assert_eq!(
        (r.settled(1), r.settled(2), r.settled(3)),
        ("told", "told", "told")
    );

    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.hear(back(2, "bus", 200));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    let reason = crate::ruling::RulingReason::new("书在架上").unwrap();
    r.rule(1, StaffRuling::Dismiss(reason));
    r.see(is_in());
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("dismissed", "already-known"));
}

#[test]
fn a_dispute_about_a_loan_that_is_over_by_what_is_at_hand_is_moot() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    let order = r.ordered();
    r.answer(&order, false);
    r.rests();
    assert_eq!(r.conflict(), Some("refused"));
    r.hear(back(2, "bus", 200));
    r.see(is_in());
    let order = r.ordered();
    r.answer(&order, false);
    r.see(is_in());
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("moot", "already-known"));
}

#[test]
fn an_unknown_reader_is_tried_again_later_and_then_held() {
    let mut policy = Policy::default();
    policy.back_off.tries_max = 2;
    let mut r = Rehearsal::with(Profile::Koha, policy, all(Ability::Proven));
    r.hear(loan(1, "bus", 100));
    let mut seen = is_in();
    seen.reader.as_mut().unwrap().standing = ReaderStanding::Unknown;
    for _ in 0..3 {
        let before = r.now;
        r.see(seen.clone());
        assert!(r.now.duration_since(before) >= SignedDuration::from_secs(30));
    }
    r.rests();
    assert_eq!(r.conflict(), Some("reader-unknown"));
}

#[test]
fn an_erased_reader_holds_the_loan_and_a_done_one_does_not_need_a_reader() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    let Want::Asked(question) = r.want() else {
        panic!("expected a question")
    };
    r.desk
        .handle_answer(question.request, Answer::NoReader, r.now);
    r.rests();
    assert_eq!(r.conflict(), Some("reader-erased"));

    let mut r = Rehearsal::with(Profile::Generic, Policy::default(), all(Ability::Unproven));
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    let Want::Asked(question) = r.want() else {
        panic!("expected a question")
    };
    r.desk
        .handle_answer(question.request, Answer::NoReader, r.now);
    r.rests();
    assert_eq!(r.settled(1), "told");
}

#[test]
fn nothing_is_asked_while_staff_has_paused_the_desk_or_the_library_system_is_away() {
    let mut r = Rehearsal::new();
    r.desk.handle_work(Work::Paused);
    r.hear(loan(1, "bus", 100));
    r.rests();
    r.desk.handle_work(Work::Going);
    r.desk.handle_link(Link::Down, r.now);
    r.rests();
    r.desk.handle_link(Link::Up, r.now);
    r.see(is_in());
    r.does(Checkout);
}

#[test]
fn a_later_loan_the_library_system_made_before_it_fell_silent_is_sought_before_there_is_a_dispute()
{
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.hear(back(2, "bus", 150));
    r.hear(loan(3, "main", 200));
    r.see(on_loan(Charged::NotListed));
    r.see(on_loan(Charged::Listed));
    r.see(on_loan(Charged::NotListed));
    r.rests();
    assert_eq!(r.settled(3), "already-known");
    assert_eq!((r.settled(1), r.settled(2)), ("moot", "lent-since"));
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_waiting_for_a_time_to_come() {
    let mut r = Rehearsal::new();
    let ahead = 86_400 * 3_650;
    r.now = at(1_000_000 + ahead);
    // Something was just said, an item is heard of, another waits to be tried again.
    r.hear(LoanFact {
        item: label("b2"),
        ..loan(1, "bus", 100)
    });
    r.see(is_in());
    r.does(Checkout);
    r.hear(loan(2, "bus", 200));
    r.hear(LoanFact {
        item: label("b3"),
        ..loan(3, "bus", 300)
    });
    r.now = at(1_000_000);
    let asked = loop {
        match r.desk.next_effect(r.now) {
            Some(Effect::Ask(question)) => break question,
            Some(kept) => assert!(r.keeps(kept)),
            None => panic!("a question at once"),
        }
    };
    assert_eq!(asked.item, label("b1"));
    // It goes on no faster than it would have.
    let seen = Answer::Seen(on_loan(Charged::Listed));
    r.desk.handle_answer(asked.request, seen, r.now);
    while let Some(effect) = r.desk.next_effect(r.now) {
        assert!(r.keeps(effect), "the library system has its pause");
    }
    let pause = SignedDuration::try_from(Policy::default().request_interval).unwrap();
    assert_eq!(r.desk.next_wake(), Some(r.now + pause));
}

#[test]
fn what_waits_behind_a_dispute_is_bounded() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 1));
    r.see(on_loan(Charged::NotListed));
    for turn in 1..200 {
        r.hear(loan(2 * turn, "bus", 10 * turn));
        r.hear(back(2 * turn + 1, "bus", 10 * turn + 5));
        while r
            .desk
            .next_effect(r.now)
            .is_some_and(|effect| r.keeps(effect))
        {}
    }
    let (record, _) = &r.rows[&label("b1")];
    assert!(record.open.len() <= 201, "{}", record.open.len());
    r.see(is_in());
    r.want();
    assert_eq!(r.settled(1), "returned-since");
}
