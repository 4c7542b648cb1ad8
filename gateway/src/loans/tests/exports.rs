//! Files for a library system without SIP2: what goes out, once, and what comes of it later.

use jiff::SignedDuration;

use super::*;
use crate::intake::rehearsal::report;

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
async fn an_items_lines_stand_in_the_order_of_its_outbox_though_the_time_of_the_first_is_unknown() {
    let house = House::open();
    // The bus lends, starts anew in the village, takes back, and is home before it lends again.
    let lent = loan(1, "checkout", "LJ1", Some("R1"));
    let mut back = loan(2, "checkin", "LJ1", None);
    back["boot"] = json!("boot-b");
    house.send(&lent).await;
    let measured = report("boot-b", SignedDuration::ZERO);
    let intake = &house.rehearsal.intake;
    intake.clock_measured(device(), measured);
    house.send(&back).await;
    house.is_heard().await;
    let first = house.loans.export(ExportForm::Koc, None, &admin()).await;
    let file = first.unwrap().file.unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let expected = [
        "2026-03-02 17:58:59 999\tissue\tR1\tLJ1",
        "2026-03-02 17:59:00 000\treturn\tLJ1",
    ];
    assert_eq!(lines, expected);
    let again = house.loans.export(ExportForm::Koc, Some(1), &admin()).await;
    assert_eq!(again.unwrap().facts, 2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn where_a_file_tells_seconds_an_items_lines_are_seconds_apart() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    let mut back = loan(2, "checkin", "LJ1", None);
    back["boot"] = json!("boot-b");
    // Half a second past a full one: a little earlier would be the same second.
    let measured = report("boot-b", SignedDuration::from_millis(500));
    house.rehearsal.intake.clock_measured(device(), measured);
    house.send(&back).await;
    house.is_heard().await;
    let form = ExportForm::PendingXacts;
    let file = house.loans.export(form, None, &admin()).await.unwrap().file;
    let text = std::fs::read_to_string(file.unwrap()).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let told: Vec<_> = lines
        .map(|line| (line["type"].clone(), line["timestamp"].as_i64()))
        .collect();
    let [(lent, before), (taken_back, after)] = &told[..] else {
        panic!("two lines: {text}")
    };
    assert_eq!((lent, taken_back), (&json!("checkout"), &json!("checkin")));
    assert!(before < after, "{text}");
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
    let history = conflicts[0].history.iter();
    let told: Vec<_> = history.map(|past| past.kind).collect();
    assert_eq!(
        (conflicts[0].fact.kind, told),
        ("undo", vec!["checkin", "undo"])
    );
    assert!(!conflicts[0].is_history_cut);
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
async fn a_file_that_names_readers_goes_when_their_time_is_over() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.send(&loan(2, "checkout", "LJ2", Some("R2"))).await;
    house.is_heard().await;
    let forms = [ExportForm::Koc, ExportForm::PendingXacts];
    let mut files = Vec::new();
    for (form, sequence) in forms.into_iter().zip(3..) {
        let export = house.loans.export(form, None, &admin()).await.unwrap();
        files.extend(export.file);
        let next = format!("LJ{sequence}");
        house
            .send(&loan(sequence, "checkout", &next, Some("R3")))
            .await;
        house.is_heard().await;
    }
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!(
        (forgotten.files, files.iter().all(|file| file.exists())),
        (0, true)
    );
    // As if they had been written long ago; the second by who has taken it away since.
    let age = |tx: &Transaction<'_>| {
        tx.execute("UPDATE desk_export SET at = 1735689600000000", [])?;
        Ok(())
    };
    house.rehearsal.store.decide(age).await.unwrap();
    std::fs::remove_file(&files[1]).unwrap();
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!((forgotten.files, files[0].exists()), (1, false));
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!(forgotten.files, 0);
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
