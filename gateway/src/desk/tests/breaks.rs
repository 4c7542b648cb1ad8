//! Questions that find no answer: one item's fault holds back that item only, and a line that is
//! down for everybody makes no disputes.

use std::collections::BTreeMap;

use lujiang_wire::Label;
use lujiang_wire::LoanKind::{Checkout, Renew};

use super::rehearsal::{Rehearsal, Want, all, back, is_in, label, loan, on_loan, renewal};
use crate::desk::{
    Ability, Answer, Charged, Failure, FailureKind, Link, LoanFact, Policy, Profile, Words,
};

/// The item nothing is answered about; it has the oldest fact.
const ODD: &str = "b1";

fn of(item: &str, fact: LoanFact) -> LoanFact {
    LoanFact {
        item: label(item),
        ..fact
    }
}

fn failed(kind: FailureKind) -> Answer {
    let words = Words::new("the library system closed the connection");
    Answer::Failed(Failure { kind, words })
}

/// Answers what the desk wants, so many times at most, except questions for the odd item, which
/// fail so; says how often those were asked.
fn answer(r: &mut Rehearsal, kind: FailureKind, wants_max: usize) -> usize {
    let mut asked = 0;
    for _ in 0..wants_max {
        match r.want() {
            Want::Asked(question) if question.item == label(ODD) => {
                asked += 1;
                r.desk.handle_answer(question.request, failed(kind), r.now);
            }
            Want::Asked(question) => {
                let seen = Answer::Seen(is_in());
                r.desk.handle_answer(question.request, seen, r.now);
            }
            Want::Ordered(order) => r.answer(&order, true),
            Want::Nothing => break,
        }
    }
    asked
}

fn words(r: &Rehearsal) -> String {
    let (record, _) = &r.rows[&label(ODD)];
    let (_, conflict) = record.conflict().unwrap();
    conflict.words.as_ref().unwrap().as_str().to_owned()
}

#[test]
fn an_item_whose_questions_always_break_holds_back_nothing_else_and_is_disputed_in_the_end() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    for number in 2..20 {
        let item = format!("c{number}");
        r.hear(of(&item, loan(number, "bus", 100 + number)));
    }
    // The first asks of all, and each of the others is told at once.
    answer(&mut r, FailureKind::Broken, 60);
    assert!((2..20).all(|number| r.settled(number) == "told"));
    assert_eq!((r.settled(1), r.conflict()), ("open", None));

    // Others come and are answered: it is this item.
    for number in 20..40 {
        let item = format!("c{number}");
        r.hear(of(&item, loan(number, "bus", 100 + number)));
        answer(&mut r, FailureKind::Broken, 8);
    }
    assert!((20..40).all(|number| r.settled(number) == "told"));
    assert_eq!((r.settled(1), r.conflict()), ("open", Some("unresolved")));
    assert!(words(&r).contains("closed the connection"), "{}", words(&r));
    r.rests();
}

#[test]
fn what_can_never_be_written_is_disputed_at_once() {
    for ability in [Ability::Proven, Ability::Unproven] {
        let mut r = Rehearsal::with(Profile::Generic, Policy::default(), all(ability));
        r.hear(loan(1, "bus", 100));
        assert_eq!(answer(&mut r, FailureKind::Unwritable, 9), 1);
        assert_eq!(r.conflict(), Some("unresolved"));
        r.rests();
    }
}

#[test]
fn what_is_answered_with_something_else_is_disputed_once_others_are_answered_on_that_line() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    assert_eq!(answer(&mut r, FailureKind::Unmatched, 5), 5);
    assert_eq!(r.conflict(), None, "it may be the line");
    r.hear(of("c2", loan(2, "bus", 102)));
    assert_eq!(answer(&mut r, FailureKind::Unmatched, 9), 1);
    assert_eq!((r.settled(2), r.conflict()), ("told", Some("unresolved")));

    let mut r = Rehearsal::new();
    r.hear(of("c2", loan(2, "bus", 50)));
    r.see(is_in());
    r.does(Checkout);
    r.desk.handle_link(Link::Down, r.now);
    r.desk.handle_link(Link::Up, r.now);
    r.hear(loan(1, "bus", 100));
    assert_eq!(answer(&mut r, FailureKind::Unmatched, 5), 5);
    assert_eq!(r.conflict(), None, "nothing was answered on this line");
}

