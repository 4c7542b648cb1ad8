//! A release from the operator's folder to a kiosk's screen, through a real gateway: keys, books,
//! signature, rollout, download, shelf, receipt.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use lujiang_tests::epubs::{Licence, Wish, deliver};
use lujiang_tests::kiosk::Kiosk;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::{Value, json};

async fn library(folder: &Path) -> Library {
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.start().await.unwrap();
    let keys = folder.join("keys");
    let init = ["content", "keys", "init", keys.to_str().unwrap()];
    library.command(&init).await.unwrap();
    library
}

/// Publishes so many made-up books; their titles.
async fn publish(library: &Library, release: &str, seed: u64, epubs: u32) -> Vec<String> {
    let books = library.folder().join(release);
    let wish = Wish {
        seed,
        epubs,
        pdfs: 0,
        book_bytes: 300_000,
        licence: Licence {
            start: "2026-01-01".into(),
            end: "2199-12-31".into(),
            copies: None,
            ..Licence::default()
        },
    };
    let made = deliver(&books, &wish).unwrap();
    let (licences, keys) = (books.join("licences.csv"), library.folder().join("keys"));
    let [books, licences, keys] = [&books, &licences, &keys].map(|it| it.to_str().unwrap());
    let publish = [
        "content",
        "publish",
        "--release",
        release,
        books,
        "--licences",
        licences,
        "--keys",
        keys,
        "--yes",
    ];
    library.command(&publish).await.unwrap();
    made.books.into_iter().map(|book| book.title).collect()
}

/// Rolls a release out to every kiosk at once.
async fn roll_out(library: &Library, release: &str) -> u64 {
    let all = json!({
        "release": release,
        "stages": [{
            "name": "all",
            "success": { "percent": 100, "sample_min": 1 },
            "failure": { "percent": 50, "sample_min": 1 },
        }],
    });
    let planned = library.post("/api/v1/rollouts", &all).await.unwrap();
    let number = planned["number"].as_u64().unwrap();
    let start = format!("/api/v1/rollouts/{number}/start");
    library.post(&start, &json!({})).await.unwrap();
    number
}

/// The state of a device in a rollout.
async fn state(library: &Library, rollout: u64, device: &str) -> anyhow::Result<String> {
    let rollout = library.get(&format!("/api/v1/rollouts/{rollout}")).await?;
    let members = rollout["devices"].as_array().cloned().unwrap_or_default();
    let member = members.into_iter().find(|it| it["device"] == device);
    let state = member.as_ref().and_then(|it| it["state"].as_str());
    Ok(state.unwrap_or("no member").to_owned())
}

async fn facts(library: &Library, kind: &str) -> usize {
    let entries = library.entries().await.unwrap();
    let is_it = |entry: &&Value| entry.to_string().contains(kind);
    entries.iter().filter(is_it).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_from_the_operators_folder_to_the_screen_and_its_receipt_into_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    let mut kiosk = Kiosk::enrolled(&library, "kiosk-1").await.unwrap();
    kiosk.start().await.unwrap();
    let mut titles = publish(&library, "2026-12", 1, 3).await;
    let rollout = roll_out(&library, "2026-12").await;

    kiosk.shows("2026-12").await.unwrap();

    let mut shown = kiosk.titles().await.unwrap();
    shown.sort();
    titles.sort();
    assert_eq!(shown, titles);
    until("the rollout to know", PATIENCE, async || {
        let state = state(&library, rollout, "kiosk-1").await?;
        anyhow::ensure!(state == "shown", "{state}");
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(facts(&library, "library.content.installed.v1").await, 1);

    // Opened at the shelf, it is a use in the ledger.
    let feed: Value = kiosk.get("feed.json").await.unwrap().json().await.unwrap();
    assert_eq!(feed["publications"].as_array().unwrap().len(), 3);
    let shelf = kiosk.get("").await.unwrap().text().await.unwrap();
    assert!(shelf.contains(&titles[0]), "the shelf shows it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_is_hidden_is_gone_at_the_next_contact_without_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    let mut kiosk = Kiosk::enrolled(&library, "kiosk-1").await.unwrap();
    kiosk.start().await.unwrap();
    publish(&library, "2026-12", 2, 2).await;
    roll_out(&library, "2026-12").await;
    kiosk.shows("2026-12").await.unwrap();
    // Whoever hides a title needs no key.
    std::fs::rename(folder.path().join("keys"), folder.path().join("taken-home")).unwrap();
    let feed: Value = kiosk.get("feed.json").await.unwrap().json().await.unwrap();
    let hidden = feed["publications"][0]["metadata"]["identifier"]
        .as_str()
        .unwrap();

    // The kiosk is off, and hears of it when it is back.
    kiosk.stop().await;
    let hide = ["content", "hide", hidden, "--reason", "withdrawn"];
    library.command(&hide).await.unwrap();
    kiosk.start().await.unwrap();

    until("the title to be gone", PATIENCE, async || {
        let left = kiosk.titles().await?;
        anyhow::ensure!(left.len() == 1, "{left:?}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kiosk_that_is_new_joins_and_one_that_is_killed_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    publish(&library, "2026-12", 3, 8).await;
    let mut first = Kiosk::enrolled(&library, "kiosk-1").await.unwrap();
    roll_out(&library, "2026-12").await;
    for _ in 0..5 {
        first.start().await.unwrap();
        tokio::task::yield_now().await;
        first.kill();
    }
    first.start().await.unwrap();
    first.shows("2026-12").await.unwrap();
    assert_eq!(first.titles().await.unwrap().len(), 8);

    let mut second = Kiosk::enrolled(&library, "kiosk-2").await.unwrap();
    second.start().await.unwrap();
    second.shows("2026-12").await.unwrap();
    assert_eq!(second.titles().await.unwrap().len(), 8);
}
