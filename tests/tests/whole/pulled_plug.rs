//! The plug is pulled: an ext4 file system shut down mid-write without flushing its journal.

use std::collections::BTreeSet;
use std::time::Duration;

use lujiang_tests::disk::Disk;
use lujiang_tests::gate::Gate;
use lujiang_tests::publisher::{Answer, Publisher, Version, visit};
use lujiang_tests::rounds::{BELIEVED, Walk, seed};
use lujiang_tests::site::{Library, PATIENCE};

const ROUNDS: u32 = 20;

/// Pulls the plug under the gateway in rounds; gives back what was acknowledged and is missing.
async fn gateway_unplugged(plant: Option<&str>) -> anyhow::Result<BTreeSet<String>> {
    let folder = tempfile::tempdir()?;
    let disk = Disk::make(folder.path())?;
    let mut library = Library::planted(folder.path(), &disk.path().join("data"), plant)?;
    library.start().await?;
    let issued = library.add_device("plain-1", "gate", "main").await?;
    // The registry is not what is tested here: without it nobody could connect again.
    disk.sync()?;
    let mut acknowledged = BTreeSet::new();
    let mut walk = Walk::seeded(seed(1_122));
    for round in 0..ROUNDS {
        let door = library.endpoints().mqtt;
        let mut publisher = Publisher::connect(door, &issued, Version::V311).await?;
        let pull_after = 20 + walk.die(200);
        let mut next = 0_u32;
        let mut seen = 0;
        while seen < pull_after {
            while publisher.under_way() < 48 {
                let id = format!("{round}-{next}");
                next += 1;
                let event = visit(&issued.device, &id, jiff::Timestamp::now(), 1);
                publisher.publish(&id, &event).await?;
            }
            if let Answer::Acknowledged { id, .. } = publisher.answer().await? {
                acknowledged.insert(id);
                seen += 1;
            }
        }
        // What has left the gateway by now is believed; what a dead machine would say is not.
        while let Some(Answer::Acknowledged { id, .. }) = publisher.answer_at_hand().await? {
            acknowledged.insert(id);
        }
        disk.pull_plug()?;
        library.kill().await?;
        disk.power_up()?;
        if let Err(error) = library.start().await {
            // A registry or ledger that does not come up again has lost everything.
            tracing::warn!(%error, "the gateway did not come up again");
            return Ok(acknowledged);
        }
    }
    let kept: BTreeSet<String> = library
        .entries()
        .await?
        .iter()
        .filter_map(|entry| entry["event"]["id"].as_str().map(str::to_owned))
        .collect();
    library.stop().await?;
    Ok(acknowledged.difference(&kept).cloned().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_gateway_loses_power() {
    let lost = gateway_unplugged(None).await.unwrap();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_the_gateway_does_not_sync() {
    let lost = gateway_unplugged(Some("not-synced")).await;
    let lost = lost.unwrap();
    assert!(
        !lost.is_empty(),
        "synchronous=OFF must lose something in {ROUNDS} rounds"
    );
}

/// Pulls the plug under the agent in rounds; the total must be what the counter counted.
async fn agent_unplugged(plant: Option<&str>, patience: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let disk = Disk::make(folder.path())?;
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data"))?;
    library.configure(BELIEVED)?;
    library.start().await?;
    let issued = library.add_device("gate-1", "gate", "main").await?;
    let agent_data = disk.path().join("agent");
    let mut gate = Gate::planted(&library, &issued, &agent_data, plant)?
        .with_certificate(&library, &issued, &agent_data)
        .await?;
    gate.quickly(&library, &issued, &agent_data)?;
    gate.start()?;
    gate.is_read(0).await?;
    let mut walk = Walk::seeded(seed(2_211));
    for _ in 0..ROUNDS {
        walk.until_some_moment(&gate.counter, Duration::from_millis(800))
            .await;
        disk.pull_plug()?;
        walk.until_some_moment(&gate.counter, Duration::from_millis(50))
            .await;
        gate.kill_if_running().await;
        disk.power_up()?;
        gate.start()?;
    }
    library.total_becomes(walk.entered, patience).await?;
    gate.stop().await?;
    library.total_becomes(walk.entered, patience).await?;
    let quarantine = library.get("/api/v1/quarantine").await?;
    let rows = quarantine["rows"].as_array().map_or(0, Vec::len);
    anyhow::ensure!(
        rows == 0,
        "nothing of ours belongs in quarantine: {quarantine}"
    );
    library.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_total_is_what_was_counted_when_the_agent_loses_power() {
    agent_unplugged(None, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_the_agent_does_not_sync() {
    let outcome = agent_unplugged(Some("not-synced"), Duration::from_secs(15)).await;
    let seen = outcome.expect_err("synchronous=OFF in the outbox must be seen");
    let seen = format!("{seen:#}");
    let lost = ["for a total of", "nothing of ours belongs in quarantine"];
    assert!(
        lost.iter().any(|loss| seen.contains(loss)),
        "for these reasons alone: {seen}"
    );
}
