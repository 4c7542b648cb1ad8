//! What the library system was asked for on-line and never answered.

use std::time::Duration;

use lujiang_wire::LoanKind::{Checkin, Checkout, Renew};

use super::rehearsal::{
    Rehearsal, all, at, back, due, is_in, loan, on_loan, online, renewal, undo, unsure,
};
use crate::desk::{
    Ability, Charged, Deed, LoanFact, Policy, Profile, RulingError, Sighting, StaffRuling,
    UnmovedDue, forecasts,
};
use crate::entry::EntryNumber;
use crate::ruling::RulingReason;

/// A loan the library system granted, due at second 5,000,000.
fn granted(number: i64, second: i64) -> LoanFact {
    let mut fact = online(loan(number, "desk", second));
    fact.deed = Deed::Checkout {
        due: Some(at(5_000_000)),
    };
    fact
}

#[test]
fn a_renewal_that_shows_in_a_later_due_date_was_done_and_is_no_conflict() {
    let mut r = Rehearsal::new();
    r.hear(granted(1, 100));
    r.hear(unsure(2, 200, Renew));
    r.see(due(7_000_000));
    r.rests();
    assert_eq!((r.settled(2), r.conflict()), ("already-known", None));
}

/// A desk whose library says so much of its dates.
fn dated(unmoved_due: UnmovedDue) -> Rehearsal {
    let policy = Policy {
        unmoved_due,
        ..Policy::default()
    };
    Rehearsal::with(Profile::Generic, policy, all(Ability::Proven))
}

#[test]
fn a_renewal_is_held_where_the_due_date_is_what_it_was_and_nobody_says_it_must_move() {
    for now in [5_000_000, 5_000_000 - 59] {
        let mut r = Rehearsal::new();
        r.hear(granted(1, 100));
        r.hear(unsure(2, 200, Renew));
        r.see(due(now));
        r.rests();
        assert_eq!((r.settled(2), r.conflict()), ("open", Some("unresolved")));
    }
}

#[test]
fn a_renewal_was_not_done_where_the_due_date_is_what_it_was_and_would_have_moved() {
    // A library system may say a day's last minute where another says its last second.
    for now in [5_000_000, 5_000_000 - 59] {
        let month = Duration::from_secs(5_000_000);
        for rule in [UnmovedDue::NotRenewed, UnmovedDue::NotRenewedBefore(month)] {
            let mut r = dated(rule);
            r.hear(granted(1, 100));
            r.hear(unsure(2, 100_000, Renew));
            r.see(due(now));
            r.rests();
            assert_eq!((r.settled(2), r.conflict()), ("not-done", None), "{rule:?}");
        }
    }
}

#[test]
fn a_renewal_on_the_day_of_its_loan_is_held_where_dates_are_days() {
    let mut r = dated(UnmovedDue::NotRenewedBefore(Duration::from_secs(5_000_000)));
    r.hear(granted(1, 100));
    r.hear(unsure(2, 20_000, Renew));
    r.see(due(5_000_000));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
}

#[test]
fn a_renewal_is_held_where_the_item_is_due_sooner_than_before_or_no_date_is_shown() {
    for seen in [
        due(4_000_000),
        Sighting {
            due: None,
            ..due(0)
        },
    ] {
        let mut r = dated(UnmovedDue::NotRenewed);
        r.hear(granted(1, 100));
        r.hear(unsure(2, 200, Renew));
        r.see(seen);
        r.rests();
        assert_eq!(r.conflict(), Some("unresolved"));
    }
}

/// An off-line renewal that was told when the line broke; what is shown then.
fn broken_renewal(rule: UnmovedDue, told: i64, now: Option<i64>) -> Rehearsal {
    let mut r = dated(rule);
    r.hear(renewal(1, "bus", told));
    r.see(on_loan(Charged::Listed));
    let order = r.ordered();
    assert_eq!(order.errand.kind(), Renew);
    r.restart();
    r.see(Sighting {
        due: now.map(at),
        ..on_loan(Charged::Listed)
    });
    r
}

#[test]
fn after_a_break_a_renewal_is_told_again_only_where_the_unmoved_date_shows_it_was_not_done() {
    let month = UnmovedDue::NotRenewedBefore(Duration::from_secs(5_000_000));
    let (before, day) = (5_000_000, 86_400);
    for (rule, renewed) in [(UnmovedDue::NotRenewed, 100), (month, 100_000)] {
        let mut r = broken_renewal(rule, renewed, Some(before));
        r.does(Renew);
        r.rests();
        assert_eq!(r.settled(1), "told", "{rule:?}");
    }
    for (rule, renewed) in [(UnmovedDue::Unclear, 100_000), (month, day / 2)] {
        let mut r = broken_renewal(rule, renewed, Some(before));
        r.rests();
        assert_eq!(r.conflict(), Some("unresolved"), "{rule:?}");
    }
}

#[test]
fn after_a_break_a_later_date_shows_a_renewal_and_an_earlier_or_missing_one_nothing() {
    for rule in [UnmovedDue::Unclear, UnmovedDue::NotRenewed] {
        let mut r = broken_renewal(rule, 100, Some(5_000_001));
        r.rests();
        assert_eq!(r.settled(1), "told");
        for now in [Some(4_999_999), None] {
            let mut r = broken_renewal(rule, 100, now);
            r.rests();
            assert_eq!(r.conflict(), Some("unresolved"), "{now:?}");
        }
    }
}

