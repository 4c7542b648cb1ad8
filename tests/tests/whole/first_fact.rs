//! One visit travels from a door to a report.

use lujiang_tests::gate::Gate;
use lujiang_tests::publisher::{Publisher, Version, visit};
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_walks_through_a_gate_is_in_the_total() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let agent_data = folder.path().join("agent-data");
    let mut gate = Gate::registered(&library, &issued, &agent_data).unwrap();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();

    gate.counter.pass(3, 1);

    let total = library.total_becomes(3, PATIENCE).await.unwrap();
    assert_eq!(total["out"], 1);
    assert_eq!(total["visits"], 3);
    assert_eq!(total["undated"], 0, "the agent measured its clock first");
    gate.stop().await.unwrap();
    library.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_stopped_by_sigterm_reads_its_counter_a_last_time_and_sends_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let agent_data = folder.path().join("agent-data");
    let mut gate = Gate::registered(&library, &issued, &agent_data).unwrap();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    until("the agent to be on-line", PATIENCE, async || {
        let device = library.get("/api/v1/devices/gate-1").await?;
        anyhow::ensure!(device["link"] == "online", "{device}");
        Ok(())
    })
    .await
    .unwrap();
    gate.counter.pass(5, 5);
    gate.stop().await.unwrap();
    library.total_becomes(5, PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_device_of_either_version_moves_the_total() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    let endpoints = library.start().await.unwrap();
    for (version, device) in [(Version::V311, "plain-311"), (Version::V5, "plain-5")] {
        let issued = library.add_device(device, "gate", "main").await.unwrap();
        let mut publisher = Publisher::connect(endpoints.mqtt, &issued, version)
            .await
            .unwrap();
        let event = visit(device, "one", jiff::Timestamp::now(), 2);
        publisher.deliver("one", &event).await.unwrap();
        publisher.deliver("one", &event).await.unwrap();
    }
    library.total_becomes(4, PATIENCE).await.unwrap();
}
