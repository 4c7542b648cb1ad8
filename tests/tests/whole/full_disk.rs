//! The disk under the gateway is full: nothing is acknowledged, nothing acknowledged is lost.

use lujiang_tests::disk::SmallDisk;
use lujiang_tests::publisher::{Answer, Publisher, Version, visit};
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_pubacks_and_room_brings_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::make(&folder.path().join("small"), 24 * 1024).unwrap();
    let mut library = Library::in_folder(folder.path(), &disk.path().join("data")).unwrap();
    library
        .configure("[intake]\nfull_retry = \"200ms\"\n")
        .unwrap();
    let door = library.start().await.unwrap().mqtt;
    let issued = library.add_device("plain-1", "gate", "main").await.unwrap();
    let mut publisher = Publisher::connect(door, &issued, Version::V5)
        .await
        .unwrap();
    let at = jiff::Timestamp::now();
    publisher
        .deliver("before", &visit("plain-1", "before", at, 1))
        .await
        .unwrap();

    disk.fill().unwrap();
    let mut acknowledged = 1;
    let mut refused = None;
    for number in 0..20_000 {
        let id = format!("while-{number}");
        publisher
            .publish(&id, &visit("plain-1", &id, at, 1))
            .await
            .unwrap();
        match publisher.answer().await.unwrap() {
            Answer::Acknowledged { reason: 0, .. } => acknowledged += 1,
            Answer::Acknowledged { reason, .. } => panic!("PUBACK with {reason:#x}"),
            Answer::Disconnected { reason } => {
                refused = Some(reason);
                break;
            }
        }
    }
    assert_eq!(
        refused,
        Some(0x97),
        "Quota exceeded, after {acknowledged} more"
    );
    // While it lasts nobody is let in.
    let lasting = Publisher::connect(door, &issued, Version::V5).await;
    assert!(lasting.is_err(), "CONNACK refuses while the disk is full");

    disk.empty().unwrap();
    let mut publisher = until("the gateway to go on by itself", PATIENCE, async || {
        Publisher::connect(door, &issued, Version::V5).await
    })
    .await
    .unwrap();
    publisher
        .deliver("after", &visit("plain-1", "after", at, 1))
        .await
        .unwrap();
    library
        .total_becomes(acknowledged + 1, PATIENCE)
        .await
        .unwrap();
    library.stop().await.unwrap();
    library.start().await.unwrap();
    library
        .total_becomes(acknowledged + 1, PATIENCE)
        .await
        .unwrap();
    library.command(&["ledger", "verify"]).await.unwrap();
}
