//! A reading room without a line: the bus brings its release and takes its facts along, through a
//! real gateway.

use std::path::{Path, PathBuf};

use lujiang_agent::Outbox;
use lujiang_tests::librarian::{Librarian, begun, state};
use lujiang_tests::link::Weather;
use lujiang_tests::papers::Papers;
use lujiang_tests::route::Route;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use lujiang_wire::Stream;
use reqwest::StatusCode;
use serde_json::Value;

/// Bytes of a made-up book.
const BOOK_BYTES: u64 = 300_000;

const INSTALLED: &str = "library.content.installed.v1";

/// The facts of this kind that count.
async fn counted(library: &Library, kind: &str) -> usize {
    let entries = library.entries().await.unwrap();
    let is_it = |entry: &&Value| {
        let text = entry.to_string();
        text.contains(kind) && !text.contains("quarantine")
    };
    entries.iter().filter(is_it).count()
}

async fn counts(library: &Library, kind: &str, expected: usize) {
    until("the fact to count", PATIENCE, async || {
        let found = counted(library, kind).await;
        anyhow::ensure!(found == expected, "{found} of {kind}");
        Ok(())
    })
    .await
    .unwrap();
}

/// Files in a folder of what is on board; one that is being written is none yet.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|it| it.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .collect()
}

async fn until_on_board(folder: &Path, name: &str) {
    let place = folder.join(name);
    until("it to be on board", PATIENCE, async || {
        anyhow::ensure!(place.exists(), "{} is not there", place.display());
        Ok(())
    })
    .await
    .unwrap();
}

/// Drives to the room and waits until its facts are in the satchel.
async fn fetch_facts(route: &Route) {
    route.at_the_room();
    let satchel = route.on_board().join("facts");
    until("the facts of the room", PATIENCE, async || {
        anyhow::ensure!(!files(&satchel).is_empty(), "none yet");
        Ok(())
    })
    .await
    .unwrap();
}

/// Drives to the library and waits until the satchel is empty, and the room knows that it is gone.
async fn bring_facts(route: &Route) {
    route.at_the_library();
    until_gone(route).await;
    let satchel = route.on_board().join("facts");
    until("the satchel to be empty", PATIENCE, async || {
        let left = files(&satchel).len();
        anyhow::ensure!(left == 0, "{left} on the way");
        Ok(())
    })
    .await
    .unwrap();
}

async fn until_gone(route: &Route) {
    until("the bus to be gone", PATIENCE, async || {
        let status = route.kiosk.agent().status().await?;
        anyhow::ensure!(status.bus_is_here == Some(false), "it is here");
        Ok(())
    })
    .await
    .unwrap();
}

async fn waiting(route: &Route) -> u64 {
    let depths = route.kiosk.agent().outbox().with(Outbox::depth).await;
    let receipts = depths.unwrap().get(&Stream::Receipt).copied();
    receipts.map_or(0, |depth| depth.waiting)
}

async fn until_settled(route: &Route) {
    until("the receipts to settle the facts", PATIENCE, async || {
        let waiting = waiting(route).await;
        anyhow::ensure!(waiting == 0, "{waiting} wait");
        Ok(())
    })
    .await
    .unwrap();
}

/// A release that is rolled out and on board of the bus.
async fn loaded(library: &Library, route: &mut Route) -> u64 {
    Librarian::again(library)
        .publishes("2026-12", 3, BOOK_BYTES)
        .await
        .unwrap();
    let rollout = Librarian::again(library)
        .rolls_out("2026-12")
        .await
        .unwrap();
    route.start_bus().await.unwrap();
    until_on_board(&route.on_board(), "letters/kiosk-1.wish").await;
    rollout
}

