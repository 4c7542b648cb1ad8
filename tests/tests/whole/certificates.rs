//! Who shows which certificate at the door, with clients that are not ours.

use std::path::Path;
use std::time::Duration;

use lujiang_tests::gate::Gate;
use lujiang_tests::packet::{CONNACK, Connect, Version};
use lujiang_tests::papers::Papers;
use lujiang_tests::peer::{
    mosquitto_pub, mosquitto_pub_by_certificate, openssl, paho_by_certificate,
};
use lujiang_tests::publisher::visit;
use lujiang_tests::rounds::{BELIEVED, Walk, seed};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::json;

const TOPIC: &str = "library/v1/devices/gate-1/events";

async fn house(folder: &Path, more: &str) -> (Library, Issued) {
    house_with(folder, more, None).await
}

async fn house_with(folder: &Path, more: &str, plant: Option<&str>) -> (Library, Issued) {
    let mut library = Library::planted(folder, &folder.join("data"), plant).unwrap();
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

async fn good_until_revoked(plant: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (library, issued) = house_with(folder.path(), "", plant).await;
    let papers = Papers::of(&library, &issued.device).await?;
    let seen = let_in(&library, &papers, "good").await;
    anyhow::ensure!(seen == [true; 4], "good: {seen:?}");
    library.total_becomes(2, PATIENCE).await?;

    library.command(&["device", "revoke", "gate-1"]).await?;
    let seen = let_in(&library, &papers, "stolen").await;
    anyhow::ensure!(seen == [false; 4], "revoked: {seen:?}");
    let door = library.endpoints().mqtt;
    let code = mosquitto_pub(door, &issued, "5", TOPIC, &event("password")).await?;
    anyhow::ensure!(code != 0, "its password is refused too");
    anyhow::ensure!(library.total().await?["in"] == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_clients_come_by_certificate_until_it_is_revoked() {
    good_until_revoked(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_a_revoked_certificate_is_taken() {
    let plant = Some("believes-ended-certificate");
    let seen = good_until_revoked(plant).await.unwrap_err();
    assert!(format!("{seen:#}").contains("revoked: ["), "{seen:#}");
}

async fn revoking_cuts(plant: Option<&str>, patience: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (library, issued) = house_with(folder.path(), "", plant).await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await?;
    gate.start()?;
    gate.is_read(0).await?;
    gate.counter.pass(1, 0);
    library.total_becomes(1, PATIENCE).await?;
    let link_is = async |state: &str| {
        let device = library.get("/api/v1/devices/gate-1").await?;
        anyhow::ensure!(device["link"] == state, "{device}");
        Ok(())
    };
    until("the agent to be on line", PATIENCE, async || {
        link_is("online").await
    })
    .await?;
    library.command(&["device", "revoke", "gate-1"]).await?;
    until("the agent to be off line", patience, async || {
        link_is("offline").await
    })
    .await?;
    gate.counter.pass(1, 0);
    // What it counts from now on waits in its outbox; it does not come back.
    until("a fact to wait", PATIENCE, async || {
        let status = gate.status().await?;
        let visit = &status["outbox"]["visit"];
        anyhow::ensure!(visit["written"].as_u64() > visit["settled"].as_u64());
        Ok(())
    })
    .await?;
    anyhow::ensure!(library.total().await?["in"] == 1);
    gate.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn revoking_cuts_the_live_connection_of_an_agent() {
    revoking_cuts(None, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_revoking_cuts_nobody() {
    let patience = Duration::from_secs(5);
    let seen = revoking_cuts(Some("cuts-nobody"), patience).await;
    let seen = format!("{:#}", seen.unwrap_err());
    assert!(seen.contains("for the agent to be off line"), "{seen}");
}

async fn only_of_its_own_authority_and_device(plant: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (library, issued) = house_with(folder.path(), "", plant).await;
    library.add_device("gate-2", "gate", "main").await?;
    let forged = Papers::forged(&library, &issued.device)?;
    let seen = let_in(&library, &forged, "forged").await;
    anyhow::ensure!(seen == [false; 4], "forged: {seen:?}");

    let door = library.endpoints().mqtts;
    let other = Papers::of(&library, "gate-2").await?;
    let text = event("as-another");
    let named = ["-u", "gate-1"];
    let (code, _) = mosquitto_pub_by_certificate(door, &other, &named, TOPIC, &text).await?;
    anyhow::ensure!(code != 0, "the user name is another's, and it was let in");
    // Under its own name it is let in, and cannot publish for the other.
    let said = paho_by_certificate(door, &other, 5, &[], &[(TOPIC, &text)]).await?;
    anyhow::ensure!(said["answers"] == json!([0x87, null]), "{said}");
    anyhow::ensure!(library.total().await?["in"] == 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_or_another_device_is_refused() {
    only_of_its_own_authority_and_device(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_the_user_name_is_believed() {
    let plant = Some("believes-user-name");
    let seen = only_of_its_own_authority_and_device(plant).await;
    let seen = format!("{:#}", seen.unwrap_err());
    assert!(seen.contains("another's, and it was let in"), "{seen}");
}

async fn good_until_its_date(plant: Option<&str>, patience: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let more = "[authority]\ndevice_certificate_valid = \"8s\"\n";
    let (library, issued) = house_with(folder.path(), more, plant).await;
    let papers = Papers::of(&library, &issued.device).await?;
    let door = library.endpoints().mqtts;
    let say = async || openssl(door, &papers, "-tls1_3", &nameless()).await;
    let said = say().await?;
    anyhow::ensure!(said == [CONNACK, 0, 0], "{said:?}");
    until("the certificate to lapse", patience, async || {
        let said = say().await?;
        anyhow::ensure!(said.is_empty(), "{said:?}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_out_of_date_is_refused() {
    good_until_its_date(None, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_no_date_is_judged() {
    let patience = Duration::from_secs(14);
    let seen = good_until_its_date(Some("judges-no-date"), patience).await;
    let seen = format!("{:#}", seen.unwrap_err());
    assert!(seen.contains("for the certificate to lapse"), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_renews_by_itself_while_facts_flow_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let more = format!("[authority]\ndevice_certificate_valid = \"15s\"\n{BELIEVED}");
    let (library, issued) = house(folder.path(), &more).await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    let file = gate.identity().join("identity.json");
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    let mut walk = Walk::seeded(seed(400));
    let mut before = std::fs::read(&file).unwrap();
    let mut renewed = 0;
    for _ in 0..120 {
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
