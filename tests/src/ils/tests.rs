use jiff::civil::{DateTime, date};
use lujiang_sip2::{
    Checkin, Checkout, CheckoutResponse, CirculationStatus, ItemInformation, PatronInformation,
    Private, Renew, Summary,
};

use super::circulation::local;
use super::*;

#[test]
fn a_loan_is_made_renewed_and_ended_and_the_journal_tells_it() {
    let mut ils = library(Kind::Koha);
    assert!(ils.checkout(&out("R1", "B1"), now()).ok);
    assert!(
        !ils.checkout(&out("R2", "B1"), now()).ok,
        "it is out to another"
    );
    let renewed = ils.renew(&renewal("R1", "B1"), now());
    assert!(renewed.ok && renewed.renewal_ok);
    let back = ils.checkin(&back("B1"), now());
    assert_eq!(
        (back.ok, back.patron_identifier),
        (true, Some(Private::new("R1")))
    );
    assert!(!ils.state().contains_key("B1"));
    let told: Vec<_> = ils
        .journal()
        .entries()
        .iter()
        .map(|entry| entry.no_block)
        .collect();
    assert_eq!(told, [false, false, false]);
    assert!(matches!(
        ils.journal().deeds()[..],
        [
            Deed::Checkout { .. },
            Deed::Renew { .. },
            Deed::Checkin { .. }
        ]
    ));
}

#[test]
fn every_kind_refuses_at_the_desk_what_has_to_be_refused() {
    for kind in [Kind::Koha, Kind::Evergreen, Kind::Generic] {
        let mut ils = library(kind);
        let words: Vec<String> = [
            ("R0", "B1"),
            ("R1", "B0"),
            ("blocked", "B1"),
            ("expired", "B1"),
            ("full", "B1"),
            ("R1", "lost"),
            ("R1", "held"),
            ("R1", "out"),
        ]
        .into_iter()
        .map(|(patron, item)| refusal(ils.checkout(&out(patron, item), now())))
        .collect();
        assert_eq!(
            words,
            [
                "Patron is not known",
                "Item is not known",
                "Patron is blocked",
                "Patron's card has expired",
                "Patron has too many items charged",
                "Item is lost",
                "Item is on hold for another patron",
                "Item is charged to another patron",
            ]
        );
        assert!(
            ils.journal().entries().is_empty(),
            "what is refused is not executed"
        );
        assert!(
            ils.checkout(&out("R2", "held"), now()).ok,
            "who waits for it gets it"
        );
    }
}

#[test]
fn koha_refuses_nothing_that_happened_but_the_unknown_and_returns_what_was_out() {
    let mut ils = library(Kind::Koha);
    for (patron, item) in [("blocked", "B1"), ("expired", "lost"), ("full", "held")] {
        let lent = ils.checkout(&happened(out(patron, item)), now());
        assert!(lent.ok, "{lent:?}");
    }
    assert!(ils.checkout(&happened(out("R1", "out")), now()).ok);
    let happened_at = date(2026, 11, 20).at(15, 0, 0, 0);
    let due = date(2026, 12, 5).at(23, 59, 59, 0);
    assert_eq!(
        ils.journal().of_item("out"),
        [
            Deed::Checkin {
                item: "out".to_owned(),
                patron: Some("R2".to_owned())
            },
            Deed::Checkout {
                item: "out".to_owned(),
                patron: "R1".to_owned(),
                due
            },
        ]
    );
    assert!(
        ils.journal()
            .entries()
            .iter()
            .all(|entry| entry.happened == happened_at)
    );
    assert_eq!(
        ils.state()["out"].due,
        due,
        "it takes the due date it is told"
    );
    for (patron, item) in [("R0", "B2"), ("R1", "B0")] {
        assert!(!ils.checkout(&happened(out(patron, item)), now()).ok);
    }
}

#[test]
fn evergreen_has_no_path_for_what_happened() {
    let mut ils = library(Kind::Evergreen);
    for (patron, item) in [
        ("blocked", "B1"),
        ("R1", "lost"),
        ("R1", "held"),
        ("R1", "out"),
    ] {
        assert!(
            !ils.checkout(&happened(out(patron, item)), now()).ok,
            "{patron} {item}"
        );
    }
    assert!(ils.checkout(&happened(out("R1", "B1")), now()).ok);
    assert_eq!(
        ils.state()["B1"].due,
        date(2026, 12, 20).at(23, 59, 59, 0),
        "its own due date"
    );
}

#[test]
fn a_generic_system_forgives_the_patron_but_not_that_the_item_is_out() {
    let mut ils = library(Kind::Generic);
    assert!(ils.checkout(&happened(out("blocked", "B1")), now()).ok);
    assert!(ils.checkout(&happened(out("R1", "lost")), now()).ok);
    assert!(!ils.checkout(&happened(out("R1", "out")), now()).ok);
    assert_eq!(
        ils.state()["B1"].due,
        date(2026, 12, 20).at(23, 59, 59, 0),
        "its own due date"
    );
}

#[test]
fn a_second_loan_to_the_same_patron_is_a_renewal_where_the_machine_allows_it() {
    let mut ils = library(Kind::Koha);
    assert!(ils.checkout(&out("R1", "B1"), now()).ok);
    assert_eq!(
        refusal(ils.checkout(&out("R1", "B1"), now())),
        "Item is charged to this patron already"
    );
    let again = Checkout {
        sc_renewal_policy: true,
        ..out("R1", "B1")
    };
    for _ in 0..2 {
        assert!(ils.checkout(&again, now()).renewal_ok);
    }
    assert_eq!(
        refusal(ils.checkout(&again, now())),
        "Item was renewed as often as may be"
    );
    assert_eq!(
        ils.state()["B1"].renewals,
        2,
        "a refusal leaves the loan as it was"
    );
}

