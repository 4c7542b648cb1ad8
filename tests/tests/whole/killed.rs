//! kill -9 of gateway, agent or both, at seeded random moments: the total is what was counted.

use std::collections::BTreeSet;
use std::time::Duration;

use lujiang_tests::gate::Gate;
use lujiang_tests::publisher::{Answer, Publisher, Version, visit};
use lujiang_tests::rounds::{BELIEVED, Walk, seed};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::is_written;

/// Between two kills at most.
const LONGEST: Duration = Duration::from_millis(300);

/// Kills in rounds and gives back what was counted and what the ledger says at the end.
async fn killed_in_rounds(
    rounds: u32,
    plant: Option<&str>,
    patience: Duration,
) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data"))?;
    library.configure(BELIEVED)?;
    library.start().await?;
    let issued = library.add_device("gate-1", "gate", "main").await?;
    let agent_data = folder.path().join("agent-data");
    let mut gate = Gate::planted(&library, &issued, &agent_data, plant)?
        .with_certificate(&library, &issued, &agent_data)
        .await?;
    // Short periods: a kill strikes often between a reading and what follows from it.
    gate.quickly(&library, &issued, &agent_data)?;
    gate.start()?;
    gate.is_read(0).await?;

    let seed = seed(20_261_122);
    let mut walk = Walk::seeded(seed);
    for _ in 0..rounds {
        // Every second kill of an agent is at a random moment; the other strikes just as its
        // outbox is written, where transactions meet.
        walk.until_some_moment(&gate.counter, LONGEST).await;
        let victim = walk.die(3);
        if victim != 0 {
            if walk.die(2) == 0 {
                is_written(&agent_data.join("outbox.db-wal"), LONGEST).await;
            }
            gate.kill().await?;
        }
        if victim != 1 {
            library.kill().await?;
        }
        walk.until_some_moment(&gate.counter, LONGEST / 4).await;
        if victim != 1 {
            library.start().await?;
        }
        if victim != 0 {
            gate.start()?;
        }
    }
    let expected = walk.entered;
    library
        .total_becomes(expected, patience)
        .await
        .map_err(|error| error.context(format!("seed {seed}, {rounds} rounds")))?;
    gate.stop().await?;
    library.total_becomes(expected, patience).await?;
    let quarantine = library.get("/api/v1/quarantine").await?;
    let rows = quarantine["rows"].as_array().map_or(0, Vec::len);
    anyhow::ensure!(
        rows == 0,
        "nothing of ours belongs in quarantine: {quarantine}"
    );
    library.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_kills_change_no_total() {
    killed_in_rounds(100, None, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_reading_and_period_are_written_apart() {
    let planted = Some("reading-apart");
    let outcome = killed_in_rounds(100, planted, Duration::from_secs(15)).await;
    let seen = outcome.expect_err("a kill between the two transactions must be seen in the total");
    assert!(
        format!("{seen:#}").contains("for a total of"),
        "for this reason alone: {seen:#}"
    );
}

/// Kills the gateway under a plain device that publishes, and gives back the events whose PUBACK
/// it saw and that are not in the ledger.
async fn acknowledged_and_lost(
    rounds: u32,
    plant: Option<&str>,
) -> anyhow::Result<BTreeSet<String>> {
    let folder = tempfile::tempdir()?;
    let mut library = Library::planted(folder.path(), &folder.path().join("data"), plant)?;
    library.start().await?;
    let issued = library.add_device("plain-1", "gate", "main").await?;
    let mut acknowledged = BTreeSet::new();
    let mut walk = Walk::seeded(seed(7));
    for round in 0..rounds {
        let window = 20 + walk.die(60);
        acknowledged.extend(publish_and_kill(&mut library, &issued, round, window).await?);
        library.start().await?;
    }
    let kept = library.entries().await?;
    let kept: BTreeSet<String> = kept
        .iter()
        .filter_map(|entry| entry["event"]["id"].as_str().map(str::to_owned))
        .collect();
    let known = acknowledged.intersection(&kept).count();
    anyhow::ensure!(known > 0, "nothing that was acknowledged is in the ledger");
    Ok(acknowledged.difference(&kept).cloned().collect())
}

/// Publishes without a pause, kills the gateway after so many PUBACKs, and reads what still came.
async fn publish_and_kill(
    library: &mut Library,
    issued: &Issued,
    round: u32,
    window: u32,
) -> anyhow::Result<Vec<String>> {
    let door = library.endpoints().mqtt;
    let mut publisher = Publisher::connect(door, issued, Version::V311).await?;
    let mut acknowledged = Vec::new();
    let mut next = 0_u32;
    while acknowledged.len() < window as usize {
        while publisher.under_way() < 48 {
            let id = format!("{round}-{next}");
            next += 1;
            publisher
                .publish(&id, &visit(&issued.device, &id, jiff::Timestamp::now(), 1))
                .await?;
        }
        if let Answer::Acknowledged { id, .. } = publisher.answer().await? {
            acknowledged.push(id);
        }
    }
    library.kill().await?;
    while let Ok(Answer::Acknowledged { id, .. }) = publisher.answer().await {
        acknowledged.push(id);
    }
    Ok(acknowledged)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_gateway_is_killed() {
    let lost = acknowledged_and_lost(20, None).await.unwrap();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_is_red_when_the_puback_leaves_before_the_commit() {
    let planted = Some("acknowledge-early");
    let lost = acknowledged_and_lost(20, planted).await.unwrap();
    assert!(
        !lost.is_empty(),
        "a PUBACK before the commit must lose something in 20 kills"
    );
}
