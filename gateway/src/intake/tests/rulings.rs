//! Claims about what people decide on quarantined elements.

use crate::entry::{EntryNumber, TimeQuality, Verdict};
use crate::ledger::export::{ExportFormat, ExportRange, export};
use crate::ledger::verify::verify;
use crate::registry::Actor;
use crate::store::audit;

use super::*;

/// More in an hour than is believed.
const CROWD: u64 = 1_000_000;

#[tokio::test]
async fn an_element_let_in_as_it_is_counts_once_and_says_who_let_it_in() {
    let mut house = Rehearsal::new();
    house.send(&visit(1, CROWD).to_string()).await;
    house.committed.try_recv().unwrap();

    let ruled = accept(&house, 1).await.unwrap();

    assert_eq!(ruled.admitted, Some(EntryNumber(2)));
    assert_eq!(house.visits(), CROWD);
    let told = house.committed.try_recv().unwrap();
    assert_eq!((told.sealed.len(), told.moved.len()), (1, 0));
    let entry = house.entries().remove(1);
    let Verdict::Admitted { time, ruling, .. } = entry.verdict else {
        panic!("{entry:?}");
    };
    assert_eq!(ruling.quarantined, EntryNumber(1));
    assert_eq!(
        (ruling.by.as_str(), ruling.why.as_str()),
        ("the technician", "they were there")
    );
    assert_eq!(
        time.quality,
        TimeQuality::Unknown,
        "nothing was measured of its boot"
    );
    assert_eq!(audited(&house), ["quarantine.accept"]);

    let again = accept(&house, 1).await;

    assert!(
        matches!(again, Err(RulingError::Refused(Refused::Decided(_)))),
        "{again:?}"
    );
    assert_eq!(
        house.send(&visit(1, CROWD).to_string()).await,
        Kept::Committed
    );
    assert_eq!((house.visits(), house.entries().len()), (CROWD, 2));
    assert_eq!(audited(&house).len(), 1);
}

#[tokio::test]
async fn a_corrected_element_counts_and_its_place_arriving_later_is_a_repeat() {
    let house = Rehearsal::new();
    house.send(&visit(1, CROWD).to_string()).await;

    correct(&house, 1, &visit(1, 7)).await.unwrap();

    for arriving in [visit(1, 7), visit(1, CROWD)] {
        assert_eq!(house.send(&arriving.to_string()).await, Kept::Committed);
    }
    assert_eq!((house.visits(), house.entries().len()), (7, 2));
    let other = house.send(&visit(1, 8).to_string()).await;
    assert_eq!((other, house.visits()), (Kept::Committed, 7));
    assert_eq!(house.reasons()[1], QuarantineReason::IdConflict);
    let refused = accept(&house, 3).await;
    let Err(RulingError::Refused(Refused::Counted { attribute, entry })) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((attribute, entry), ("sequence", EntryNumber(2)));
}

#[tokio::test]
async fn a_conflict_counts_under_an_id_of_its_own_without_a_place() {
    let house = Rehearsal::new();
    house.send(&visit(1, 3).to_string()).await;
    house.send(&visit(1, 4).to_string()).await;

    assert!(accept(&house, 2).await.is_err());
    let elsewhere = correct(&house, 2, &visit(9, 4)).await;
    assert!(
        matches!(elsewhere, Err(RulingError::Refused(Refused::OtherPlace))),
        "{elsewhere:?}"
    );
    let mut stolen = plain("", 4);
    stolen["id"] = visit(1, 3)["id"].clone();
    assert!(correct(&house, 2, &stolen).await.is_err());
    correct(&house, 2, &plain("the-clone-1", 4)).await.unwrap();

    assert_eq!(house.visits(), 7);
    house.send(&plain("the-clone-1", 4).to_string()).await;
    assert_eq!(house.visits(), 7);
}

