use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use lujiang_content::{
    BlobFacts, BlockHasher, Offer, OnlineKeys, ReleaseTargets, Repository, Said, Vault, document,
};
use lujiang_wire::{
    Allotment, Availability, Boot, Catalogue, CatalogueMetadata, Copies, HiddenTitle, Link,
    LinkProperties, Notices, Publication, PublicationMetadata, TitleAllotment, Uptime,
};
use lujiang_wire::{BlobHash, Label, Taking, TakingState};

use super::*;
use crate::download::{DownloadOptions, Pace, Yielding};
use crate::folder_source::FolderSource;
use crate::shelf::TitleState;
use crate::source::{ETag, Opened, Resource, SourceError};

mod attacks;
mod carried;
mod forger;
mod healing;
mod licences;
mod press;
mod refreshes;
mod refusals;
mod retiring;
mod scene;
mod sticks;
mod waiting;

use press::*;
use scene::*;

#[tokio::test]
async fn a_release_reaches_the_shelf_and_is_proven_by_a_screen() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.installs("2026-11").await;
    assert_eq!(kiosk.titles(), ["庄子", "论语"]);
    assert_eq!(kiosk.facts(), Vec::<String>::new(), "it is not proven yet");
    kiosk.shelf.was_painted(label("2026-11"));
    let told = kiosk
        .until(|it| taking(it) == Some(TakingState::Shown))
        .await;
    assert_eq!(told.shown, Some(label("2026-11")));
    assert_eq!(kiosk.facts(), ["library.content.installed.v1"]);

    // Without a line, after a restart, it has its shelf.
    std::fs::remove_dir_all(&press.served).unwrap();
    kiosk.restart().await;
    assert_eq!(kiosk.titles(), ["庄子", "论语"]);
    let shelf = kiosk.shelf.now();
    assert_eq!(std::fs::read(&shelf.titles[0].file).unwrap(), book("庄子"));
    assert_eq!(kiosk.facts().len(), 1, "one receipt");
}

#[tokio::test]
async fn the_shelf_is_not_switched_while_somebody_reads() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let reading = kiosk.shelf.begin_reading();
    kiosk.wants("2026-12", 0);

    kiosk
        .until(|it| taking(it) == Some(TakingState::Verified))
        .await;
    assert_eq!(kiosk.titles(), ["庄子"]);
    drop(reading);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
    assert_eq!(kiosk.titles(), ["孟子"]);
}

#[tokio::test]
async fn a_release_that_hangs_does_not_hold_up_the_one_that_is_wanted_instead() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    press.release("2026-12", &["孟子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    *kiosk.line.silent.lock().unwrap() = Some(Resource::Blob(hash(&book("庄子"))));
    kiosk.wants("2026-11", 0);
    kiosk
        .until(|it| matches!(taking(it), Some(TakingState::Downloading { .. })))
        .await;

    kiosk.installs("2026-12").await;
    assert_eq!(kiosk.titles(), ["孟子"]);
}

#[tokio::test]
async fn a_shelf_no_screen_paints_is_taken_back() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    kiosk.paint_patience = Duration::ZERO;
    kiosk.restart().await;
    kiosk.wants("2026-12", 0);

    let told = kiosk.until(|it| failure(it).is_some()).await;

    assert_eq!(failure(&told).as_deref(), Some("not-shown"));
    assert_eq!(kiosk.titles(), ["庄子"]);
    assert_eq!(told.shown, Some(label("2026-11")));
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_at_the_next_contact_and_back_with_the_word() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;

    let hidden = HiddenTitle {
        title: title_id("庄子"),
        since: now(),
        reason: label("withdrawn"),
    };
    press.say(vec![hidden]).await;
    kiosk.hears(3);
    kiosk.until_titles(&["论语"]).await;
    press.say(Vec::new()).await;
    kiosk.hears(4);
    kiosk.until_titles(&["庄子", "论语"]).await;
}

#[tokio::test]
async fn a_device_without_a_copy_has_neither_title_nor_bytes() {
    let press = Press::begun().await;
    let allotted = |name: &str| match name {
        "庄子" => Copies::None,
        _ => Copies::Unlimited,
    };
    press
        .release_allotted("2026-11", &["庄子", "论语"], allotted)
        .await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;

    assert_eq!(kiosk.titles(), ["论语"]);
    let folder = kiosk.folder.path().join("blobs");
    assert!(!folder.join(hash(&book("庄子")).to_string()).exists());
}

#[tokio::test]
async fn a_release_that_does_not_fit_says_what_is_missing() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.reserve = u64::MAX / 4;
    kiosk.restart().await;
    kiosk.wants("2026-11", 0);

    let told = kiosk.until(|it| failure(it).is_some()).await;

    assert_eq!(failure(&told).as_deref(), Some("no-space"));
    assert_eq!(kiosk.facts(), ["library.content.failed.v1"]);
    // Somebody made room, and says so.
    kiosk.reserve = 0;
    kiosk.restart().await;
    kiosk.wants("2026-11", 1);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
}

#[tokio::test]
async fn nothing_is_told_twice_when_the_state_cannot_be_written_down() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.installs("2026-11").await;
    kiosk.notebook.refuse(true);
    kiosk.shelf.was_painted(label("2026-11"));
    // Killed before it could be written down.
    kiosk.restart().await;
    assert_eq!(kiosk.facts(), Vec::<String>::new());
    kiosk.notebook.refuse(false);
    kiosk.restart().await;
    kiosk.shelf.was_painted(label("2026-11"));
    kiosk
        .until(|it| taking(it) == Some(TakingState::Shown))
        .await;
    assert_eq!(kiosk.facts(), ["library.content.installed.v1"]);
}

fn book(title: &str) -> Vec<u8> {
    title.as_bytes().repeat(30_000)
}

fn hash(bytes: &[u8]) -> BlobHash {
    let mut hasher = BlockHasher::default();
    hasher.update(bytes);
    hasher.finish().blob
}

fn title_id(title: &str) -> Label {
    format!("urn:test:{title}").parse().unwrap()
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn taking(reported: &ReportedContent) -> Option<TakingState> {
    reported
        .taking
        .as_ref()
        .map(|taking: &Taking| taking.state.clone())
}

fn failure(reported: &ReportedContent) -> Option<String> {
    match taking(reported)? {
        TakingState::Failed { reason, .. } => Some(reason.to_string()),
        _ => None,
    }
}

async fn wait(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    waited.expect("within 20 s");
}

/// One moment for all of a test: what is signed in it is whole seconds.
fn now() -> Timestamp {
    static NOW: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();
    *NOW.get_or_init(Timestamp::now)
}
