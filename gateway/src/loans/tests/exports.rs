//! Files for a library system without SIP2: what goes out, once, and what comes of it later.

use super::*;

#[tokio::test]
async fn an_export_goes_out_once_and_again_as_the_same_file() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.send(&loan(2, "checkin", "LJ2", None)).await;
    house.is_heard().await;
    let export = |form, again| {
        let loans = house.loans.clone();
        async move { loans.export(form, again, &admin()).await.unwrap() }
    };
    let first = export(ExportForm::Koc, None).await;
    let file = first.file.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let expected = format!(
        "Version=1.0\tGenerator=lujiang\tGeneratorVersion={}\n\
         2026-03-02 18:00:00 000\tissue\tR1\tLJ1\n2026-03-02 18:00:00 000\treturn\tLJ2\n",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(text, expected);
    // Nothing waits any more, and the page says why.
    let exported = ("settled", Some("exported".to_owned()));
    let states: Vec<_> = house.facts().into_iter().map(|(_, a, b)| (a, b)).collect();
    assert_eq!(states, [exported.clone(), exported]);
    let waiting = house.loans.waiting_of(&device()).unwrap();
    assert_eq!(waiting, (0, None));
    // The same file can be made again: the reader stays until its time is over.
    assert_eq!(house.person(1), (true, false));
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    house.send(&loan(3, "renew", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    assert_eq!(export(ExportForm::Koc, Some(1)).await.number, Some(1));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    let second = export(ExportForm::PendingXacts, None).await;
    assert_eq!((second.number, second.facts), (Some(2), 1));
    let line: Value =
        serde_json::from_str(&std::fs::read_to_string(second.file.unwrap()).unwrap()).unwrap();
    assert_eq!(
        line,
        json!({
            "timestamp": 1_772_445_600, "type": "renew", "delta": 0, "patron_barcode": "R1",
            "barcode": "LJ1", "checkout_time": "2026-03-02T18:00:00+08:00",
            "due_date": "2026-04-01",
        })
    );
    let nothing = export(ExportForm::Koc, None).await;
    assert_eq!((nothing.number, nothing.file), (None, None));
    let unknown = house.loans.export(ExportForm::Koc, Some(9), &admin()).await;
    assert!(matches!(unknown, Err(ExportError::Unknown(9))));
    assert_eq!(house.acts(), ["loans.export"; 3]);
}

#[tokio::test]
async fn an_exported_loan_that_is_undone_is_returned_by_the_next_export() {
    let house = House::open();
    let lent = loan(1, "checkout", "LJ1", Some("R1"));
    house.send(&lent).await;
    house.is_heard().await;
    export(&house).await;
    house.send(&undone(2, &lent)).await;
    house.is_heard().await;
    assert_eq!(house.facts()[1], (2, "waiting", None));
    let second = export(&house).await;
    assert!(
        second.contains("\treturn\tLJ1\n") && second.lines().count() == 2,
        "{second}"
    );
    assert_eq!(
        house.facts()[1],
        (2, "settled", Some("exported".to_owned()))
    );
}

#[tokio::test]
async fn a_loan_that_is_undone_before_it_is_exported_goes_out_in_no_file() {
    let house = House::open();
    let lent = loan(1, "checkout", "LJ1", Some("R1"));
    house.send(&lent).await;
    house.send(&undone(2, &lent)).await;
    house.is_heard().await;
    let nothing = house.loans.export(ExportForm::Koc, None, &admin()).await;
    assert_eq!(nothing.unwrap().number, None);
}

#[tokio::test]
async fn an_exported_return_that_is_undone_is_held_for_staff_and_goes_out_in_no_file() {
    let house = House::open();
    let back = loan(1, "checkin", "LJ1", None);
    house.send(&back).await;
    house.is_heard().await;
    export(&house).await;
    house.send(&undone(2, &back)).await;
    house.is_heard().await;
    let held = (2, "disputed", Some("undone-too-late".to_owned()));
    assert_eq!(house.facts()[1], held);
    let conflicts = house.loans.conflicts(&all()).unwrap();
    assert!(conflicts[0].kind.sentence().contains("gone out in a file"));
    // What came to the item since waits behind it.
    house.send(&loan(3, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    let nothing = house.loans.export(ExportForm::Koc, None, &admin()).await;
    assert_eq!((nothing.unwrap().number, &house.facts()[1]), (None, &held));
}

#[tokio::test]
async fn what_may_have_come_before_what_went_out_is_held_and_goes_out_in_no_file() {
    let house = House::open();
    let mut late = loan(1, "checkin", "LJ1", None);
    // Of a device without numbers: nobody knows which came first.
    let late_fields = late.as_object_mut().unwrap();
    for number in ["epoch", "stream", "sequence", "boot", "uptime"] {
        late_fields.remove(number);
    }
    late["id"] = json!("late");
    late["time"] = json!("2026-03-02T08:00:00Z");
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    export(&house).await;
    house.send(&late).await;
    house.is_heard().await;
    let nothing = house.loans.export(ExportForm::Koc, None, &admin()).await;
    assert_eq!(nothing.unwrap().number, None);
    assert_eq!(
        house.facts()[1],
        (2, "disputed", Some("order-unclear".to_owned()))
    );
}

#[tokio::test]
async fn nothing_is_exported_where_the_library_system_is_told_over_sip2() {
    let mut section = LoansSection::default();
    section.ils.host = Some("127.0.0.1".parse().unwrap());
    let house = House::with(Rehearsal::new(), section);
    let refused = house.loans.export(ExportForm::Koc, None, &admin()).await;
    assert!(matches!(refused, Err(ExportError::OverSip2)));
}

/// The next file.
async fn export(house: &House) -> String {
    let export = house.loans.export(ExportForm::Koc, None, &admin()).await;
    std::fs::read_to_string(export.unwrap().file.unwrap()).unwrap()
}

fn all() -> FactQuery {
    FactQuery {
        limit: 10,
        ..FactQuery::default()
    }
}