#[test]
fn a_renewal_of_unknown_fate_is_held_with_its_history_where_nothing_shows_what_came_of_it() {
    let mut r = Rehearsal::new();
    r.hear(unsure(2, 200, Renew));
    r.see(due(7_000_000));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));

    // Of a loan the desk told of itself, the library system set the date, and nobody saw which.
    let mut r = Rehearsal::new();
    r.hear(loan(1, "bus", 100));
    r.see(is_in());
    r.does(Checkout);
    r.hear(unsure(2, 200, Renew));
    r.see(due(7_000_000));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
    let (record, _) = &r.rows[&"b1".parse().unwrap()];
    assert_eq!(record.recent.len(), 1, "its history stands beside it");
}

#[test]
fn the_due_date_of_a_loan_that_ended_tells_nothing_of_the_next() {
    let mut r = Rehearsal::new();
    r.hear(granted(1, 100));
    r.hear(online(back(2, "desk", 150)));
    r.hear(unsure(3, 200, Renew));
    r.see(due(7_000_000));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
}

#[test]
fn a_loan_of_unknown_fate_is_not_done_where_the_item_is_in_and_held_where_it_is_out() {
    let mut r = Rehearsal::new();
    r.hear(unsure(1, 100, Checkout));
    r.see(is_in());
    r.rests();
    assert_eq!(r.settled(1), "not-done");

    let mut r = Rehearsal::new();
    r.hear(unsure(1, 100, Checkout));
    r.see(due(5_000_000));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
}

#[test]
fn a_return_of_unknown_fate_is_known_where_the_item_is_in_and_told_only_if_staff_wants_it() {
    let mut r = Rehearsal::new();
    r.hear(unsure(1, 100, Checkin));
    r.see(is_in());
    r.rests();
    assert_eq!(r.settled(1), "already-known");

    let mut r = Rehearsal::new();
    r.hear(unsure(1, 100, Checkin));
    r.see(due(5_000_000));
    r.rests();
    assert_eq!(r.conflict(), Some("unresolved"));
    r.rule(1, StaffRuling::Force);
    r.see(due(5_000_000));
    r.does(Checkin);
    r.rests();
    assert_eq!(r.settled(1), "told");
}

#[test]
fn what_nobody_knows_is_never_told_and_cannot_be_forced_without_a_reader() {
    for kind in [Checkout, Renew] {
        let mut r = Rehearsal::new();
        r.hear(unsure(1, 100, kind));
        r.see(due(5_000_000));
        r.rests();
        let (record, _) = &r.rows[&"b1".parse().unwrap()];
        let forced = StaffRuling::Force.foresee(record, EntryNumber(1));
        assert_eq!(forced, Err(RulingError::NothingToForce));
        r.rule(1, StaffRuling::Retry);
        r.see(due(5_000_000));
        r.rests();
        let reason = RulingReason::new("seen in the library system").unwrap();
        r.rule(1, StaffRuling::Dismiss(reason));
        r.rests();
        assert_eq!((r.settled(1), r.conflict()), ("dismissed", None));
    }
}

#[test]
fn what_came_after_it_ends_the_doubt() {
    for later in [
        online(back(2, "gate", 300)),
        online(renewal(2, "gate", 300)),
        granted(2, 300),
    ] {
        let mut r = Rehearsal::new();
        r.hear(unsure(1, 100, Renew));
        r.see(due(5_000_000));
        r.rests();
        r.hear(later);
        r.rests();
        assert_ne!(r.settled(1), "open");
        assert_eq!(r.conflict(), None);
    }
}

#[test]
fn an_off_line_return_ends_the_doubt_and_is_told() {
    let mut r = Rehearsal::new();
    r.hear(unsure(1, 100, Renew));
    r.see(due(5_000_000));
    r.rests();
    r.hear(back(2, "bus", 300));
    r.see(due(5_000_000));
    r.see(on_loan(Charged::NotListed));
    r.does(Checkin);
    r.rests();
    assert_eq!((r.settled(1), r.settled(2)), ("moot", "told"));
}

#[test]
fn a_doubtful_return_ends_no_dispute() {
    let mut r = Rehearsal::new();
    r.hear(unsure(1, 100, Renew));
    r.hear(unsure(2, 200, Checkin));
    r.see(due(5_000_000));
    r.rests();
    assert_eq!((r.settled(1), r.conflict()), ("open", Some("unresolved")));
}

#[test]
fn as_long_as_nothing_is_known_of_the_library_system_it_is_asked_again() {
    let policy = Policy::default();
    let mut r = Rehearsal::with(Profile::Generic, policy.clone(), all(Ability::Unproven));
    r.hear(unsure(1, 100, Renew));
    let (record, _) = {
        r.see(due(5_000_000));
        r.see(due(5_000_000));
        &r.rows[&"b1".parse().unwrap()]
    };
    let foreseen = forecasts(record, Profile::Generic, &policy, &all(Ability::Unproven));
    assert!(foreseen[0].sentence.contains("tried again"));
}

#[test]
fn a_loan_that_is_undone_needs_no_look_at_a_doubtful_one() {
    let mut r = Rehearsal::new();
    r.hear(unsure(1, 100, Checkin));
    r.hear(loan(2, "bus", 200));
    r.hear(undo(3, "bus", 200, Checkout));
    r.see(is_in());
    r.rests();
    assert_eq!(
        (r.settled(1), r.settled(2), r.settled(3)),
        ("already-known", "undone", "undone")
    );
}
