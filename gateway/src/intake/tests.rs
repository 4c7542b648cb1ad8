//! Claims about the intake on a real store.

mod model;
mod rulings;

use std::time::Duration;

use jiff::SignedDuration;
use lujiang_broker::Kept;
use lujiang_wire::{Epoch, Stream};
use serde_json::{Value, json};

use super::*;
use crate::entry::{QuarantineReason, TimeQuality, Verdict};
use crate::intake::rehearsal::{Rehearsal, arrival, batch, device, dropped, plain, report, visit};
use crate::ledger::SealedPerson;

#[tokio::test]
async fn a_fact_is_on_disk_before_it_is_acknowledged_and_its_receipt_follows() {
    let mut house = Rehearsal::new();

    let kept = house.send(&visit(1, 7).to_string()).await;

    assert_eq!(kept, Kept::Committed);
    assert_eq!(house.entries().len(), 1);
    let group = house.committed.recv().await.unwrap();
    assert_eq!(group.sealed.len(), 1);
    assert_eq!(group.moved[0].1.streams[&Stream::Visit], 1);
    assert_eq!(house.visits(), 7);
}

#[tokio::test]
async fn a_repeat_is_acknowledged_and_counted_once_in_every_way_it_can_come() {
    let mut house = Rehearsal::new();
    let plain = plain("p-1", 5).to_string();
    let batch = batch(&[visit(1, 7), visit(3, 9)]);

    for _ in 0..2 {
        for payload in [&batch, &plain, &visit(1, 7).to_string()] {
            assert_eq!(house.send(payload).await, Kept::Committed);
        }
        house = house.restarted().await;
    }

    assert_eq!(house.visits(), 7 + 9 + 5);
    assert_eq!(house.entries().len(), 3);
}

#[tokio::test]
async fn the_same_id_or_place_with_other_content_is_kept_aside() {
    let house = Rehearsal::new();
    let mut other_id = visit(1, 8);
    other_id["id"] = json!("another");
    for payload in [
        visit(1, 7),
        visit(1, 8),
        other_id,
        plain("p-1", 5),
        plain("p-1", 6),
    ] {
        assert_eq!(house.send(&payload.to_string()).await, Kept::Committed);
    }
    let mut place_of_another = plain("p-2", 4);
    place_of_another["id"] = visit(1, 7)["id"].clone();
    house.send(&place_of_another.to_string()).await;

    assert_eq!(house.visits(), 7 + 5);
    assert_eq!(house.reasons(), [QuarantineReason::IdConflict; 4]);
}

#[tokio::test]
async fn each_element_of_a_batch_is_judged_alone() {
    let house = Rehearsal::new();
    let mut foreign = visit(2, 1);
    foreign["source"] = json!("/devices/gate-2");
    let mut unknown = visit(3, 1);
    unknown["type"] = json!("library.door.opened.v9");
    let mut fast = visit(4, 1);
    fast["data"]["in"] = json!(100_000);
    let good = visit(5, 3);

    let kept = house
        .send(&batch(&[visit(1, 2), foreign, unknown, fast, good]))
        .await;

    assert_eq!(kept, Kept::Committed);
    assert_eq!(house.visits(), 2 + 3);
    assert_eq!(
        house.reasons(),
        [
            QuarantineReason::ForeignSource,
            QuarantineReason::NotUnderstood,
            QuarantineReason::Implausible,
        ]
    );
    assert_eq!(
        house.through(Stream::Visit).await,
        5,
        "their places are taken"
    );
}

