//! What a kiosk goes on doing while it waits: for a reader to leave, for a line that hangs.

use super::*;
use crate::source::MetadataName;

/// Longer than it takes until windows are looked at again. Time is simulated where it is waited
/// for: it passes as fast as nothing happens.
const A_LOOK: Duration = Duration::from_secs(16);

/// A kiosk with a release that waits for a reader.
async fn waiting() -> (Press, Kiosk, crate::shelf::Reading) {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let reading = kiosk.shelf.begin_reading();
    kiosk.wants("2026-12", 0);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Verified))
        .await;
    (press, kiosk, reading)
}

/// Hides these titles, and has the kiosk hear of it.
async fn hide(press: &Press, kiosk: &Kiosk, titles: &[&str]) {
    let hidden = titles.iter().map(|title| HiddenTitle {
        title: title_id(title),
        since: now(),
        reason: label("withdrawn"),
    });
    press.say(hidden.collect()).await;
    kiosk.hears(press.repository.lock().unwrap().revision());
}

/// A clock that says that every window is over.
fn wrong() -> Timestamp {
    "2099-01-01T00:00:00Z".parse().unwrap()
}

#[tokio::test]
async fn a_window_that_closes_while_a_release_waits_for_a_reader_hides_at_once() {
    let (_press, kiosk, _reading) = waiting().await;
    tokio::time::pause();
    kiosk.clock.set(wrong());

    // The test's own time, paused above: the keeper looks once.
    tokio::time::sleep(A_LOOK).await;

    assert_eq!(kiosk.titles(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_withdrawn_while_a_release_waits_for_a_reader_is_gone_at_once() {
    let (press, mut kiosk, reading) = waiting().await;

    hide(&press, &kiosk, &["庄子"]).await;

    kiosk.until_titles(&["论语"]).await;
    drop(reading);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
    assert_eq!(kiosk.titles(), ["孟子"], "it is taken all the same");
}

#[tokio::test]
async fn a_release_that_is_no_longer_wanted_is_not_switched_to_when_its_reader_leaves() {
    let (press, kiosk, reading) = waiting().await;
    // The reader leaves in the moment in which another is wanted, and nobody comes between.
    kiosk.wants("2026-11", 0);
    drop(reading);

    hide(&press, &kiosk, &["庄子"]).await;
    kiosk.until_titles(&["论语"]).await;
    hide(&press, &kiosk, &[]).await;
    kiosk.until_titles(&["庄子", "论语"]).await;
    let told = kiosk.reported.borrow().clone();
    let taken = told.taking.as_ref().map(|it| it.release.clone());
    assert_eq!(taken, Some(label("2026-12")), "nothing was taken back");
    assert_eq!(taking(&told), Some(TakingState::Verified));
}

#[tokio::test]
async fn a_window_that_closes_while_it_asks_what_is_newest_hides_at_once() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    hangs(&kiosk).await;
    tokio::time::pause();
    kiosk.clock.set(wrong());

    // The test's own time, paused above: the keeper looks once.
    tokio::time::sleep(A_LOOK).await;

    assert_eq!(kiosk.titles(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_wanted_while_it_asks_over_a_line_that_hangs_is_asked_for_anew() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    hangs(&kiosk).await;
    press.release("2026-12", &["孟子"]).await;
    *kiosk.line.silent.lock().unwrap() = None;

    kiosk.installs("2026-12").await;
    assert_eq!(kiosk.titles(), ["孟子"]);
}

/// The kiosk asks what is newest, and nobody answers.
pub(super) async fn hangs(kiosk: &Kiosk) {
    let timestamp = Resource::Metadata(MetadataName::new("timestamp.json").unwrap());
    *kiosk.line.silent.lock().unwrap() = Some(timestamp.clone());
    kiosk.line.asked.lock().unwrap().clear();
    kiosk.hears(99);
    wait(|| kiosk.line.asked.lock().unwrap().contains(&timestamp)).await;
}
