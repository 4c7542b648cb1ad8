//! What staff wants, and what stands in its way.

use super::*;
use crate::desk::{Desk, Work};

/// The desk as it stands after the dispute about LJ1 has become one of this kind.
fn disputed_anew(house: &House, tx: &Transaction<'_>, kind: &str) -> Desk {
    let record = rows::item(tx, &"LJ1".parse().unwrap()).unwrap().unwrap();
    let text = record.to_json().replace("item-lost", kind);
    let loans = &house.loans;
    let abilities = loans.abilities(tx).unwrap();
    let mut desk = Desk::new(loans.profile(), loans.policy(), abilities);
    desk.handle_work(Work::Paused);
    desk.recall(ItemRecord::from_json(&text).unwrap());
    desk
}

async fn dismiss(house: &House, fact: EntryNumber) {
    let reason = RulingReason::new("found on the shelf").unwrap();
    let ruled = house
        .loans
        .rule(fact, RulingKind::Dismiss, reason, &admin())
        .await;
    ruled.unwrap();
}

/// A loan whose dispute was dismissed when it was about a lost item; applied when it is about this.
async fn dismissed_when_about(kind: &'static str) -> Arc<House> {
    let house = Arc::new(House::open());
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    house.dispute(1).await;
    let fact = EntryNumber(1);
    dismiss(&house, fact).await;
    let within = Arc::clone(&house);
    let apply = move |tx: &Transaction<'_>| {
        let row = rows::take_ruling(tx, fact)?.unwrap();
        let mut desk = disputed_anew(&within, tx, kind);
        within.loans.apply_ruling(&mut desk, tx, &row)?;
        within.loans.keep_all(&mut desk, tx)
    };
    house.rehearsal.store.decide(apply).await.unwrap();
    house
}

#[tokio::test]
async fn a_ruling_that_nothing_can_come_of_is_on_record_and_does_nothing() {
    let house = dismissed_when_about("block").await;
    assert_eq!(house.acts(), ["loans.ruling-void", "loans.rule"]);
    assert_eq!(house.facts()[0].1, "disputed");
}

#[tokio::test]
async fn a_ruling_on_the_dispute_that_was_looked_at_is_applied() {
    let house = dismissed_when_about("item-lost").await;
    assert_eq!(house.acts(), ["loans.rule"]);
    assert_eq!(house.facts()[0].1, "settled");
}

#[tokio::test]
async fn what_staff_wants_found_out_anew_is_forgotten_and_on_record() {
    let mut section = LoansSection::default();
    section.ils.host = Some("127.0.0.1".to_owned());
    section.ils.port = 1;
    let house = House::with(Rehearsal::new(), section);
    let proven = Abilities {
        circulation: Ability::Proven,
        ..Abilities::default()
    };
    let loans = house.loans.clone();
    let keep = move |tx: &Transaction<'_>| loans.keep_abilities(tx, &proven);
    house.rehearsal.store.decide(keep).await.unwrap();
    house.loans.probe_again(&admin()).await.unwrap();
    let known = || house.loans.desk(None, 1).unwrap().abilities;
    assert_eq!(known(), Abilities::default());
    let is_wanted = || house.rehearsal.store.read(rows::is_probe_wanted).unwrap();
    tokio::time::timeout(DEADLINE, async {
        while is_wanted() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the desk heeds it");
    assert_eq!(known(), Abilities::default(), "it is not remembered again");
    assert_eq!(house.acts(), ["loans.probe"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_removed_keeps_no_reader_from_being_forgotten() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    let export = house.loans.export(ExportForm::Koc, None, &admin()).await;
    let file = export.unwrap().file.unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let age = |tx: &Transaction<'_>| {
        let long_ago: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        let micros = long_ago.as_microsecond();
        tx.execute("UPDATE fact SET received = ?1", [micros])?;
        tx.execute("UPDATE desk_export SET at = ?1", [micros])?;
        Ok(())
    };
    house.rehearsal.store.decide(age).await.unwrap();
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!((forgotten.readers, forgotten.files), (1, 0));
    assert_eq!(house.person(1), (false, false));
}

#[tokio::test]
async fn what_came_unreadable_is_erased_so_long_after_somebody_decided_on_it() {
    let house = House::open();
    house.rehearsal.send("a reader nobody can read").await;
    house.rehearsal.send("another one").await;
    let left = || {
        let sql = "SELECT count(*) FROM quarantine WHERE length(sealed) > 0";
        let read = |connection: &rusqlite::Connection| {
            Ok(connection.query_row(sql, [], |it| it.get::<_, i64>(0))?)
        };
        house.rehearsal.store.read(read).unwrap()
    };
    let decided = |ago: &str| {
        let micros = ago.parse::<Timestamp>().unwrap().as_microsecond();
        let decide = move |tx: &Transaction<'_>| {
            let sql = "UPDATE quarantine SET state = 'dismissed', ruled = ?1 WHERE number = 1";
            tx.execute(sql, [micros])?;
            Ok(())
        };
        house.rehearsal.store.decide(decide)
    };
    decided("2026-03-01T00:00:00Z").await.unwrap();
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!((forgotten.originals, left()), (0, 2));
    decided("2025-11-01T00:00:00Z").await.unwrap();
    let forgotten = house.loans.forget(&admin(), false).await.unwrap();
    assert_eq!((forgotten.originals, left()), (1, 1));
    assert_eq!(house.acts(), ["loans.forget"]);
}
