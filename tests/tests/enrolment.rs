//! How a device gets its certificate, and how it does not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lujiang_tests::gate::Gate;
use lujiang_tests::papers::Papers;
use lujiang_tests::process::{binary, output};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;

async fn house(folder: &Path, authority: &str) -> (Library, Issued) {
    std::fs::create_dir_all(folder).unwrap();
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
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
async fn a_token_is_good_once() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "").await;
    let token = library.token(&issued.device).await.unwrap();
    let first = Papers::with_token(&library, &issued.device, &token).await;
    first.unwrap().unwrap();
    let again = Papers::with_token(&library, &issued.device, &token).await;
    let (status, problem) = again.unwrap().unwrap_err();
    assert!((400..500).contains(&status), "{status}: {problem}");
    // So the agent, with what it prints.
    let data = folder.path().join("agent-data");
    let gate = Gate::registered(&library, &issued, &data).unwrap();
    let refused = gate.enrol(&library, &token, &[]).await.unwrap_err();
    assert!(format!("{refused:#}").contains("token"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_device_or_gone_by_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(folder.path(), "token_valid = \"1s\"").await;
    let other = library.add_device("gate-2", "gate", "main").await.unwrap();
    let token = library.token(&other.device).await.unwrap();
    let asked = Papers::with_token(&library, &issued.device, &token).await;
    let (status, problem) = asked.unwrap().unwrap_err();
    assert!((400..500).contains(&status), "{status}: {problem}");
    let token = library.token(&issued.device).await.unwrap();
    let made = std::time::Instant::now();
    until("the token to go by", PATIENCE, async || {
        anyhow::ensure!(made.elapsed() > std::time::Duration::from_millis(1_100));
        Ok(())
    })
    .await
    .unwrap();
    let asked = Papers::with_token(&library, &issued.device, &token).await;
    let (status, problem) = asked.unwrap().unwrap_err();
    assert!((400..500).contains(&status), "{status}: {problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_gives_the_token_of_another_gateway_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued) = house(&folder.path().join("one"), "").await;
    let (stranger, _) = house(&folder.path().join("two"), "").await;
    let token = library.token(&issued.device).await.unwrap();
    let data = folder.path().join("agent-data");
    let gate = Gate::registered(&library, &issued, &data).unwrap();
    let refused = gate.enrol(&stranger, &token, &[]).await.unwrap_err();
    assert!(!format!("{refused:#}").contains(&token), "{refused:#}");
    // The secret did not leave the device: the token is still good where it came from.
    gate.enrol(&library, &token, &[]).await.unwrap();
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