/// A room that shows its release, and whose receipt is on the bus, which has broken down there.
async fn broken_down(library: &Library) -> Route {
    let mut route = Route::of(library).await.unwrap();
    loaded(library, &mut route).await;
    route.kiosk.start().await.unwrap();
    route.at_the_room();
    route.kiosk.shows("2026-12").await.unwrap();
    fetch_facts(&route).await;
    route.kill_bus();
    route
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_without_a_line_gets_its_release_by_the_bus_and_its_facts_count_once() {
    let folder = tempfile::tempdir().unwrap();
    let library = begun(folder.path()).await.unwrap();
    let mut route = Route::of(&library).await.unwrap();
    let rollout = loaded(&library, &mut route).await;
    route.kiosk.start().await.unwrap();

    route.at_the_room();
    route.kiosk.shows("2026-12").await.unwrap();
    assert_eq!(route.kiosk.titles().await.unwrap().len(), 3);
    fetch_facts(&route).await;
    assert_eq!(waiting(&route).await, 1, "what was given is not settled");
    assert_eq!(counted(&library, INSTALLED).await, 0);

    // The bus's computer is switched off on the way.
    route.kill_bus();
    route.at_the_library();
    route.start_bus().await.unwrap();
    bring_facts(&route).await;
    counts(&library, INSTALLED, 1).await;
    until("the rollout to know", PATIENCE, async || {
        let state = state(&library, rollout, "kiosk-1").await?;
        anyhow::ensure!(state == "shown", "{state}");
        Ok(())
    })
    .await
    .unwrap();

    until_on_board(&route.on_board(), "letters/kiosk-1.receipts").await;
    route.at_the_room();
    until_settled(&route).await;

    // A line at last: nothing is said twice.
    route.turn_room(Weather::Fair);
    until("the room on line", PATIENCE, async || {
        let devices = library.get("/api/v1/devices/kiosk-1").await?;
        anyhow::ensure!(devices["link"] == "online", "{devices}");
        Ok(())
    })
    .await
    .unwrap();
    counts(&library, INSTALLED, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_that_is_changed_on_the_bus_counts_for_nobody_and_is_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let library = begun(folder.path()).await.unwrap();
    let mut route = broken_down(&library).await;
    // Somebody at the bus's computer wants another release to have been shown.
    for file in files(&route.on_board().join("facts")) {
        let mut signed: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let mut signature = signed["signature"].as_str().unwrap().to_owned();
        signature.replace_range(8..12, "AAAA");
        signed["signature"] = signature.into();
        std::fs::write(&file, signed.to_string()).unwrap();
    }
    route.at_the_library();
    route.start_bus().await.unwrap();
    bring_facts(&route).await;

    until("it to be kept aside", PATIENCE, async || {
        let aside = library.get("/api/v1/quarantine").await?.to_string();
        anyhow::ensure!(
            aside.contains("not-signed") && aside.contains("bus-1"),
            "{aside}"
        );
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(counted(&library, INSTALLED).await, 0);
    // The room has its facts still, and gives them to the next that comes.
    fetch_facts(&route).await;
    bring_facts(&route).await;
    counts(&library, INSTALLED, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_are_not_the_gateways_or_not_for_this_room_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let library = begun(folder.path()).await.unwrap();
    let mut route = broken_down(&library).await;
    // Receipts that somebody made up: all of it is in the ledger.
    let letters = route.on_board().join("letters");
    let wish = std::fs::read(letters.join("kiosk-1.wish")).unwrap();
    std::fs::write(letters.join("kiosk-1.receipts"), &wish).unwrap();
    for file in files(&route.on_board().join("facts")) {
        std::fs::remove_file(file).unwrap();
    }
    until_gone(&route).await;
    route.start_bus().await.unwrap();

    // It was heard: what waits is given again to a bus that came anew.
    fetch_facts(&route).await;
    assert_eq!(waiting(&route).await, 1, "made-up receipts settle nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_shut_out_gets_nothing_by_the_bus_either() {
    let folder = tempfile::tempdir().unwrap();
    let library = begun(folder.path()).await.unwrap();
    let mut route = Route::of(&library).await.unwrap();
    loaded(&library, &mut route).await;
    let letter = route.on_board().join("letters/kiosk-1.wish");
    assert!(letter.exists());
    let papers = Papers::of(&library, "kiosk-1").await.unwrap();
    route.at_the_room();
    assert_eq!(given(&route, &papers).await, StatusCode::OK);
    route.at_the_library();

    let revoke = ["device", "revoke", "kiosk-1"];
    library.command(&revoke).await.unwrap();

    until("its letters to be gone", PATIENCE, async || {
        anyhow::ensure!(!letter.exists(), "there is one");
        Ok(())
    })
    .await
    .unwrap();
    // The books it shared with the others on the route are on board, and not for it.
    route.at_the_room();
    assert_eq!(given(&route, &papers).await, StatusCode::FORBIDDEN);
}

/// What the bus says to who asks for what is published, and shows these papers.
async fn given(route: &Route, papers: &Papers) -> StatusCode {
    let pem = [&papers.certificate, &papers.key].map(|it| std::fs::read(it).unwrap());
    let identity = reqwest::Identity::from_pem(&pem.concat()).unwrap();
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true);
    let http = http.identity(identity).build().unwrap();
    let url = format!(
        "https://{}/content/v1/metadata/timestamp.json",
        route.road()
    );
    http.get(url).send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_certificate_of_a_device_on_the_route_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let library = begun(folder.path()).await.unwrap();
    let mut route = Route::of(&library).await.unwrap();
    loaded(&library, &mut route).await;
    route.at_the_room();

    let anybody = reqwest::Client::builder().tls_danger_accept_invalid_certs(true);
    let url = format!(
        "https://{}/content/v1/metadata/timestamp.json",
        route.road()
    );
    let asked = anybody.build().unwrap().get(url).send().await;

    assert!(asked.is_err(), "{asked:?}");
}
