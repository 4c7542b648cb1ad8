//! Plain MQTT clients that are not ours, in both protocol versions.

use lujiang_tests::peer::{mosquitto_pub, paho};
use lujiang_tests::publisher::{Answer, Publisher, Version, visit};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::{Value, json};

async fn house(folder: &std::path::Path) -> (Library, Issued) {
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    (library, issued)
}

fn event(id: &str, entered: u64) -> Value {
    visit("gate-1", id, jiff::Timestamp::now(), entered)
}

const TOPIC: &str = "library/v1/devices/gate-1/events";

/// The reasons in quarantine, oldest first.
async fn quarantined(library: &Library) -> Vec<String> {
    let page = library.get("/api/v1/quarantine").await.unwrap();
    let mut rows = page["rows"].as_array().cloned().unwrap_or_default();
    rows.sort_by_key(|row| row["number"].as_i64());
    rows.iter()
        .map(|row| row["reason"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_pub_moves_the_total_and_the_same_twice_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    let door = library.endpoints().mqtt;
    for (version, id) in [("311", "a"), ("5", "b")] {
        let text = event(id, 2).to_string();
        for _ in 0..2 {
            let code = mosquitto_pub(door, &issued, version, TOPIC, &text)
                .await
                .unwrap();
            assert_eq!(code, 0, "mosquitto_pub -V {version}");
        }
    }
    library.total_becomes(4, PATIENCE).await.unwrap();
    assert_eq!(quarantined(&library).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn paho_moves_the_total_in_both_versions() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    let door = library.endpoints().mqtt;
    for (version, id) in [(311, "a"), (5, "b")] {
        let text = event(id, 3).to_string();
        let publishes = [(TOPIC.to_owned(), text.clone()), (TOPIC.to_owned(), text)];
        let answers = paho(door, &issued, version, &publishes).await.unwrap();
        assert_eq!(answers, json!([0, 0, null]), "MQTT {version}");
    }
    library.total_becomes(6, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_content_is_quarantined_and_raises_an_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    let door = library.endpoints().mqtt;
    let publishes = [
        (TOPIC.to_owned(), event("same", 1).to_string()),
        (TOPIC.to_owned(), event("same", 9).to_string()),
    ];
    let answers = paho(door, &issued, 5, &publishes).await.unwrap();
    assert_eq!(
        answers,
        json!([0, 0, null]),
        "kept aside is kept: acknowledged"
    );
    library.total_becomes(1, PATIENCE).await.unwrap();
    assert_eq!(quarantined(&library).await, ["id-conflict"]);
    until("an alarm of the device", PATIENCE, async || {
        let device = library.get("/api/v1/devices/gate-1").await?;
        let alarms = device["alarms"].as_array().cloned().unwrap_or_default();
        let raised = alarms.iter().any(|alarm| alarm["kind"] == "id-conflict");
        anyhow::ensure!(raised, "alarms {alarms:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_devices_topic_is_refused_by_reason_or_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    library.add_device("gate-2", "gate", "main").await.unwrap();
    let door = library.endpoints().mqtt;
    let foreign = "library/v1/devices/gate-2/events".to_owned();
    let stolen = visit("gate-2", "stolen", jiff::Timestamp::now(), 50).to_string();
    let own = event("own", 1).to_string();
    let publishes = [(foreign.clone(), stolen.clone()), (TOPIC.to_owned(), own)];
    let answers = paho(door, &issued, 5, &publishes).await.unwrap();
    assert_eq!(answers, json!([0x87, 0, null]), "MQTT 5: Not authorized");
    let own = event("own-2", 1).to_string();
    let publishes = [(foreign, stolen), (TOPIC.to_owned(), own)];
    let answers = paho(door, &issued, 311, &publishes).await.unwrap();
    assert_eq!(
        answers,
        json!([0, 0, null]),
        "3.1.1 has no word for it: discarded"
    );
    library.total_becomes(2, PATIENCE).await.unwrap();
    let device = library.get("/api/v1/devices/gate-1").await.unwrap();
    assert_eq!(device["refused"], 2, "counted and shown: {device}");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_a_foreign_source_and_an_unknown_type_are_kept_aside_and_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    let door = library.endpoints().mqtt;
    let mut unknown = event("unknown", 1);
    unknown["type"] = "library.visit.counted.v9".into();
    let foreign = visit("gate-2", "foreign", jiff::Timestamp::now(), 1);
    let mut publishes: Vec<(String, String)> = [
        json!("garbage").to_string(),
        "not json".to_owned(),
        unknown.to_string(),
    ]
    .into_iter()
    .map(|payload| (TOPIC.to_owned(), payload))
    .collect();
    publishes.push((TOPIC.to_owned(), foreign.to_string()));
    publishes.push((TOPIC.to_owned(), event("good", 1).to_string()));
    let answers = paho(door, &issued, 5, &publishes).await.unwrap();
    assert_eq!(answers, json!([0, 0, 0, 0, 0, null]));
    library.total_becomes(1, PATIENCE).await.unwrap();
    let reasons = quarantined(&library).await;
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert!(
        reasons.contains(&"foreign-source".to_owned()),
        "{reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_element_of_five_hundred_costs_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    let mut batch: Vec<Value> = (0..500)
        .map(|number| event(&format!("e-{number}"), 1))
        .collect();
    batch[250]["data"]["in"] = "many".into();
    let door = library.endpoints().mqtt;
    let mut publisher = Publisher::connect(door, &issued, Version::V5)
        .await
        .unwrap();
    publisher
        .deliver("batch", &Value::Array(batch))
        .await
        .unwrap();
    library.total_becomes(499, PATIENCE).await.unwrap();
    let page = library.get("/api/v1/quarantine").await.unwrap();
    assert_eq!(page["rows"][0]["place"], "data.in", "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_in_hanzi_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    let door = library.endpoints().mqtt;
    for (version, refused) in [(Version::V5, 0x87), (Version::V311, 0)] {
        let mut publisher = Publisher::connect(door, &issued, version).await.unwrap();
        publisher
            .publish_bytes("图书馆/门/一", "hanzi", b"x")
            .await
            .unwrap();
        let answer = publisher.answer().await.unwrap();
        assert_eq!(
            answer,
            Answer::Acknowledged {
                id: "hanzi".to_owned(),
                reason: refused
            }
        );
        let id = format!("after-{version:?}");
        publisher.deliver(&id, &event(&id, 1)).await.unwrap();
    }
    library.total_becomes(2, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_refused_and_named_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path()).await;
    let door = library.endpoints().mqtt;
    let wrong = Issued {
        device: "gate-1".to_owned(),
        password: "hunter2-hunter2".to_owned(),
    };
    let answers = paho(door, &wrong, 5, &[]).await.unwrap();
    assert_eq!(
        answers,
        json!({"refused": 0x86}),
        "Bad User Name or Password"
    );
    let code = mosquitto_pub(door, &wrong, "311", TOPIC, "x")
        .await
        .unwrap();
    assert_ne!(code, 0, "3.1.1 is told by CONNACK 4");
    let log = library.log();
    assert!(
        !log.contains("hunter2") && !log.contains(&issued.password),
        "{log}"
    );
}
