//! What goes with a release that is replaced: each title with a receipt.

use super::*;

#[tokio::test]
async fn titles_a_release_no_longer_has_go_with_a_receipt_each_once_it_is_shown() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语", "孟子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["论语"]).await;
    kiosk.installs("2026-12").await;
    assert_eq!(kiosk.removed(), [], "it is not proven yet");
    assert!(kiosk.file("庄子").exists());
    // Killed before the receipts could be written down.
    kiosk.notebook.refuse(true);
    kiosk.shelf.was_painted(label("2026-12"));
    kiosk.restart().await;
    assert!(kiosk.file("庄子").exists(), "no bytes go without a receipt");
    kiosk.notebook.refuse(false);
    kiosk.restart().await;

    kiosk.shelf.was_painted(label("2026-12"));

    wait(|| !kiosk.file("庄子").exists() && !kiosk.file("孟子").exists()).await;
    assert!(kiosk.file("论语").exists());
    let retired = |title| (title_id(title), "retired".to_owned());
    assert_eq!(kiosk.removed(), [retired("孟子"), retired("庄子")]);
    kiosk.restart().await;
    kiosk.asks().await;
    assert_eq!(kiosk.removed().len(), 2, "once");
}

#[tokio::test]
async fn receipts_that_could_not_be_written_down_are_written_when_they_can() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["论语"]).await;
    kiosk.installs("2026-12").await;
    let told = kiosk.notebook.refused();
    kiosk.notebook.refuse(true);
    kiosk.shelf.was_painted(label("2026-12"));
    wait(|| kiosk.notebook.refused() > told).await;

    // The disk has room again, and nobody restarts it.
    kiosk.notebook.refuse(false);
    let _reading = kiosk.shelf.begin_reading();

    kiosk
        .until(|it| taking(it) == Some(TakingState::Shown))
        .await;
    let expected = [
        "library.content.installed.v1",
        "library.content.installed.v1",
        "library.content.removed.v1",
    ];
    assert_eq!(kiosk.facts(), expected);
}

#[tokio::test]
async fn a_title_that_was_over_before_its_release_went_has_one_receipt() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    let later = now() + jiff::SignedDuration::from_hours(24 * 31);
    kiosk.clock.set(later);
    *kiosk.measured.lock().unwrap() = None;
    kiosk.clock.run_on(31);
    kiosk.restart().await;
    wait(|| !kiosk.file("庄子").exists()).await;
    press.release("2026-12", &[]).await;

    kiosk.shows("2026-12").await;

    let ended = (title_id("庄子"), "licence-ended".to_owned());
    assert_eq!(kiosk.removed(), [ended]);
}

#[tokio::test]
async fn a_release_that_only_takes_away_needs_no_room() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["论语"]).await;
    // The disk is below what is to stay free.
    kiosk.reserve = u64::MAX / 4;
    kiosk.restart().await;

    kiosk.shows("2026-12").await;

    wait(|| !kiosk.file("庄子").exists()).await;
    assert_eq!(kiosk.titles(), ["论语"]);
}

#[tokio::test]
async fn a_title_that_left_the_shelf_hidden_and_comes_back_has_its_thirty_days_again() {
    let press = Press::begun().await;
    let year = jiff::SignedDuration::from_hours(24 * 365);
    let release = |name: &str, titles: &[&str]| {
        let mut release = super::release(name, titles, |_| Copies::Unlimited);
        for publication in &mut release.catalogue.publications {
            let properties = publication.links[0].properties.as_mut().unwrap();
            properties.availability.as_mut().unwrap().until = Some(now() + year);
        }
        release
    };
    let titles = ["庄子", "论语"];
    press.publish(release("2026-11", &titles), &titles).await;
    press
        .publish(release("2026-12", &["论语"]), &["论语"])
        .await;
    press.publish(release("2027-01", &titles), &titles).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    let wrong = "2099-01-01T00:00:00Z".parse().unwrap();
    *kiosk.measured.lock().unwrap() = None;
    kiosk.clock.set(wrong);
    kiosk.restart().await;
    assert_eq!(kiosk.titles(), Vec::<String>::new(), "hidden");
    kiosk.shows("2026-12").await;
    kiosk.clock.run_on(20);
    kiosk.restart().await;
    kiosk.shows("2027-01").await;
    assert!(kiosk.file("庄子").exists());

    kiosk.clock.run_on(20);
    kiosk.restart().await;

    wait(|| !kiosk.file("论语").exists()).await;
    assert!(kiosk.file("庄子").exists(), "it is hidden for twenty days");
    let hidden = kiosk.removed();
    assert!(!hidden.contains(&(title_id("庄子"), "licence-ended".to_owned())));
}
