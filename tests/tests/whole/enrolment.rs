//! How a device gets its certificate, and how it does not.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lujiang_tests::gate::Gate;
use lujiang_tests::papers::Papers;
use lujiang_tests::process::{binary, output};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::json;

async fn house(folder: &Path, authority: &str) -> (Library, Issued) {
    house_with(folder, authority, None).await
}

async fn house_with(folder: &Path, authority: &str, plant: Option<&str>) -> (Library, Issued) {
    std::fs::create_dir_all(folder).unwrap();
    let mut library = Library::planted(folder, &folder.join("data"), plant).unwrap();
    library
        .configure(&format!("[authority]\n{authority}\n"))
        .unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    (library, issued)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_agent_moves_the_total_without_any_password() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    assert_eq!(mode(&gate.identity()), 0o700);
    for entry in std::fs::read_dir(gate.identity()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(4, 2);
    let total = library.total_becomes(4, PATIENCE).await.unwrap();
    assert_eq!(total["undated"], 0, "the agent measured its clock first");
    gate.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_told_before_the_first_run() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let data = folder.path().join("agent-data");
    let gate = Gate::registered(&library, &issued, &data).unwrap();
    let told = json!({"device": "gate-1", "outbox": {}});
    assert_eq!(gate.status().await.unwrap(), told);
    assert!(!data.exists(), "to look is to leave everything as it is");
    let gate = gate.with_certificate(&library, &issued, &data).await;
    let config = gate.unwrap().config();
    let arguments = ["status", "--config", config.to_str().unwrap()];
    let said = output(&binary("lujiang-agent"), &arguments).await.unwrap();
    for line in [
        "outbox   empty",
        "identity certificate until",
        "link     never tried",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
}

/// Why nobody enrols with this secret: the status is the caller's fault, and the text says it.
async fn refused(library: &Library, device: &str, token: &str) -> anyhow::Result<String> {
    let asked = Papers::with_token(library, device, token).await?;
    let Err((status, problem)) = asked else {
        anyhow::bail!("a certificate was given for it");
    };
    anyhow::ensure!((400..500).contains(&status), "{status}: {problem}");
    Ok(problem["detail"].to_string())
}

async fn good_once(plant: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (library, issued) = house_with(folder.path(), "", plant).await;
    let token = library.token(&issued.device).await?;
    let first = Papers::with_token(&library, &issued.device, &token).await?;
    anyhow::ensure!(first.is_ok(), "it is good: {first:?}");
    let said = refused(&library, &issued.device, &token).await?;
    anyhow::ensure!(said.contains("used already"), "{said}");
    // So the agent, with what it prints.
    let data = folder.path().join("agent-data");
    let gate = Gate::registered(&library, &issued, &data)?;
    let Err(refused) = gate.enrol(&library, &token, &[]).await else {
        anyhow::bail!("the agent enrolled with it");
    };
    anyhow::ensure!(
        format!("{refused:#}").contains("used already"),
        "{refused:#}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once() {
    good_once(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_a_used_token_is_good_again() {
    let seen = good_once(Some("token-again")).await.unwrap_err();
    assert!(format!("{seen:#}").contains("was given"), "{seen:#}");
}

async fn good_for_its_device_and_a_while(plant: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (library, issued) = house_with(folder.path(), "token_valid = \"1s\"", plant).await;
    let other = library.add_device("gate-2", "gate", "main").await?;
    let token = library.token(&other.device).await?;
    let said = refused(&library, &issued.device, &token).await?;
    anyhow::ensure!(said.contains("another device"), "{said}");
    let token = library.token(&issued.device).await?;
    let made = std::time::Instant::now();
    until("the token to go by", PATIENCE, async || {
        anyhow::ensure!(made.elapsed() > std::time::Duration::from_millis(1_100));
        Ok(())
    })
    .await?;
    let said = refused(&library, &issued.device, &token).await?;
    anyhow::ensure!(said.contains("expired"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_device_or_gone_by_is_refused() {
    good_for_its_device_and_a_while(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_no_token_goes_by() {
    let plant = Some("judges-no-date");
    let seen = good_for_its_device_and_a_while(plant).await.unwrap_err();
    assert!(format!("{seen:#}").contains("was given"), "{seen:#}");
}

/// An agent with a token of one gateway is shown another.
async fn keeps_its_token_from_strangers(plant: Option<&str>) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (library, issued) = house(&folder.path().join("one"), "").await;
    let (stranger, _) = house(&folder.path().join("two"), "").await;
    let token = library.token(&issued.device).await?;
    let data = folder.path().join("agent-data");
    let gate = Gate::registered(&library, &issued, &data)?;
    let program = binary(plant.map_or("lujiang-agent", |_| "planted-agent"));
    let more: Vec<&str> = plant.map_or_else(Vec::new, |plant| vec!["--plant", plant]);
    let Err(refused) = gate.enrol_by(&program, &stranger, &token, &more).await else {
        anyhow::bail!("it enrolled with a stranger");
    };
    let said = format!("{refused:#}");
    anyhow::ensure!(said.contains("is not the one this token is from"), "{said}");
    anyhow::ensure!(!said.contains(&token), "{said}");
    let told = stranger.text("/metrics").await?;
    let asked = r#"route="/api/v1/enrolment""#;
    anyhow::ensure!(!told.contains(asked), "the secret left the device");
    // So the token is still good where it came from.
    gate.enrol(&library, &token, &[]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gives_the_token_of_another_gateway_to_nobody() {
    keeps_its_token_from_strangers(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_an_agent_ignores_the_pin() {
    let outcome = keeps_its_token_from_strangers(Some("ignores-pin")).await;
    let seen = format!("{:#}", outcome.unwrap_err());
    assert!(
        seen.contains("is not the one") || seen.contains("this token is not good"),
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_enrols_again_and_keeps_its_outbox_and_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(2, 0);
    library.total_becomes(2, PATIENCE).await.unwrap();
    gate.stop().await.unwrap();
    let epoch = gate.status().await.unwrap()["epoch"].clone();

    let token = library.token(&issued.device).await.unwrap();
    gate.enrol(&library, &token, &["--again"]).await.unwrap();
    gate.start().unwrap();
    let asked = gate.counter.asked();
    gate.is_read(asked).await.unwrap();
    gate.counter.pass(3, 0);
    library.total_becomes(5, PATIENCE).await.unwrap();
    gate.stop().await.unwrap();
    assert_eq!(gate.status().await.unwrap()["epoch"], epoch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_off_beyond_its_certificates_life_enrols_again_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "device_certificate_valid = \"8s\"").await;
    let data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(2, 0);
    library.total_becomes(2, PATIENCE).await.unwrap();
    gate.stop().await.unwrap();
    let before = gate.status().await.unwrap();
    let end = before["certificate"]["not_after"].as_str().unwrap();
    let end: jiff::Timestamp = end.parse().unwrap();
    gate.counter.pass(3, 0);
    until("the certificate to lapse", PATIENCE, async || {
        anyhow::ensure!(jiff::Timestamp::now() > end + std::time::Duration::from_secs(1));
        Ok(())
    })
    .await
    .unwrap();
    let asked = gate.counter.asked();
    gate.start().unwrap();
    gate.is_read(asked).await.unwrap();
    until("the agent to be refused", PATIENCE, async || {
        let status = gate.status().await?;
        anyhow::ensure!(status["link"]["state"] == "down", "{status}");
        Ok(())
    })
    .await
    .unwrap();
    gate.counter.pass(4, 0);
    // The technician's consent is the token; nothing is to be added, since nothing good is lost.
    let token = library.token(&issued.device).await.unwrap();
    gate.enrol(&library, &token, &[]).await.unwrap();
    library.total_becomes(9, PATIENCE).await.unwrap();
    let after = gate.status().await.unwrap();
    assert_eq!(after["epoch"], before["epoch"]);
    assert_eq!(after["device"], before["device"]);
    gate.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_others_can_read_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let data = folder.path().join("agent-data");
    let gate = Gate::enrolled(&library, &issued, &data).await.unwrap();
    let file = gate.identity().join("identity.json");
    for (path, open, closed) in [(file, 0o644, 0o600), (gate.identity(), 0o755, 0o700)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(open)).unwrap();
        let config = gate.config();
        let arguments = ["run", "--config", config.to_str().unwrap()];
        let refused = output(&binary("lujiang-agent"), &arguments).await;
        let said = format!("{:#}", refused.unwrap_err());
        assert!(said.contains(path.to_str().unwrap()), "{said}");
        assert!(said.contains(&format!("{closed:o}")), "{said}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(closed)).unwrap();
    }
}
