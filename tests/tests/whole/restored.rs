//! The gateway is restored from yesterday's backup: yesterday's facts come again by themselves.

use std::path::Path;
use std::time::Duration;

use lujiang_tests::gate::Gate;
use lujiang_tests::site::{Library, PATIENCE};

async fn restored(plant: Option<&str>, patience: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data"))?;
    library.start().await?;
    let issued = library.add_device("gate-1", "gate", "main").await?;
    let agent_data = folder.path().join("agent-data");
    let mut gate = Gate::planted(&library, &issued, &agent_data, plant)?
        .with_certificate(&library, &issued, &agent_data)
        .await?;
    gate.start()?;
    gate.is_read(0).await?;
    gate.counter.pass(10, 0);
    library.total_becomes(10, PATIENCE).await?;

    library.stop().await?;
    let backup = folder.path().join("backup");
    copy(library.data(), &backup)?;
    library.start().await?;
    gate.counter.pass(7, 0);
    library.total_becomes(17, PATIENCE).await?;
    gate.is_settled().await?;

    library.stop().await?;
    std::fs::remove_dir_all(library.data())?;
    copy(&backup, library.data())?;
    library.start().await?;
    library.total_becomes(17, patience).await?;
    gate.counter.pass(1, 0);
    library.total_becomes(18, patience).await?;
    let report = library
        .get("/api/v1/visits?from=2000-01-01&to=2100-01-01&bucket=year")
        .await?;
    let open = report["gaps"].as_array().map_or(0, |gaps| {
        gaps.iter().filter(|gap| gap["state"] == "open").count()
    });
    anyhow::ensure!(open == 0, "no gap stays open: {report}");
    gate.stop().await?;
    library.stop().await
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_restored_from_yesterday_gets_yesterdays_facts_again() {
    restored(None, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_rows_are_deleted_on_puback() {
    let planted = Some("delete-on-puback");
    let outcome = restored(planted, Duration::from_secs(15)).await;
    let seen = outcome.expect_err("facts deleted on PUBACK cannot come again");
    assert!(
        format!("{seen:#}").contains("for a total of 17"),
        "for this reason alone: {seen:#}"
    );
}
