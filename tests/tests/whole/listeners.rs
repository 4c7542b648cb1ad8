//! Who hears what over TLS, with mosquitto_sub.

use std::time::Duration;

use lujiang_tests::papers::Papers;
use lujiang_tests::peer::{Listening, Login, mosquitto_pub_by_certificate};
use lujiang_tests::publisher::visit;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::{Value, json};

/// Longest wait for a message that may not have been subscribed to yet.
const MOMENT: Duration = Duration::from_millis(300);
/// After this long without a word nothing more comes, however busy the machine.
const LONGER: Duration = Duration::from_secs(3);

/// A house with two gates that have certificates.
struct House {
    library: Library,
    papers: [Papers; 2],
    _folder: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut library = Library::in_folder(folder.path(), &data).unwrap();
        library.start().await.unwrap();
        let mut papers = Vec::new();
        for name in ["gate-1", "gate-2"] {
            library.add_device(name, "gate", "main").await.unwrap();
            papers.push(Papers::of(&library, name).await.unwrap());
        }
        Self {
            library,
            papers: papers.try_into().unwrap(),
            _folder: folder,
        }
    }

    fn listen(&self, login: Login<'_>, filters: &[&str]) -> Listening {
        Listening::start(self.library.endpoints().mqtts, login, filters).unwrap()
    }

    /// Publishes a fact of this gate, by its certificate.
    async fn publish(&self, gate: usize, event: &Value) {
        let topic = format!("library/v1/devices/gate-{gate}/events");
        let door = self.library.endpoints().mqtts;
        let papers = &self.papers[gate - 1];
        let text = event.to_string();
        let done = mosquitto_pub_by_certificate(door, papers, &[], &topic, &text).await;
        let (code, said) = done.unwrap();
        assert_eq!(code, 0, "{said}");
    }
}

fn fact(gate: usize, id: &str) -> Value {
    visit(&format!("gate-{gate}"), id, jiff::Timestamp::now(), 1)
}

/// A fact with its place in an outbox.
fn numbered(number: u64) -> Value {
    let mut event = fact(1, &format!("numbered-{number}"));
    event["epoch"] = json!("0123456789abcdef0123456789abcdef");
    event["stream"] = json!("visit");
    event["sequence"] = json!(format!("{number:020}"));
    event["boot"] = json!("boot-1");
    event["uptime"] = json!(60_000 + number);
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_hears_what_its_filters_say_and_nothing_else() {
    let house = House::open().await;
    let roots = house.papers[0].roots.clone();
    let own = "library/v1/devices/gate-1/events";
    let reader = house.library.add_reader("warehouse", own).await.unwrap();
    let login = Login::Password(&reader, &roots);
    let mut listening = house.listen(login, &[own]);
    let mut number = 0;
    // Facts of both gates, the other's first, until one is heard.
    let heard = until("a fact to be heard", PATIENCE, async || {
        number += 1;
        house.publish(2, &fact(2, &format!("other-{number}"))).await;
        house.publish(1, &fact(1, &format!("own-{number}"))).await;
        let heard = listening.next(MOMENT).await?;
        anyhow::Context::context(heard, "nothing yet")
    })
    .await;
    let (topic, payload) = heard.unwrap();
    assert_eq!(topic, own);
    assert!(payload.contains("\"own-"), "{payload}");
    house.publish(2, &fact(2, "other-last")).await;
    house.publish(1, &fact(1, "own-last")).await;
    loop {
        let (topic, payload) = listening.next(PATIENCE).await.unwrap().unwrap();
        assert_eq!(topic, own, "{payload}");
        if payload.contains("own-last") {
            break;
        }
    }
    for beyond in [
        "library/v1/devices/+/events",
        "library/v1/devices/gate-1/#",
        "#",
        "$SYS/#",
        "$share/g/library/v1/devices/gate-1/events",
    ] {
        let said = house.listen(login, &[beyond]).refused().await.unwrap();
        assert!(said.contains("denied"), "{beyond}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_reader_is_cut_and_hears_nothing_more() {
    let house = House::open().await;
    let roots = house.papers[0].roots.clone();
    let everything = "library/v1/devices/#";
    let reader = house.library.add_reader("warehouse", everything).await;
    let reader = reader.unwrap();
    let login = Login::Password(&reader, &roots);
    let mut listening = house.listen(login, &[everything]);
    let mut number = 0;
    let heard = until("anything to be heard", PATIENCE, async || {
        number += 1;
        house.publish(1, &fact(1, &format!("fact-{number}"))).await;
        anyhow::ensure!(listening.next(MOMENT).await?.is_some());
        Ok(())
    });
    heard.await.unwrap();
    // The publisher's own going is told too; then there is silence.
    while listening.next(LONGER).await.unwrap().is_some() {}
    let removing = ["reader", "remove", "warehouse"];
    house.library.command(&removing).await.unwrap();
    // mosquitto_sub comes back by itself, and is told that it may not.
    for refused in [listening, house.listen(login, &[everything])] {
        let said = refused.refused().await.unwrap();
        assert!(said.contains("Refused"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_hears_its_receipts_by_its_certificate_until_it_is_revoked() {
    let house = House::open().await;
    let [papers, other] = &house.papers;
    let topic = "library/v1/devices/gate-1/receipts";
    house.publish(1, &numbered(1)).await;
    let mut listening = house.listen(Login::Certificate(papers), &[topic]);
    for committed in [1, 2] {
        house.publish(1, &numbered(committed)).await;
        let heard = listening.next(PATIENCE).await.unwrap();
        let (told, receipts) = heard.expect("receipts come at once, and whenever they move");
        let receipts: Value = serde_json::from_str(&receipts).unwrap();
        assert_eq!(told, topic);
        assert_eq!(receipts["streams"]["visit"], committed, "{receipts}");
    }
    let stranger = house.listen(Login::Certificate(other), &[topic]);
    let said = stranger.refused().await.unwrap();
    assert!(said.contains("denied"), "another's: {said}");
    let revoking = ["device", "revoke", "gate-1"];
    house.library.command(&revoking).await.unwrap();
    // It comes back by itself, and is told that it may not.
    let said = listening.refused().await.unwrap();
    assert!(said.contains("Refused"), "{said}");
}
