//! A release from the operator's folder to a kiosk's screen, through a real gateway: keys, books,
//! signature, rollout, download, shelf, receipt.

use lujiang_tests::kiosk::Kiosk;
use lujiang_tests::librarian::{Librarian, begun, state};
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::Value;

/// Bytes of a made-up book.
const BOOK_BYTES: u64 = 300_000;

async fn facts(library: &Library, kind: &str) -> usize {
    let entries = library.entries().await.unwrap();
    let is_it = |entry: &&Value| entry.to_string().contains(kind);
    entries.iter().filter(is_it).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_from_the_operators_folder_to_the_screen_and_its_receipt_into_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let library = begun(folder.path()).await.unwrap();
    let mut kiosk = Kiosk::enrolled(&library, "kiosk-1").await.unwrap();
    kiosk.start().await.unwrap();
    let librarian = Librarian::again(&library);
    let books = librarian.publishes("2026-12", 3, BOOK_BYTES).await;
    let books = books.unwrap().into_iter();
    let mut titles: Vec<String> = books.map(|book| book.title).collect();
    let rollout = Librarian::again(&library)
        .rolls_out("2026-12")
        .await
        .unwrap();

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
    until("the receipt in the ledger", PATIENCE, async || {
        let receipts = facts(&library, "library.content.installed.v1").await;
        anyhow::ensure!(receipts == 1, "{receipts}");
        Ok(())
    })
    .await
    .unwrap();

    // Opened at the shelf, it is a use in the ledger.
    let feed: Value = kiosk.get("feed.json").await.unwrap().json().await.unwrap();
    assert_eq!(feed["publications"].as_array().unwrap().len(), 3);
    let shelf = kiosk.get("").await.unwrap().text().await.unwrap();
    assert!(shelf.contains(&titles[0]), "the shelf shows it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_that_is_hidden_is_gone_at_the_next_contact_without_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let library = begun(folder.path()).await.unwrap();
    let mut kiosk = Kiosk::enrolled(&library, "kiosk-1").await.unwrap();
    kiosk.start().await.unwrap();
    Librarian::again(&library)
        .publishes("2026-12", 2, BOOK_BYTES)
        .await
        .unwrap();
    Librarian::again(&library)
        .rolls_out("2026-12")
        .await
        .unwrap();
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
    let library = begun(folder.path()).await.unwrap();
    Librarian::again(&library)
        .publishes("2026-12", 8, BOOK_BYTES)
        .await
        .unwrap();
    let mut first = Kiosk::enrolled(&library, "kiosk-1").await.unwrap();
    Librarian::again(&library)
        .rolls_out("2026-12")
        .await
        .unwrap();
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
