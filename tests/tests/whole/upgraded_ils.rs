//! A library system that answers otherwise after an upgrade: staff has it found out anew.

use lujiang_tests::desk::{LOGIN, LoanHouse, fact, minutes};
use lujiang_tests::ils::{ChargedItems, Fault, Habits, Ils, Kind};
use lujiang_tests::site::PATIENCE;
use lujiang_tests::wait::until;
use serde_json::Value;

/// Waits until it is known whether a reader's items are listed.
async fn lists_become(house: &LoanHouse, known: &str) -> Value {
    until(&format!("the lists to be {known}"), PATIENCE, async || {
        let desk = house.library.get("/api/v1/loans/desk").await?;
        anyhow::ensure!(desk["abilities"]["charged_items"] == known, "{desk}");
        Ok(desk)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_upgraded_library_system_can_answer_is_found_out_anew_when_staff_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let habits = Habits::of(Kind::Generic).with_login(LOGIN.0, LOGIN.1);
    let ils = Ils::stocked(habits, 3, 9);
    let house = LoanHouse::open(folder.path(), ils, "generic", "");
    let house = house.await.unwrap();
    let lent = |id: &str, item: &str| fact(id, "checkout", item, Some("R0001"), minutes(30));
    house.send(&[lent("1", "B00001")]).await.unwrap();
    house.outcomes(1).await.unwrap();
    lists_become(&house, "proven").await;

    house.ils.ils().habits_mut().charged_items = ChargedItems::Missing;
    house.library.command(&["loans", "probe"]).await.unwrap();
    lists_become(&house, "unproven").await;
    // Two loans show that it lists nothing any more.
    let two = [lent("2", "B00002"), lent("3", "B00003")];
    house.send(&two).await.unwrap();
    house.outcomes(3).await.unwrap();
    lists_become(&house, "lacking").await;

    house.ils.ils().habits_mut().charged_items = ChargedItems::Barcodes;
    house.library.command(&["loans", "probe"]).await.unwrap();
    lists_become(&house, "unproven").await;
    house.send(&[lent("4", "B00004")]).await.unwrap();
    house.outcomes(4).await.unwrap();
    lists_become(&house, "proven").await;
    // And what breaks from now on is resolved by them.
    house.ils.set_fault_of("11", Fault::DropAfter);
    house.send(&[lent("5", "B00005")]).await.unwrap();
    let outcomes = house.outcomes(5).await.unwrap();
    assert!(
        outcomes.iter().all(|it| !it.ends_with("unresolved")),
        "{outcomes:?}"
    );
    assert_eq!(house.executed().len(), 5, "{:?}", house.executed());
    let audit = house.library.text("/api/v1/audit?action=loans").await;
    let audit = audit.unwrap();
    assert_eq!(audit.matches("loans.probe").count(), 2, "{audit}");
}
