//! Who shows which certificate at the door, with clients that are not ours.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::time::Duration;

use lujiang_tests::bench::client::Dialer;
use lujiang_tests::bench::load::Who;
use lujiang_tests::chain::Chain;
use lujiang_tests::gate::Gate;
use lujiang_tests::packet::{CONNACK, Connect, Version};
use lujiang_tests::papers::Papers;
use lujiang_tests::peer::{mosquitto_pub_by_certificate, openssl, paho_by_certificate};
use lujiang_tests::publisher::visit;
use lujiang_tests::rounds::{Walk, seed};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::json;
use tokio::task::JoinSet;

const TOPIC: &str = "library/v1/devices/gate-1/events";

async fn house(folder: &Path, more: &str) -> (Library, Issued) {
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.configure(more).unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    (library, issued)
}

fn event(id: &str) -> String {
    visit("gate-1", id, jiff::Timestamp::now(), 1).to_string()
}

/// A CONNECT that leaves it to the certificate to say who it is.
fn nameless() -> Vec<u8> {
    let mut connect = Connect::new(Version::V311, "gate-1", "");
    connect.login = None;
    connect.bytes()
}

/// Whether each foreign client is let in: mosquitto_pub, paho, openssl with TLS 1.2 and 1.3.
async fn let_in(library: &Library, papers: &Papers, round: &str) -> Vec<bool> {
    let door = library.endpoints().mqtts;
    let id = format!("{round}-mosquitto");
    let (code, _) = mosquitto_pub_by_certificate(door, papers, &[], TOPIC, &event(&id))
        .await
        .unwrap();
    let publish = event(&format!("{round}-paho"));
    let said = paho_by_certificate(door, papers, 5, &[], &[(TOPIC, &publish)])
        .await
        .unwrap();
    let mut seen = vec![code == 0, said["answers"] == json!([0, null])];
    for version in ["-tls1_2", "-tls1_3"] {
        let said = openssl(door, papers, version, &nameless()).await.unwrap();
        seen.push(said == [CONNACK, 0, 0]);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_clients_come_by_certificate_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let papers = Papers::of(&library, &issued.device).await.unwrap();
    assert_eq!(let_in(&library, &papers, "good").await, [true; 4]);
    library.total_becomes(2, PATIENCE).await.unwrap();

    library
        .command(&["device", "revoke", "gate-1"])
        .await
        .unwrap();
    assert_eq!(let_in(&library, &papers, "stolen").await, [false; 4]);
    let door = library.endpoints().mqtt;
    let code = lujiang_tests::peer::mosquitto_pub(door, &issued, "5", TOPIC, &event("password"))
        .await
        .unwrap();
    assert_ne!(code, 0, "its password is refused too");
    assert_eq!(library.total().await.unwrap()["in"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_cuts_the_live_connection_of_an_agent() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(1, 0);
    library.total_becomes(1, PATIENCE).await.unwrap();
    library
        .command(&["device", "revoke", "gate-1"])
        .await
        .unwrap();
    until("the agent to be off line", PATIENCE, async || {
        let device = library.get("/api/v1/devices/gate-1").await?;
        anyhow::ensure!(device["link"]["state"] != "online", "{device}");
        Ok(())
    })
    .await
    .unwrap();
    gate.counter.pass(1, 0);
    // What it counts from now on waits in its outbox; it does not come back.
    until("a fact to wait", PATIENCE, async || {
        let status = gate.status().await?;
        let visit = &status["outbox"]["visit"];
        anyhow::ensure!(visit["written"].as_u64() > visit["settled"].as_u64());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(library.total().await.unwrap()["in"], 1);
    gate.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_or_another_device_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    library.add_device("gate-2", "gate", "main").await.unwrap();
    let forged = Papers::forged(&library, &issued.device).unwrap();
    assert_eq!(let_in(&library, &forged, "forged").await, [false; 4]);

    let door = library.endpoints().mqtts;
    let other = Papers::of(&library, "gate-2").await.unwrap();
    let text = event("as-another");
    let named = ["-u", "gate-1"];
    let (code, _) = mosquitto_pub_by_certificate(door, &other, &named, TOPIC, &text)
        .await
        .unwrap();
    assert_ne!(code, 0, "the user name is another's");
    // Under its own name it is let in, and cannot publish for the other.
    let said = paho_by_certificate(door, &other, 5, &[], &[(TOPIC, &text)]).await;
    assert_eq!(said.unwrap()["answers"], json!([0x87, null]));
    assert_eq!(library.total().await.unwrap()["in"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_out_of_date_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let more = "[authority]\ndevice_certificate_valid = \"4s\"\n";
    let (library, issued) = house(folder.path(), more).await;
    let papers = Papers::of(&library, &issued.device).await.unwrap();
    let door = library.endpoints().mqtts;
    let say = async || openssl(door, &papers, "-tls1_3", &nameless()).await;
    assert_eq!(say().await.unwrap(), [CONNACK, 0, 0]);
    until("the certificate to lapse", PATIENCE, async || {
        let said = say().await?;
        anyhow::ensure!(said.is_empty(), "{said:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_renews_by_itself_while_facts_flow_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let more = "[authority]\ndevice_certificate_valid = \"9s\"\n";
    let (library, issued) = house(folder.path(), more).await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    let file = gate.identity().join("identity.json");
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    let mut walk = Walk::seeded(seed(400));
    let mut before = std::fs::read(&file).unwrap();
    let mut renewed = 0;
    for _ in 0..60 {
        walk.for_time(&gate.counter, Duration::from_millis(500))
            .await;
        let now = std::fs::read(&file).unwrap();
        if now != before {
            renewed += 1;
            before = now;
        }
        if renewed == 2 {
            break;
        }
    }
    assert_eq!(renewed, 2, "{}", gate.log());
    gate.stop().await.unwrap();
    library.total_becomes(walk.entered, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_certificate_is_replaced_under_200_connections_without_a_drop() {
    const CONNECTIONS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::make(folder.path()).unwrap();
    let data = folder.path().join("data");
    let mut library = Library::in_folder(folder.path(), &data).unwrap();
    let configuration = format!(
        "[mqtt]\nlisten = \"127.0.0.1:0\"\nsessions_max = 1000\n\
         [tls]\nmqtt_listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
         certificate = \"{}\"\nkey = \"{}\"\nreload_interval = \"100ms\"\n\
         [http]\nlisten = \"127.0.0.1:0\"\n",
        chain.certificate.display(),
        chain.key.display()
    );
    library.configure_as(&configuration).unwrap();
    let door = library.start().await.unwrap().mqtts;
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let who = |name: String| Who {
        device: issued.device.clone(),
        client_id: name,
        password: issued.password.clone(),
        papers: None,
    };
    let before = Dialer::new(door, Some(&chain.roots)).unwrap();
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        let client = before.connect(who(format!("c-{number}"))).await;
        clients.push(client.unwrap());
    }
    let chain = Chain::make(folder.path()).unwrap();
    let after = Dialer::new(door, Some(&chain.roots)).unwrap();
    until("the new certificate to be shown", PATIENCE, async || {
        after.connect(who("new".to_owned())).await.map(drop)
    })
    .await
    .unwrap();
    assert!(
        before.connect(who("old".to_owned())).await.is_err(),
        "the old one is shown to nobody any more"
    );
    let mut facts = JoinSet::new();
    for client in clients {
        facts.spawn(client.one_fact("after".to_owned()));
    }
    for fact in facts.join_all().await {
        assert_eq!(fact.unwrap().acknowledged_ever, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_whose_clock_is_at_1970_or_2099_still_comes_by_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    let mut entered = 0;
    for clock in ["@1970-01-02 00:00:00", "@2099-06-01 00:00:00"] {
        let library_file = format!(
            "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1",
            std::env::consts::ARCH
        );
        gate.environment("LD_PRELOAD", &library_file);
        gate.environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        gate.environment("FAKETIME", clock);
        let asked = gate.counter.asked();
        gate.start().unwrap();
        gate.is_read(asked).await.unwrap();
        gate.counter.pass(3, 0);
        entered += 3;
        let total = library.total_becomes(entered, PATIENCE).await.unwrap();
        assert_eq!(total["undated"], 0, "{clock}: {total}");
        gate.stop().await.unwrap();
    }
}