#[tokio::test]
async fn what_is_kept_aside_is_shown_without_its_values_and_opens_whole() {
    let house = Rehearsal::new();
    let mut named = visit(1, 1);
    named["data"] = json!({"reader": "张三 350200"});
    let raw = named.to_string();
    house.send(&raw).await;
    house.send("no json 350200").await;
    house.send(&raw).await;

    let rows = house.quarantine();
    assert_eq!(rows.len(), 2, "a repeat is no second row");
    for row in &rows {
        let shown = format!("{row:?}");
        assert!(
            !shown.contains("350200") && !shown.contains("张三"),
            "{shown}"
        );
    }
    assert_eq!(
        rows[1].event_type.as_deref(),
        Some("library.visit.counted.v1")
    );
    assert!(rows[1].error_place.starts_with("data"), "{:?}", rows[1]);
    let files = std::fs::read(house.store.path()).unwrap();
    let log = std::fs::read(house.folder.path().join("ledger.db-wal")).unwrap();
    assert!(
        ![files, log]
            .concat()
            .windows(6)
            .any(|bytes| bytes == b"350200")
    );
    let sealed: Vec<u8> = house
        .store
        .read(|connection| {
            let sql = "SELECT sealed FROM quarantine ORDER BY number LIMIT 1";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .unwrap();
    let seals = Seals::open(house.folder.path()).unwrap();
    assert_eq!(seals.open_quarantined(&sealed).unwrap(), raw.as_bytes());
}

#[tokio::test]
async fn a_clear_reader_id_is_sealed_before_anything_is_written_or_told() {
    let mut house = Rehearsal::new();
    let mut loan = plain("loan-1", 0);
    loan["type"] = json!("library.loan.checkout.v1");
    loan["data"] = json!({"item": "LJ0001", "patron": {"id": "R350200"}, "session": "s",
                          "mode": "offline", "outcome": {"ok": true}});
    for _ in 0..2 {
        assert_eq!(house.send(&loan.to_string()).await, Kept::Committed);
    }

    let told = house.committed.recv().await.unwrap();
    assert!(!format!("{told:?}").contains("R350200"));
    assert_eq!(house.entries().len(), 1, "a repeat is still known as one");
    let files = std::fs::read(house.store.path()).unwrap();
    let log = std::fs::read(house.folder.path().join("ledger.db-wal")).unwrap();
    assert!(
        ![files, log]
            .concat()
            .windows(7)
            .any(|bytes| bytes == b"R350200")
    );
    let person = house
        .store
        .read(|connection| {
            let sql = "SELECT sealed, kid FROM person WHERE fact = 1";
            let person = connection.query_row(sql, [], |row| {
                Ok(SealedPerson {
                    sealed: row.get(0)?,
                    kid: row.get(1)?,
                })
            })?;
            Ok(person)
        })
        .unwrap();
    let seals = Seals::open(house.folder.path()).unwrap();
    assert_eq!(seals.open_person(&person).unwrap(), b"R350200");
}

#[tokio::test]
async fn a_full_quarantine_stops_what_belongs_there_and_nothing_else() {
    let house = Rehearsal::with(IntakeRules {
        quarantine_rows_max: 1,
        ..IntakeRules::default()
    });
    assert_eq!(house.send("bad 1").await, Kept::Committed);
    let mixed = batch(&[visit(1, 7), json!("bad 2"), visit(2, 8)]);

    assert_eq!(house.send(&mixed).await, Kept::QuarantineFull);
    assert_eq!(house.send(&mixed).await, Kept::QuarantineFull);
    assert_eq!(
        house.send("bad 1").await,
        Kept::Committed,
        "a repeat needs no room"
    );

    assert_eq!(house.visits(), 7 + 8);
    assert_eq!(house.reasons().len(), 1);
}

#[tokio::test]
async fn what_an_outbox_gave_up_fills_its_range_and_comes_no_more() {
    let house = Rehearsal::new();
    house.send(&visit(1, 1).to_string()).await;
    house.send(&visit(5, 5).to_string()).await;
    assert_eq!(house.through(Stream::Visit).await, 1);

    house.send(&dropped(1, 2, 4).to_string()).await;

    assert_eq!(house.through(Stream::Visit).await, 5);
    assert_eq!(house.through(Stream::Receipt).await, 1);
    house.send(&visit(3, 3).to_string()).await;
    assert_eq!(house.reasons(), [QuarantineReason::IdConflict]);
    house
        .send(&dropped(2, 6, i64::MAX.unsigned_abs()).to_string())
        .await;
    assert_eq!(house.through(Stream::Visit).await, i64::MAX.unsigned_abs());
}

#[tokio::test]
async fn receipts_are_of_the_newest_life_alone() {
    let house = Rehearsal::new();
    assert_eq!(house.intake.receipts(&device()).await, None);
    house.send(&visit(1, 1).to_string()).await;
    let second = Epoch::from_bits(2);
    let mut event = visit(1, 1);
    event["epoch"] = json!(second.as_str());
    event["id"] = json!("second-life");
    house.send(&event.to_string()).await;

    let receipts = house.intake.receipts(&device()).await.unwrap();
    assert_eq!(receipts.epoch, second);
    assert_eq!(receipts.ledger, house.store.ledger_id());
}

#[tokio::test]
async fn a_fact_is_dated_by_what_was_measured_in_its_boot_and_never_again() {
    let house = Rehearsal::new();
    house.send(&visit(1, 1).to_string()).await;
    let shift = SignedDuration::from_hours(50 * 365 * 24);
    house
        .intake
        .clock_measured(device(), report("boot-a", shift));
    house.send(&visit(2, 1).to_string()).await;
    house
        .intake
        .clock_measured(device(), report("boot-b", SignedDuration::ZERO));
    house.send(&visit(3, 1).to_string()).await;
    house.send(&plain("p", 1).to_string()).await;
    let mut old = plain("old", 1);
    old["time"] = json!("1970-01-01T00:00:00Z");
    house.send(&old.to_string()).await;

    let times: Vec<_> = house
        .entries()
        .iter()
        .filter_map(|entry| entry.verdict.counted())
        .map(|(_, time)| (time.quality, time.correction))
        .collect();
    assert_eq!(
        times,
        [
            (TimeQuality::Unknown, SignedDuration::ZERO),
            (TimeQuality::Synced, shift),
            (TimeQuality::Estimated, shift),
            (TimeQuality::Estimated, SignedDuration::ZERO),
            (TimeQuality::Unknown, SignedDuration::ZERO),
        ]
    );
}

#[tokio::test]
async fn a_disk_without_room_acknowledges_nothing_and_goes_on_by_itself() {
    let house = Rehearsal::with(IntakeRules {
        full_retry: Duration::from_millis(20),
        ..IntakeRules::default()
    });
    house.send(&visit(1, 1).to_string()).await;
    // From here on this connection may not grow the file; the next one may.
    house
        .store
        .decide(|tx| {
            let pages: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            tx.pragma_update(None, "max_page_count", pages)?;
            Ok(())
        })
        .await
        .unwrap();
    let many: Vec<Value> = (2..400).map(|number| visit(number, 1)).collect();
    let payload = batch(&many);

    house
        .intake
        .clock_measured(device(), report("boot-a", SignedDuration::ZERO));
    assert_eq!(house.send(&payload).await, Kept::Full);
    assert!(!house.intake.has_room());
    assert_eq!(house.entries().len(), 1, "nothing of it is there");
    let again = async {
        while house.send(&payload).await != Kept::Committed {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again)
        .await
        .expect("the disk has room again");
    assert!(house.intake.has_room());
    assert_eq!(house.visits(), 399);
    let Verdict::Accepted { time, .. } = house.entries()[1].verdict.clone() else {
        panic!("a visit is accepted");
    };
    assert_eq!(
        time.quality,
        TimeQuality::Synced,
        "what was measured meanwhile is not lost"
    );
}

#[tokio::test]
async fn stopping_keeps_what_is_queued_and_takes_nothing_after() {
    let house = Rehearsal::new();
    let mut keepings = Vec::new();
    for number in 1..=50 {
        keepings.push(
            house
                .intake
                .keep(arrival(&visit(number, 1).to_string()))
                .await,
        );
    }
    house.intake.stop().await;
    let late = house.intake.keep(arrival(&visit(51, 1).to_string())).await;

    for keeping in keepings {
        assert_eq!(keeping.await, Ok(Kept::Committed));
    }
    assert!(late.await.is_err());
    assert_eq!(house.visits(), 50);
}