#[test]
fn nothing_is_renewed_for_somebody_else() {
    let mut ils = library(Kind::Koha);
    assert!(!ils.renew(&renewal("R1", "out"), now()).ok);
    assert!(!ils.renew(&renewal("R1", "B1"), now()).ok);
}

#[test]
fn the_return_of_what_is_not_out_is_told_apart() {
    for (kind, ok) in [
        (Kind::Koha, false),
        (Kind::Evergreen, true),
        (Kind::Generic, true),
    ] {
        let mut ils = library(kind);
        let answer = ils.checkin(&back("B1"), now());
        assert_eq!(answer.ok, ok, "{kind:?}");
        assert_eq!(answer.screen_message, ["Item was not on loan"]);
        assert_eq!(ils.journal().entries().len(), usize::from(ok));
    }
    let mut ils = library(Kind::Evergreen);
    assert!(!ils.checkin(&back("B0"), now()).ok, "an unknown item");
    assert!(
        ils.checkin(&back("held"), now()).alert,
        "somebody waits for it"
    );
}

#[test]
fn patrons_and_items_are_told_unless_the_system_cannot() {
    let mut ils = library(Kind::Koha);
    let asked = PatronInformation {
        summary: Some(Summary::ChargedItems),
        patron_identifier: Private::new("R2"),
        ..PatronInformation::default()
    };
    let told = |ils: &Ils| ils.patron_information(&asked, now());
    assert_eq!(told(&ils).charged_items, ["full1", "out"]);
    assert_eq!(told(&ils).charged_items_count, Some(2));
    let second = PatronInformation {
        start_item: Some(2),
        end_item: Some(2),
        ..asked.clone()
    };
    assert_eq!(
        ils.patron_information(&second, now()).charged_items,
        ["out"]
    );
    ils.habits_mut().charged_items = ChargedItems::Titles;
    assert_eq!(told(&ils).charged_items, ["Full", "Out"]);
    ils.habits_mut().charged_items = ChargedItems::Missing;
    assert!(told(&ils).charged_items.is_empty());
    let item = ItemInformation {
        item_identifier: "out".to_owned(),
        ..ItemInformation::default()
    };
    let where_is = ils.item_information(&item, now());
    assert_eq!(where_is.circulation_status, CirculationStatus::Charged);
    assert_eq!(where_is.due_date.unwrap().as_str(), "20261201    235959");
    ils.habits_mut().tells_items = false;
    let where_is = ils.item_information(&item, now());
    assert_eq!(where_is.circulation_status, CirculationStatus::Other);
    assert!(where_is.due_date.is_none() && where_is.title_identifier.is_empty());
}

fn library(kind: Kind) -> Ils {
    let mut ils = Ils::new(Habits::of(kind));
    for barcode in ["R1", "R2"] {
        ils.add_patron(Patron::new(barcode, "Reader"));
    }
    ils.add_patron(Patron {
        blocked: true,
        ..Patron::new("blocked", "B")
    });
    ils.add_patron(Patron {
        expires: date(2026, 11, 1),
        ..Patron::new("expired", "E")
    });
    ils.add_patron(Patron {
        loans_max: 0,
        ..Patron::new("full", "F")
    });
    for (barcode, title) in [("B1", "One"), ("B2", "Two")] {
        ils.add_item(Item::new(barcode, title));
    }
    ils.add_item(Item {
        lost: true,
        ..Item::new("lost", "Lost")
    });
    ils.add_item(Item {
        holds: vec!["R2".to_owned()],
        ..Item::new("held", "Held")
    });
    for (barcode, title) in [("out", "Out"), ("full1", "Full")] {
        let loan = Loan {
            patron: "R2".to_owned(),
            since: date(2026, 11, 1).at(9, 0, 0, 0),
            due: date(2026, 12, 1).at(23, 59, 59, 0),
            renewals: 0,
        };
        ils.add_item(Item {
            loan: Some(loan),
            ..Item::new(barcode, title)
        });
    }
    ils
}

/// 2026-11-25, ten o'clock in Shanghai.
fn now() -> Timestamp {
    "2026-11-25T02:00:00Z".parse().unwrap()
}

fn out(patron: &str, item: &str) -> Checkout {
    Checkout {
        patron_identifier: Private::new(patron),
        item_identifier: item.to_owned(),
        ..Checkout::default()
    }
}

/// It happened five days ago, and is due in December.
fn happened(checkout: Checkout) -> Checkout {
    let at = |when: DateTime| Some(local(when));
    Checkout {
        no_block: true,
        transaction_date: at(date(2026, 11, 20).at(15, 0, 0, 0)),
        nb_due_date: at(date(2026, 12, 5).at(23, 59, 59, 0)),
        ..checkout
    }
}

fn back(item: &str) -> Checkin {
    Checkin {
        item_identifier: item.to_owned(),
        ..Checkin::default()
    }
}

fn renewal(patron: &str, item: &str) -> Renew {
    Renew {
        patron_identifier: Private::new(patron),
        item_identifier: Some(item.to_owned()),
        ..Renew::default()
    }
}

fn refusal(answer: CheckoutResponse) -> String {
    assert!(!answer.ok);
    answer.screen_message.concat()
}
