//! Licence windows at a kiosk whose clocks are simulated: to the second, by years, for months.

use super::*;

/// How long the windows of made-up titles go on from now.
const MONTH: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 30);

async fn shown() -> (Press, Kiosk) {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    (press, kiosk)
}

/// There is a receipt of its one title, and one of the release, which has nothing left.
async fn is_removed_as_a_whole(kiosk: &mut Kiosk) {
    kiosk
        .until(|it| taking(it) == Some(TakingState::Removed))
        .await;
    let [installed, removed] = ["library.content.installed.v1", "library.content.removed.v1"];
    assert_eq!(kiosk.facts(), [installed, removed, removed]);
}

#[tokio::test]
async fn a_clock_that_is_wrong_hides_and_the_shelf_is_back_when_it_is_right() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;

    for wrong in ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
        kiosk.clock.set(wrong.parse().unwrap());
        kiosk.restart().await;
        let state = kiosk.shelf.now().titles[0].state;
        assert_eq!(state, TitleState::Lapsed, "{wrong}");
        kiosk.clock.set(now());
        kiosk.restart().await;
        assert_eq!(kiosk.titles(), ["庄子"], "after {wrong}");
    }
    assert_eq!(kiosk.facts().len(), 1, "nothing was removed");
}

#[tokio::test]
async fn what_is_over_by_trusted_time_is_deleted_with_a_receipt_and_not_fetched_again() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    let file = kiosk.shelf.now().titles[0].file.clone();

    let later = now() + jiff::SignedDuration::from_hours(24 * 400);
    kiosk.clock.set(later);
    kiosk.measured.lock().unwrap().replace(later);
    kiosk.restart().await;
    kiosk.until_state(TitleState::Lapsed).await;
    wait(|| !file.exists()).await;
    kiosk.restart().await;
    is_removed_as_a_whole(&mut kiosk).await;
}

#[tokio::test]
async fn a_window_opens_and_closes_at_its_second() {
    let (_press, mut kiosk) = shown().await;
    // From here on time is simulated, and passes as fast as nothing happens.
    tokio::time::pause();
    let five = jiff::SignedDuration::from_secs(5);
    for (edge, before, after) in [
        (now() + MONTH, &["庄子"][..], &[][..]),
        (now() - MONTH, &[], &["庄子"]),
    ] {
        kiosk.clock.set(edge - five);
        kiosk.clock.tick();
        kiosk.restart().await;
        assert_eq!(kiosk.titles(), before, "five seconds before {edge}");
        tokio::time::sleep(Duration::from_millis(4_990)).await;
        assert_eq!(kiosk.titles(), before, "in the second before {edge}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(kiosk.titles(), after, "at {edge}");
    }
    assert_eq!(kiosk.facts().len(), 1, "nothing was removed");
}

#[tokio::test]
async fn after_months_off_line_what_is_over_by_the_uptime_is_deleted_with_one_receipt() {
    let (_press, mut kiosk) = shown().await;
    let file = kiosk.shelf.now().titles[0].file.clone();
    kiosk.line.cut(true);
    // Nobody measures its time any more, and its clock was set back.
    *kiosk.measured.lock().unwrap() = None;
    kiosk.clock.set("1970-01-01T00:00:00Z".parse().unwrap());
    kiosk.clock.run_on(29);
    kiosk.restart().await;
    assert_eq!(kiosk.titles(), Vec::<String>::new(), "hidden at once");
    assert!(file.exists(), "and not over");

    kiosk.clock.run_on(2);
    kiosk.restart().await;
    wait(|| !file.exists()).await;
    kiosk.clock.set(now());
    kiosk.restart().await;
    assert_eq!(
        kiosk.titles(),
        Vec::<String>::new(),
        "no clock brings it back"
    );
    is_removed_as_a_whole(&mut kiosk).await;
}

#[tokio::test]
async fn what_a_clock_set_years_ahead_hides_is_back_after_weeks_when_it_is_right() {
    let (_press, mut kiosk) = shown().await;
    let file = kiosk.shelf.now().titles[0].file.clone();
    *kiosk.measured.lock().unwrap() = None;
    kiosk.clock.set("2099-01-01T00:00:00Z".parse().unwrap());
    kiosk.restart().await;
    assert_eq!(kiosk.titles(), Vec::<String>::new());
    kiosk.clock.run_on(29);
    kiosk.restart().await;
    assert!(file.exists());
    // Right again before the thirty days are over.
    kiosk.clock.set(now());
    kiosk.restart().await;
    assert_eq!(kiosk.titles(), ["庄子"]);
    assert_eq!(kiosk.facts().len(), 1, "nothing was removed");
}

#[tokio::test]
async fn an_agent_that_is_restarted_often_ends_no_licence_early() {
    let (_press, mut kiosk) = shown().await;
    *kiosk.measured.lock().unwrap() = None;
    // The machine has run for ten days; no more passes.
    kiosk.clock.run_on(10);
    for _ in 0..5 {
        let before = kiosk.notebook.writes();
        kiosk.restart().await;
        assert_eq!(kiosk.titles(), ["庄子"]);
        // It asks what is newest, and writes down its floor with what it hears.
        wait(|| kiosk.notebook.writes() > before).await;
    }
    kiosk.restart().await;
    assert_eq!(kiosk.titles(), ["庄子"]);
    assert_eq!(kiosk.facts().len(), 1, "nothing was removed");
}

#[tokio::test]
async fn a_removal_that_could_not_be_written_down_is_a_receipt_all_the_same() {
    let (_press, mut kiosk) = shown().await;
    let file = kiosk.shelf.now().titles[0].file.clone();
    kiosk.notebook.refuse(true);
    let later = now() + MONTH;
    kiosk.measured.lock().unwrap().replace(later);
    kiosk.clock.set(later);
    // A reader who comes has it look at once.
    let _reading = kiosk.shelf.begin_reading();
    kiosk.until_state(TitleState::Lapsed).await;
    assert!(file.exists(), "nothing is deleted without a receipt");
    assert_eq!(kiosk.facts().len(), 1);

    // Killed, and with room on the disk again.
    kiosk.notebook.refuse(false);
    kiosk.restart().await;
    wait(|| !file.exists()).await;
    kiosk.restart().await;
    is_removed_as_a_whole(&mut kiosk).await;
}
