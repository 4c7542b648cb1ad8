//! The demonstration does what the README says.

use std::time::Duration;

use anyhow::Context as _;
use lujiang_tests::process::{Process, binary, output_within};
use lujiang_tests::wait::until;
use nix::sys::signal::Signal;

/// Longest wait for a release to go to one kiosk, then to the other; and for the whole of a
/// demonstration.
const LONG: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_itself_and_the_ledger_has_what_the_doors_counted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["--speed", "600", "--seed", "7", "--for", "16s", "--data"];
    let mut arguments = arguments.to_vec();
    arguments.push(data.to_str().unwrap());
    // It is done when it says so; on a busy machine its beginning and end take as long again.
    let demo = binary("lujiang-demo");
    let said = output_within(&demo, &arguments, LONG).await.unwrap();
    assert!(
        said.contains("8 devices")
            && said.contains("in the library system")
            && said.contains("/sign-in?token="),
        "{said}"
    );
    assert!(said.trim_end().ends_with(": whole"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn control_c_ends_it_cleanly_and_says_where_its_data_are() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let data = folder.path().join("data");
    let arguments = ["--speed", "600", "--data", data.to_str().unwrap()];
    let mut demo = Process::start(&binary("lujiang-demo"), &arguments, &log).unwrap();
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    until("the sign-in link", LONG, async || {
        demo.check_running()?;
        anyhow::ensure!(said().contains("/sign-in?token="), "{}", said());
        Ok(())
    })
    .await
    .unwrap();
    assert!(said().contains(data.to_str().unwrap()));
    demo.signal(Signal::SIGINT).unwrap();
    let status = demo.ended().await.unwrap();
    assert!(status.success(), "{status}: {}", said());
}

#[tokio::test(flavor = "multi_thread")]
async fn december_reaches_both_kiosks_and_its_shelf_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let data = folder.path().join("data");
    let arguments = ["--speed", "60", "--data", data.to_str().unwrap()];
    let mut demo = Process::start(&binary("lujiang-demo"), &arguments, &log).unwrap();
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    let address = |name: &str| {
        let said = said();
        let line = said.lines().find(|line| line.contains(name));
        let line = line.with_context(|| format!("no {name:?} in {said}"))?;
        let from = line.find("http://").context("an address")?;
        let address = line[from..].split_whitespace().next();
        Ok::<_, anyhow::Error>(address.unwrap_or_default().to_owned())
    };
    let shelf = until("the shelf's address", LONG, async || {
        demo.check_running()?;
        address("shelf")
    });
    let shelf = shelf.await.unwrap();
    let http = reqwest::Client::new();
    let token = std::fs::read_to_string(data.join("gateway/admin.token")).unwrap();
    let page = address("page").unwrap();
    let rollouts = format!("{page}api/v1/rollouts");
    until("both kiosks to show December", LONG, async || {
        let asked = http.get(&rollouts).bearer_auth(token.trim()).send();
        let told: serde_json::Value = asked.await?.error_for_status()?.json().await?;
        let states = &told[0];
        anyhow::ensure!(states["release"] == "2026-12", "{told}");
        anyhow::ensure!(states["counts"]["shown"] == 2, "{told}");
        Ok(())
    })
    .await
    .unwrap();
    let shown = http.get(&shelf).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("data-release=\"2026-12\""), "{shown}");
    demo.signal(Signal::SIGINT).unwrap();
    let status = demo.ended().await.unwrap();
    assert!(status.success(), "{status}: {}", said());
}
