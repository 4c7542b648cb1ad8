//! What is on the shelf stays on it, whatever the disk loses and the clock says meanwhile.

use std::fs;

use super::*;

/// A kiosk that shows two titles whose licences go on for a year.
async fn shown() -> (Press, Kiosk) {
    let press = Press::begun().await;
    let titles = ["庄子", "论语"];
    let mut november = release("2026-11", &titles, |_| Copies::Unlimited);
    for publication in &mut november.catalogue.publications {
        let properties = publication.links[0].properties.as_mut().unwrap();
        let window = properties.availability.as_mut().unwrap();
        window.until = Some(now() + jiff::SignedDuration::from_hours(24 * 365));
    }
    press.publish(november, &titles).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    (press, kiosk)
}

/// The files of the blobs of a kiosk that are JSON: its documents.
fn documents(kiosk: &Kiosk) -> Vec<PathBuf> {
    let blobs = fs::read_dir(kiosk.folder.path().join("blobs")).unwrap();
    let paths = blobs.map(|it| it.unwrap().path());
    let is_document = |path: &PathBuf| fs::read(path).unwrap().starts_with(b"{");
    paths.filter(is_document).collect()
}

fn catalogue(kiosk: &Kiosk) -> PathBuf {
    let is_it = |it: &PathBuf| fs::read_to_string(it).unwrap().contains("publications");
    documents(kiosk).into_iter().find(is_it).unwrap()
}

#[tokio::test]
async fn what_a_wrong_clock_deleted_after_a_month_is_back_when_the_clock_is_right() {
    let (_press, mut kiosk) = shown().await;
    let file = kiosk.file("庄子");
    *kiosk.measured.lock().unwrap() = None;
    kiosk.clock.set("2099-01-01T00:00:00Z".parse().unwrap());
    kiosk.restart().await;
    kiosk.clock.run_on(31);
    kiosk.restart().await;
    wait(|| !file.exists()).await;
    let removed = kiosk.removed();
    assert_eq!(removed.len(), 2);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Removed))
        .await;
    // Nor does a catalogue that cannot be read bring the release back.
    let (lost, line) = (catalogue(&kiosk), kiosk.line.clone());
    let good = fs::read(&lost).unwrap();
    line.cut(true);
    fs::write(&lost, b"{").unwrap();
    kiosk.restart().await;
    let told = kiosk.until(|it| taking(it).is_some()).await;
    assert_eq!(taking(&told), Some(TakingState::Removed));
    fs::write(&lost, good).unwrap();
    line.cut(false);
    kiosk.restart().await;
    // While it is wrong nothing is fetched that would go again.
    kiosk.line.asked.lock().unwrap().clear();
    kiosk.asks().await;
    kiosk.asks().await;
    assert!(!file.exists());
    let lost = Resource::Blob(hash(&book("庄子")));
    assert!(!kiosk.line.asked.lock().unwrap().contains(&lost));

    let month = jiff::SignedDuration::from_hours(24 * 31);
    kiosk.clock.set(now() + month);
    kiosk.restart().await;

    kiosk.until_titles(&["庄子", "论语"]).await;
    assert_eq!(fs::read(&file).unwrap(), book("庄子"));
    assert_eq!(kiosk.removed(), removed, "nothing went a second time");
    kiosk
        .until(|it| taking(it) == Some(TakingState::Shown))
        .await;
}

#[tokio::test]
async fn a_book_the_disk_has_lost_or_cut_short_comes_back_at_the_next_contact() {
    let (_press, kiosk) = shown().await;
    fs::remove_file(kiosk.file("庄子")).unwrap();
    fs::write(kiosk.file("论语"), b"cut short").unwrap();

    kiosk.asks().await;

    for title in ["庄子", "论语"] {
        let file = kiosk.file(title);
        wait(|| fs::read(&file).is_ok_and(|it| it == book(title))).await;
    }
    kiosk.until_titles(&["庄子", "论语"]).await;
    assert_eq!(kiosk.facts(), ["library.content.installed.v1"]);
}

#[tokio::test]
async fn documents_the_disk_has_spoilt_come_back_and_with_them_the_shelf() {
    let (_press, mut kiosk) = shown().await;
    let documents = documents(&kiosk);
    assert_eq!(documents.len(), 3, "catalogue, allotment, notices");
    for document in documents {
        // As long as it was: nobody sees it by its size.
        let good = fs::read(&document).unwrap();
        fs::write(&document, vec![0; good.len()]).unwrap();
        kiosk.restart().await;
        kiosk.asks().await;
        wait(|| fs::read(&document).is_ok_and(|it| it == good)).await;
        kiosk.until_titles(&["庄子", "论语"]).await;
    }
}

#[tokio::test]
async fn a_book_nobody_has_any_more_is_told_and_holds_up_no_release() {
    let (press, mut kiosk) = shown().await;
    press.release("2026-12", &["孟子"]).await;
    let (lost, served) = (kiosk.file("庄子"), press.blob(&hash(&book("庄子"))));
    fs::remove_file(&lost).unwrap();
    fs::remove_file(&served).unwrap();

    kiosk.asks().await;

    let told = kiosk.until(|it| it.refused.is_some()).await;
    assert_eq!(told.refused.unwrap().reason, label("absent"));
    assert_eq!(told.shown, Some(label("2026-11")));
    kiosk.installs("2026-12").await;
}

#[tokio::test]
async fn with_a_catalogue_that_cannot_be_read_nothing_is_deleted() {
    let (press, mut kiosk) = shown().await;
    press.release("2026-12", &["孟子"]).await;
    let catalogue = catalogue(&kiosk);
    let name = catalogue.file_name().unwrap().to_owned();
    let good = fs::read(&catalogue).unwrap();
    fs::write(&catalogue, b"{").unwrap();
    // Nobody has it any more, and there is too little room for another release.
    let served = press.served.join("blobs").join(name);
    fs::remove_file(&served).unwrap();
    kiosk.reserve = u64::MAX / 4;
    kiosk.restart().await;
    kiosk.wants("2026-12", 0);
    let told = kiosk.until(|it| failure(it).is_some()).await;
    assert_eq!(failure(&told).as_deref(), Some("no-space"));
    assert!(kiosk.file("庄子").exists() && kiosk.file("论语").exists());

    // Nor by a release that is shown meanwhile.
    kiosk.reserve = 0;
    kiosk.restart().await;
    kiosk.wants("2026-12", 1);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
    fs::write(&served, good).unwrap();
    kiosk.wants("2026-11", 2);
    kiosk
        .until(|it| it.taking.as_ref().is_some_and(|it| it.attempt == 2))
        .await;
    kiosk.until_titles(&["庄子", "论语"]).await;
}
