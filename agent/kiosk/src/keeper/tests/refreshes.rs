//! What it costs to ask what is newest: the list of two thousand titles comes once, and not every
//! hour.

use std::fs;

use super::*;
use crate::haul::Haul;
use crate::metadata::Expiry;
use crate::source::MetadataName;

/// What is asked for when there is no news: a newer root, and the newest timestamp.
const NO_NEWS: [&str; 2] = ["2.root.json", "timestamp.json"];

async fn shown() -> (Press, Kiosk) {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    (press, kiosk)
}

/// What a kiosk asks for when it hears that there is another revision.
async fn asked_anew(kiosk: &Kiosk, revision: u64) -> Vec<String> {
    kiosk.line.take_asked_metadata();
    let before = kiosk.notebook.writes();
    kiosk.hears(revision);
    wait(|| kiosk.notebook.writes() > before).await;
    kiosk.line.take_asked_metadata()
}

impl Press {
    /// The newest file of a role.
    fn newest(&self, role: &str) -> String {
        let repository = self.repository.lock().unwrap();
        let mut versions = (1..=repository.revision()).rev();
        let name = |version| format!("{version}.{role}.json");
        let is_there = |it: &u64| self.served.join("metadata").join(name(*it)).exists();
        versions.find(is_there).map(name).unwrap()
    }
}

#[tokio::test]
async fn a_refresh_without_news_asks_for_the_timestamp_and_the_next_root_only() {
    let (_press, mut kiosk) = shown().await;

    assert_eq!(asked_anew(&kiosk, 98).await, NO_NEWS);

    // Also when the machine was switched off.
    kiosk.line.take_asked_metadata();
    let before = kiosk.notebook.writes();
    kiosk.restart().await;
    wait(|| kiosk.notebook.writes() > before).await;
    assert_eq!(kiosk.line.take_asked_metadata(), NO_NEWS);
}

#[tokio::test]
async fn what_is_withdrawn_costs_no_list_of_titles_and_old_files_go() {
    let (press, kiosk) = shown().await;
    let hidden = HiddenTitle {
        title: title_id("庄子"),
        since: now(),
        reason: label("withdrawn"),
    };
    press.say(vec![hidden]).await;

    let asked = asked_anew(&kiosk, 3).await;

    let [snapshot, notices] = ["snapshot", "notices"].map(|role| press.newest(role));
    assert_eq!(
        asked,
        ["2.root.json", "timestamp.json", &snapshot, &notices]
    );
    kiosk.until_titles(&["论语"]).await;
    let kept = fs::read_dir(kiosk.folder.path().join("metadata")).unwrap();
    let names = kept.map(|it| it.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<_> = names
        .filter(|it| it.as_bytes()[0].is_ascii_digit())
        .collect();
    versions.sort();
    let targets = press.newest("targets");
    let mut expected = vec!["1.root.json".to_owned(), targets, snapshot, notices];
    expected.sort();
    assert_eq!(versions, expected);
}

#[tokio::test]
async fn a_kept_file_that_does_not_hold_is_thrown_away_and_fetched() {
    let (press, mut kiosk) = shown().await;
    let before = press.served.join("metadata/1.targets.json");
    for role in ["targets", "snapshot", "notices"] {
        let name = press.newest(role);
        let place = kiosk.folder.path().join("metadata").join(&name);
        // Cut short by the disk; nothing at all; signed, and of another version.
        let good = fs::read(&place).unwrap();
        let spoilt = [
            good[..good.len() / 2].to_vec(),
            Vec::new(),
            fs::read(&before).unwrap(),
        ];
        for (number, bad) in spoilt.into_iter().enumerate() {
            fs::write(&place, bad).unwrap();
            let asked = asked_anew(&kiosk, 50 + number as u64).await;
            assert!(asked.contains(&name), "{name} {number}: {asked:?}");
            assert_eq!(fs::read(&place).unwrap(), good, "{name} {number}");
        }
    }
    // And it goes on as if nothing had been.
    press.release("2026-12", &["孟子"]).await;
    kiosk.installs("2026-12").await;
}

#[tokio::test]
async fn a_reading_that_is_killed_in_the_middle_costs_the_list_of_titles_once() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    let last = Resource::Metadata(MetadataName::new(&press.newest("notices")).unwrap());
    *kiosk.line.silent.lock().unwrap() = Some(last.clone());
    kiosk.wants("2026-11", 0);
    wait(|| kiosk.line.asked.lock().unwrap().contains(&last)).await;
    let asked = kiosk.line.take_asked_metadata();
    assert!(asked.contains(&press.newest("targets")), "{asked:?}");

    *kiosk.line.silent.lock().unwrap() = None;
    kiosk.restart().await;

    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
    let asked = kiosk.line.take_asked_metadata();
    assert!(!asked.contains(&press.newest("targets")), "{asked:?}");
}

#[tokio::test]
async fn a_bus_asks_for_what_is_new_only_and_has_all_of_it_on_board() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let folder = tempfile::tempdir().unwrap();
    let line = Line::to(&press.served);
    let haul = Haul::open(folder.path(), Arc::new(line.clone()), |blobs| {
        let (_, yielding) = watch::channel(Yielding::Free);
        Downloads::new(blobs, Pace::free(yielding), DownloadOptions::default())
    });
    let mut haul = haul.unwrap();
    let wishes = BTreeMap::from([("kiosk-1".parse().unwrap(), Some(label("2026-11")))]);
    let expiry = Expiry::Refused(now());
    haul.load(&wishes, expiry, now()).await.unwrap();
    line.take_asked_metadata();

    haul.load(&wishes, expiry, now()).await.unwrap();

    assert_eq!(line.take_asked_metadata(), NO_NEWS);
    for role in ["targets", "snapshot", "notices"] {
        let name = press.newest(role);
        assert!(
            folder.path().join("metadata").join(&name).exists(),
            "{name}"
        );
    }
}
