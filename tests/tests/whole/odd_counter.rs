//! The counter rolls over, is reset, unplugged, slow, or answers nonsense: no invented visits.

use std::path::Path;
use std::time::Duration;

use lujiang_tests::counter::Manner;
use lujiang_tests::gate::Gate;
use lujiang_tests::rounds::{BELIEVED, Walk, seed};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::Value;

async fn house(folder: &Path) -> (Library, Issued, Gate) {
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.configure(BELIEVED).unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let gate = Gate::enrolled(&library, &issued, &folder.join("agent-data"))
        .await
        .unwrap();
    (library, issued, gate)
}

/// Waits until some fact carries this flag.
async fn is_flagged(library: &Library, flag: &str) -> Value {
    until(&format!("a period flagged {flag}"), PATIENCE, async || {
        let entries = library.entries().await?;
        let flagged = entries.into_iter().find(|entry| {
            let flags = entry["event"]["data"]["flags"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            flags.iter().any(|found| found == flag)
        });
        flagged.ok_or_else(|| anyhow::anyhow!("no such flag"))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_rolls_over_goes_on_counting() {
    let folder = tempfile::tempdir().unwrap();
    let (library, _, mut gate) = house(folder.path()).await;
    gate.counter.set((1 << 32) - 3);
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(2, 0);
    library.total_becomes(2, PATIENCE).await.unwrap();
    gate.counter.pass(5, 0);
    library.total_becomes(7, PATIENCE).await.unwrap();
    is_flagged(&library, "rollover").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_begins_again_invents_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (library, _, mut gate) = house(folder.path()).await;
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(40, 40);
    library.total_becomes(40, PATIENCE).await.unwrap();
    gate.counter.reset();
    let asked = gate.counter.asked();
    gate.is_read(asked).await.unwrap();
    is_flagged(&library, "reset").await;
    gate.counter.pass(2, 2);
    library.total_becomes(42, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_line_is_a_hole_in_the_hours_but_not_in_the_total() {
    let folder = tempfile::tempdir().unwrap();
    let (library, _, mut gate) = house(folder.path()).await;
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(4, 0);
    library.total_becomes(4, PATIENCE).await.unwrap();
    // On a busy machine the first readings can be too far apart to be called watching.
    until("a watched period", PATIENCE, async || {
        let total = library.total().await?;
        anyhow::ensure!(total["complete"].is_number(), "{total}");
        Ok(())
    })
    .await
    .unwrap();
    gate.counter.unplug();
    let mut walk = Walk::seeded(seed(5));
    walk.for_time(&gate.counter, Duration::from_secs(4)).await;
    let asked = gate.counter.asked();
    gate.counter.plug_in().unwrap();
    gate.is_read(asked).await.unwrap();
    let total = library
        .total_becomes(4 + walk.entered, PATIENCE)
        .await
        .unwrap();
    is_flagged(&library, "recovered").await;
    let complete = total["complete"].as_f64().unwrap();
    assert!(complete < 1.0, "nobody watched for four seconds: {total}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_answers_late_silently_or_with_nonsense_invents_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (library, issued, mut gate) = house(folder.path()).await;
    let data = folder.path().join("agent-data");
    gate.be_impatient(&library, &issued, &data).unwrap();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    let mut walk = Walk::seeded(seed(6));
    for manner in [
        Manner::Late,
        Manner::Nonsense,
        Manner::Silent,
        Manner::Exception,
    ] {
        let asked = gate.counter.asked();
        gate.counter.behave(manner);
        walk.for_time(&gate.counter, Duration::from_secs(3)).await;
        gate.is_read(asked).await.unwrap();
        gate.counter.behave(Manner::Well);
        let asked = gate.counter.asked();
        gate.is_read(asked).await.unwrap();
        library
            .total_becomes(walk.entered, PATIENCE)
            .await
            .map_err(|error| error.context(format!("after {manner:?}: {}", gate.log())))
            .unwrap();
    }
    is_flagged(&library, "implausible").await;
}
