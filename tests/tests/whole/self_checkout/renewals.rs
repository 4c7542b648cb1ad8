//! Renewals whose answer was lost, and what the desk makes of them.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_nobody_answered_is_known_by_a_later_date_and_otherwise_held_for_staff() {
    let told = renewals_nobody_answered(RenewalBase::DueDate, "").await;
    assert_eq!(
        told,
        [
            "renew B000001 already-known",
            "renew B000002 unresolved",
            "renew B000003 unresolved",
        ]
    );
    // Renewed to the date it has: nothing shows which of the two was done.
    let told = renewals_nobody_answered(RenewalBase::Today, "").await;
    assert_eq!(
        told,
        [
            "renew B000001 unresolved",
            "renew B000002 unresolved",
            "renew B000003 unresolved",
        ]
    );
    // Where the library says that its dates always move, an unmoved one is an answer.
    let moves = "unmoved_due = \"not-renewed\"";
    let told = renewals_nobody_answered(RenewalBase::DueDate, moves).await;
    assert_eq!(
        told,
        [
            "renew B000001 already-known",
            "renew B000002 not-done",
            "renew B000003 unresolved",
        ]
    );
}

/// What the desk makes of three renewals whose answer was lost: one that was done, one that was
/// not, and one of a loan it never heard of; of them all, the library system did the first, once.
async fn renewals_nobody_answered(renewal_base: RenewalBase, more: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut system = ils();
    system.habits_mut().renewal_base = renewal_base;
    let mut house = LoanHouse::open(folder.path(), system, "koha", more)
        .await
        .unwrap();
    let added = house.library.add_device("desk-1", "self-checkout", "main");
    let issued = added.await.unwrap();
    let enrolling = SelfCheckout::enrolled(&house.library, &issued, house.ils.addr, "[lending]");
    let mut desk = enrolling.await.unwrap();
    desk.start().unwrap();
    let mut machine = desk.machine(Profile::default()).await.unwrap();
    for item in ["B000001", "B000002"] {
        assert!(checkout(&mut machine, READER, item).await.ok);
    }
    // This one it lends at its own counter: until when, the desk never heard.
    let at_counter = loan(READER, "B000003").into();
    house.ils.ils().answer(&at_counter, jiff::Timestamp::now());

    // An off-line loan, first: it shows the desk what the library system can answer.
    house.ils.stop().await;
    desk.is_served(false).await.unwrap();
    assert!(checkout(&mut machine, OTHER, "B000009").await.ok);
    house.ils.restart().await.unwrap();
    desk.is_served(true).await.unwrap();
    house.outcomes(1).await.unwrap();

    for (number, (item, fault)) in [
        ("B000001", Fault::DropAfter),
        ("B000002", Fault::DropBefore),
        ("B000003", Fault::DropBefore),
    ]
    .into_iter()
    .enumerate()
    {
        desk.is_served(true).await.unwrap();
        house.ils.set_fault_of("29", fault);
        // A relay that has not its line again yet answers by itself, and nobody hears of it.
        until("the renewal to get there", PATIENCE, async || {
            assert!(!renew(&mut machine, READER, item).await.ok, "nobody knows");
            anyhow::ensure!(!house.ils.awaits_fault(), "the relay answered");
            Ok(())
        })
        .await
        .unwrap();
        house.outcomes(number + 2).await.unwrap();
    }
    let outcomes = house.outcomes(4).await.unwrap().split_off(1);
    are_in_front_of_staff(&house, &outcomes).await;
    let renewed = house.executed().into_iter();
    let renewed: Vec<_> = renewed.filter(|deed| deed.starts_with("renew")).collect();
    assert_eq!(renewed, [format!("renew B000001 {READER}")]);

    desk.stop().await.unwrap();
    house.ils.stop().await;
    house.library.stop().await.unwrap();
    holds_no_reader(folder.path(), &mut 0);
    outcomes
}

/// What is unresolved is on the list of conflicts with its history; staff can dismiss it, and
/// cannot have it told: nobody knows the reader.
async fn are_in_front_of_staff(house: &LoanHouse, outcomes: &[String]) {
    let page = house.library.get("/api/v1/conflicts").await.unwrap();
    let conflicts = page["conflicts"].as_array().unwrap();
    let unresolved = outcomes.iter().filter(|told| told.ends_with("unresolved"));
    assert_eq!(conflicts.len(), unresolved.count(), "{page}");
    for conflict in conflicts {
        assert_eq!(conflict["kind"], "unresolved");
        assert!(!conflict["history"].as_array().unwrap().is_empty());
        assert!(conflict["rulings"]["force"].is_null(), "{conflict}");
        assert!(conflict["rulings"]["dismiss"].is_string(), "{conflict}");
    }
}

async fn renew(machine: &mut Machine, reader: &str, item: &str) -> RenewResponse {
    let request = Renew {
        transaction_date: Some(SipDate::utc(jiff::Timestamp::now())),
        patron_identifier: Private::new(reader),
        item_identifier: Some(item.to_owned()),
        ..Renew::default()
    };
    match machine.ask(request).await.unwrap() {
        Response::Renew(answer) => answer,
        other => panic!("answered {other:?}"),
    }
}