#[test]
fn a_line_that_is_down_for_everybody_makes_no_disputes_however_long() {
    let mut r = Rehearsal::new();
    for number in 1..6 {
        let item = format!("b{number}");
        r.hear(of(&item, loan(number, "bus", 100 + number)));
    }
    let mut asked: BTreeMap<Label, u32> = BTreeMap::new();
    for _ in 0..200 {
        let Want::Asked(question) = r.want() else {
            panic!("expected a question")
        };
        *asked.entry(question.item).or_default() += 1;
        let broken = failed(FailureKind::Broken);
        r.desk.handle_answer(question.request, broken, r.now);
        r.desk.handle_link(Link::Down, r.now);
        r.desk.handle_link(Link::Up, r.now);
    }
    assert!(
        asked.len() == 5 && asked.values().all(|times| *times > 20),
        "{asked:?}"
    );
    assert!(
        r.rows
            .values()
            .all(|(record, _)| record.conflict().is_none())
    );
    // It answers again: all is told.
    for _ in 0..5 {
        r.see(is_in());
        r.does(Checkout);
    }
    r.rests();
    assert!((1..6).all(|number| r.settled(number) == "told"));
}

#[test]
fn an_item_that_is_alone_and_never_answered_about_is_in_front_of_staff_after_hours() {
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    let mut first = None;
    for _ in 0..100 {
        let Want::Asked(question) = r.want() else {
            break;
        };
        first.get_or_insert(r.now);
        let broken = failed(FailureKind::Broken);
        r.desk.handle_answer(question.request, broken, r.now);
        r.desk.handle_link(Link::Down, r.now);
        r.desk.handle_link(Link::Up, r.now);
    }
    r.rests();
    assert_eq!((r.settled(1), r.conflict()), ("open", Some("unresolved")));
    let waited = r.now.duration_since(first.unwrap()).as_hours();
    assert!((1..12).contains(&waited), "{waited} hours");
    assert!(words(&r).contains("closed the connection"), "{}", words(&r));
}

#[test]
fn a_loan_that_is_told_is_told_even_if_the_look_at_it_never_finds_an_answer() {
    let mut r = Rehearsal::with(Profile::Generic, Policy::default(), all(Ability::Unproven));
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    assert_eq!(answer(&mut r, FailureKind::Unmatched, 9), 1);
    r.rests();
    assert_eq!((r.settled(1), r.conflict()), ("told", None));
}

#[test]
fn what_was_disputed_before_an_earlier_loan_was_told_is_looked_at_anew() {
    let mut r = Rehearsal::new();
    r.hear(renewal(1, "main", 200));
    r.see(on_loan(Charged::Listed));
    r.ordered();
    r.restart();
    r.hear(loan(2, "bus", 100));
    // It came back meanwhile, and the renewal was never done.
    r.see(is_in());
    r.see(is_in());
    r.does(Checkout);
    r.see(on_loan(Charged::Listed));
    r.does(Renew);
    r.rests();
    assert_eq!((r.settled(2), r.settled(1)), ("told", "told"));
}

#[test]
fn a_later_loan_that_cannot_be_asked_about_is_sought_once() {
    for answered in [failed(FailureKind::Unwritable), Answer::NoReader] {
        let mut r = Rehearsal::new();
        r.hear(loan(1, "bus", 100));
        r.hear(back(2, "bus", 150));
        r.hear(loan(3, "main", 200));
        r.see(on_loan(Charged::NotListed));
        let Want::Asked(question) = r.want() else {
            panic!("expected a question")
        };
        assert_eq!(question.fact.0, 3);
        r.desk.handle_answer(question.request, answered, r.now);
        r.see(on_loan(Charged::NotListed));
        r.rests();
        assert_eq!(r.conflict(), Some("on-loan-to-another"));
    }
}
