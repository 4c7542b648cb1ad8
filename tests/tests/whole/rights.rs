//! What a device and a reader may not do, tried by clients that are not ours, over TLS.

use lujiang_tests::papers::Papers;
use lujiang_tests::peer::{mosquitto_pub_by_certificate, paho, paho_by_certificate};
use lujiang_tests::publisher::{Answer, Publisher, Version, visit};
use lujiang_tests::site::{Issued, Library};
use serde_json::json;

async fn house(folder: &std::path::Path) -> (Library, Issued, Issued) {
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.start().await.unwrap();
    let one = library.add_device("gate-1", "gate", "main").await.unwrap();
    let other = library.add_device("gate-2", "gate", "main").await.unwrap();
    (library, one, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_reads_nothing_but_its_own_and_publishes_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let (library, _, _) = house(folder.path()).await;
    let papers = Papers::of(&library, "gate-1").await.unwrap();
    let filters = [
        "library/v1/devices/gate-1/receipts",
        "#",
        "+/#",
        "$SYS/#",
        "$share/g/library/v1/devices/gate-1/receipts",
        "library/v1/devices/+/events",
        "library/v1/devices/gate-2/#",
    ];
    let event = visit("gate-2", "forged", jiff::Timestamp::now(), 9).to_string();
    let publishes = [
        ("library/v1/devices/gate-2/events", event.as_str()),
        ("library/v1/devices/gate-2/status", "{}"),
        ("library/v1/devices/gate-1/receipts", "{}"),
        ("$SYS/broker/uptime", "0"),
        ("anything", "{}"),
    ];
    let door = library.endpoints().mqtts;
    let said = paho_by_certificate(door, &papers, 5, &filters, &publishes)
        .await
        .unwrap();
    let granted = said["granted"].as_array().unwrap();
    assert_eq!(granted[0], 1, "{said}");
    for (filter, code) in filters.iter().zip(granted).skip(1) {
        assert!(
            code.as_u64().is_some_and(|code| code >= 0x80),
            "{filter}: {said}"
        );
    }
    assert_eq!(said["answers"], json!([0x87, 0x87, 0x87, 0x87, 0x87, null]));
    let said = paho_by_certificate(door, &papers, 311, &filters, &publishes)
        .await
        .unwrap();
    let granted = said["granted"].as_array().unwrap();
    assert!(granted.iter().skip(1).all(|code| *code == 0x80), "{said}");
    assert_eq!(library.total().await.unwrap()["in"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_in_a_publication_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let (library, one, _) = house(folder.path()).await;
    for topic in [
        "library/v1/devices/+/events",
        "#",
        "library/v1/devices/gate-1/#",
    ] {
        let door = library.endpoints().mqtt;
        let mut publisher = Publisher::connect(door, &one, Version::V5).await.unwrap();
        publisher.publish_bytes(topic, "x", b"{}").await.unwrap();
        let answer = publisher.answer().await.unwrap();
        assert!(
            matches!(answer, Answer::Disconnected { .. }),
            "{topic}: {answer:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_id_of_another_takes_nothing_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let (library, _, other) = house(folder.path()).await;
    let mut victim = Publisher::connect(library.endpoints().mqtt, &other, Version::V5)
        .await
        .unwrap();
    let papers = Papers::of(&library, "gate-1").await.unwrap();
    let topic = "library/v1/devices/gate-1/events";
    let event = visit("gate-1", "own", jiff::Timestamp::now(), 1).to_string();
    let named = ["-i", "gate-2"];
    let door = library.endpoints().mqtts;
    let (code, said) = mosquitto_pub_by_certificate(door, &papers, &named, topic, &event)
        .await
        .unwrap();
    assert_eq!(code, 0, "{said}");
    let event = visit("gate-2", "still-there", jiff::Timestamp::now(), 1);
    victim.deliver("still-there", &event).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_has_none_of_the_rights_of_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let (library, _, _) = house(folder.path()).await;
    let reader = library
        .add_reader("warehouse", "library/v1/devices/+/events")
        .await
        .unwrap();
    let event = visit("warehouse", "a", jiff::Timestamp::now(), 1).to_string();
    let publishes = [
        (
            "library/v1/devices/warehouse/events".to_owned(),
            event.clone(),
        ),
        ("library/v1/devices/gate-1/events".to_owned(), event),
    ];
    let door = library.endpoints().mqtt;
    let answers = paho(door, &reader, 5, &publishes).await.unwrap();
    assert_eq!(answers, json!([0x87, 0x87, null]));
    assert!(
        library.token("warehouse").await.is_err(),
        "no certificate either"
    );
}