#[tokio::test]
async fn what_is_no_event_of_the_device_is_not_let_in() {
    let house = Rehearsal::new();
    house.send("nonsense").await;
    let mut foreign = visit(1, 1);
    foreign["source"] = json!("/devices/gate-2");
    house.send(&foreign.to_string()).await;
    let refused = async |number, event: Option<&Value>| {
        let ruled = match event {
            Some(event) => correct(&house, number, event).await,
            None => accept(&house, number).await,
        };
        match ruled {
            Err(RulingError::Refused(refused)) => refused,
            other => panic!("{other:?}"),
        }
    };

    assert!(matches!(
        refused(1, None).await,
        Refused::NotUnderstood { .. }
    ));
    assert!(matches!(refused(2, None).await, Refused::Foreign(_)));
    assert!(matches!(refused(7, None).await, Refused::Unknown(_)));
    assert!(matches!(
        refused(1, Some(&json!([plain("a", 1), plain("b", 1)]))).await,
        Refused::NotOne
    ));
    assert!(matches!(
        refused(1, Some(&json!({"id": 1}))).await,
        Refused::NotUnderstood { .. }
    ));
    assert_eq!((house.entries().len(), audited(&house).len()), (2, 0));

    correct(&house, 1, &plain("mended", 2)).await.unwrap();
    correct(&house, 2, &visit(1, 1)).await.unwrap();
    assert_eq!(house.visits(), 3);
}

#[tokio::test]
async fn opening_is_in_the_audit_before_anybody_sees_it() {
    let house = Rehearsal::new();
    house.send("a reader's name").await;
    let by = Actor::named("the technician");

    let opened = house.intake.open_aside(EntryNumber(1), &by).await.unwrap();

    assert_eq!(
        (opened.device, opened.bytes.as_slice()),
        (device(), &b"a reader's name"[..])
    );
    assert_eq!(audited(&house), ["quarantine.open"]);
    assert!(house.intake.open_aside(EntryNumber(2), &by).await.is_err());
    assert_eq!(audited(&house).len(), 1);
}

#[tokio::test]
async fn what_is_dismissed_makes_room_and_stays_known() {
    let house = Rehearsal::with(IntakeRules {
        quarantine_rows_max: 1,
        ..IntakeRules::default()
    });
    house.send("one").await;
    assert_eq!(house.send("two").await, Kept::QuarantineFull);

    house
        .rule(EntryNumber(1), RulingVerdict::Dismiss)
        .await
        .unwrap();

    assert_eq!(house.send("two").await, Kept::Committed);
    assert_eq!(house.send("one").await, Kept::Committed);
    assert_eq!((house.entries().len(), house.visits()), (2, 0));
    assert_eq!(audited(&house), ["quarantine.dismiss"]);
}

#[tokio::test]
async fn what_an_outbox_gave_up_moves_its_receipts_once_it_is_let_in() {
    let house = Rehearsal::new();
    house.send(&visit(1, 1).to_string()).await;
    house.send(&visit(4, 1).to_string()).await;
    let mut garbled = dropped(1, 2, 3);
    garbled["data"]["reason"] = json!(7);
    house.send(&garbled.to_string()).await;
    assert_eq!(house.through(Stream::Visit).await, 1);

    correct(&house, 3, &dropped(1, 2, 3)).await.unwrap();

    assert_eq!(house.through(Stream::Visit).await, 4);
}

#[tokio::test]
async fn a_reader_in_a_corrected_element_is_sealed_and_the_ledger_is_sound_and_exported() {
    let house = Rehearsal::new();
    let mut loan = plain("loan-1", 0);
    loan["type"] = json!("library.loan.checkout.v1");
    loan["data"] = json!({"item": "LJ0001", "patron": {"id": "R350200"}, "session": "s",
                          "mode": "offline", "outcome": {"ok": true}});
    house.send("nonsense").await;

    correct(&house, 1, &loan).await.unwrap();

    let mut out = Vec::new();
    export(
        &house.store,
        ExportRange::default(),
        ExportFormat::Csv,
        &mut out,
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains("R350200"), "{text}");
    assert!(
        text.contains("admitted") && text.contains("they were there"),
        "{text}"
    );
    let report = verify(house.store.path(), &mut |_, _| ()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(
        (report.accepted, report.admitted, report.quarantined),
        (0, 1, 1)
    );
}

async fn accept(house: &Rehearsal, number: i64) -> Result<Ruled, RulingError> {
    house.rule(EntryNumber(number), RulingVerdict::Accept).await
}

async fn correct(house: &Rehearsal, number: i64, event: &Value) -> Result<Ruled, RulingError> {
    let verdict = RulingVerdict::Correct(event.to_string());
    house.rule(EntryNumber(number), verdict).await
}

fn audited(house: &Rehearsal) -> Vec<String> {
    let records = house.store.read(|connection| audit::newest(connection, 9));
    let records = records.unwrap().into_iter();
    records.map(|record| record.action).collect()
}
