//! The link is cut in three ways, for seconds and for minutes, and the agent dies meanwhile.

use std::time::Duration;

use lujiang_tests::faketime::libfaketime;
use lujiang_tests::gate::Gate;
use lujiang_tests::link::Weather;
use lujiang_tests::rounds::{BELIEVED, Walk, seed};
use lujiang_tests::site::{Library, PATIENCE};

/// Cuts of these lengths: seconds, and more than a minute.
const CUTS: [Duration; 3] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(65),
];

/// After a cut everything must be there within this time: back-off and keep alive included.
const CATCH_UP: Duration = Duration::from_secs(90);

async fn survives(weather: Weather) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data"))?;
    library.configure(BELIEVED)?;
    library.start().await?;
    let issued = library.add_device("gate-1", "gate", "main").await?;
    let agent_data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &agent_data).await?;
    gate.start()?;
    gate.is_read(0).await?;
    let mut walk = Walk::seeded(seed(3));
    let began = jiff::Timestamp::now();
    for cut in CUTS {
        walk.for_time(&gate.counter, Duration::from_millis(1_500))
            .await;
        library.secure_link().turn(weather);
        walk.for_time(&gate.counter, cut / 4).await;
        gate.kill().await?;
        gate.start()?;
        walk.for_time(&gate.counter, cut / 2).await;
        gate.kill().await?;
        walk.for_time(&gate.counter, cut / 8).await;
        gate.start()?;
        walk.for_time(&gate.counter, cut / 8).await;
        library.secure_link().turn(Weather::Fair);
        library.total_becomes(walk.entered, CATCH_UP).await?;
    }
    gate.stop().await?;
    in_order_with_own_times(&library, began).await?;
    library.stop().await
}

/// Every fact once, in the order of its stream, with times of the walk.
async fn in_order_with_own_times(library: &Library, began: jiff::Timestamp) -> anyhow::Result<()> {
    let mut last_sequence = 0;
    let mut last_end = began;
    for entry in library.entries().await? {
        let event = &entry["event"];
        let sequence: u64 = event["sequence"].as_str().unwrap_or_default().parse()?;
        anyhow::ensure!(
            sequence == last_sequence + 1,
            "{sequence} after {last_sequence}"
        );
        last_sequence = sequence;
        let from: jiff::Timestamp = event["data"]["from"].as_str().unwrap_or_default().parse()?;
        let to: jiff::Timestamp = event["data"]["to"].as_str().unwrap_or_default().parse()?;
        if sequence > 1 {
            let seam = from.duration_since(last_end).abs();
            anyhow::ensure!(
                seam < jiff::SignedDuration::from_millis(50),
                "period {sequence} begins {seam} from the end of the one before"
            );
        }
        last_end = to;
        anyhow::ensure!(entry["quality"] == "synced", "quality of {entry}");
    }
    anyhow::ensure!(last_sequence > 0, "nothing arrived");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn all_arrives_once_and_in_order_after_a_hole() {
    survives(Weather::Hole).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_arrives_once_and_in_order_after_a_freeze() {
    survives(Weather::Freeze).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn all_arrives_once_and_in_order_after_resets() {
    survives(Weather::Reset).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_at_1970_at_2099_and_jumping_loses_no_fact() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.configure(BELIEVED).unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let agent_data = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &agent_data)
        .await
        .unwrap();
    let fake = folder.path().join("faketime");
    gate.environment("LD_PRELOAD", &libfaketime());
    gate.environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    gate.environment("FAKETIME_TIMESTAMP_FILE", fake.to_str().unwrap());
    gate.environment("FAKETIME_NO_CACHE", "1");
    // Before its clock was ever measured: no link, and the battery is empty.
    library.secure_link().turn(Weather::Reset);
    std::fs::write(&fake, "@1970-01-01 00:00:10\n").unwrap();
    let mut walk = Walk::seeded(seed(4));
    let began = jiff::Timestamp::now();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    walk.for_time(&gate.counter, Duration::from_secs(2)).await;
    library.secure_link().turn(Weather::Fair);
    library.total_becomes(walk.entered, PATIENCE).await.unwrap();
    for jump in [
        "+73y",
        "-1d",
        "@2099-12-31 23:59:50",
        "@1970-01-01 00:00:00",
        "+0",
    ] {
        let asked = gate.counter.asked();
        std::fs::write(&fake, format!("{jump}\n")).unwrap();
        walk.for_time(&gate.counter, Duration::from_secs(2)).await;
        gate.is_read(asked).await.unwrap();
        library.total_becomes(walk.entered, PATIENCE).await.unwrap();
        gate.kill().await.unwrap();
        walk.for_time(&gate.counter, Duration::from_millis(200))
            .await;
        gate.start().unwrap();
    }
    let total = library.total_becomes(walk.entered, PATIENCE).await.unwrap();
    assert_eq!(
        total["undated"], 0,
        "the clock was measured before the first fact was sent"
    );
    let (slack, now) = (jiff::SignedDuration::from_secs(120), jiff::Timestamp::now());
    for entry in library.entries().await.unwrap() {
        let corrected: jiff::Timestamp = entry["time"].as_str().unwrap().parse().unwrap();
        let is_within = corrected > began - slack && corrected < now + slack;
        assert!(is_within, "corrected to {corrected}: {entry}");
        assert_eq!(entry["quality"], "synced");
    }
    gate.stop().await.unwrap();
}
