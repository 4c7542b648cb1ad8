//! The demonstration does what the README says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use lujiang_tests::process::{Process, binary, output};
use lujiang_tests::site::PATIENCE;
use lujiang_tests::wait::until;
use nix::sys::signal::Signal;

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_by_itself_and_the_ledger_has_what_the_doors_counted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["--speed", "600", "--seed", "7", "--for", "16s", "--data"];
    let mut arguments = arguments.to_vec();
    arguments.push(data.to_str().unwrap());
    let said = output(&binary("lujiang-demo"), &arguments).await.unwrap();
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
    until("the sign-in link", PATIENCE, async || {
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
