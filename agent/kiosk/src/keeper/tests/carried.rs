//! Claims about a kiosk that only a bus comes by.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::haul::{Haul, OnBoard};
use crate::metadata::Expiry;
use crate::source::{ETag, Opened, Resource, SourceError};

#[tokio::test]
async fn a_kiosk_without_a_line_takes_a_release_from_the_bus_and_what_is_hidden_since() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut bus = Bus::beside(&press.served);
    bus.load("2026-11").await;
    let mut kiosk = bus.kiosk().await;
    bus.comes();

    kiosk.shows("2026-11").await;

    assert_eq!(kiosk.titles(), ["庄子", "论语"]);
    assert_eq!(kiosk.facts(), ["library.content.installed.v1"]);

    bus.goes();
    let hidden = HiddenTitle {
        title: title_id("论语"),
        since: now(),
        reason: label("withdrawn"),
    };
    press.say(vec![hidden]).await;
    bus.load("2026-11").await;
    bus.comes();
    kiosk.until_titles(&["庄子"]).await;
}

#[tokio::test]
async fn what_is_on_board_is_all_that_its_devices_should_have_and_nothing_else() {
    let press = Press::begun().await;
    let ours = |title: &str| match title {
        "论语" => Copies::None,
        _ => Copies::Unlimited,
    };
    press
        .release_allotted("2026-11", &["庄子", "论语"], ours)
        .await;
    press.release("2026-12", &["孟子"]).await;
    let mut bus = Bus::beside(&press.served);
    bus.load("2026-11").await;
    let has = |title: &str| bus.has(&book(title));
    assert_eq!(
        [has("庄子"), has("论语"), has("孟子")],
        [true, false, false]
    );

    bus.load("2026-12").await;
    let has = |title: &str| bus.has(&book(title));
    assert_eq!([has("庄子"), has("孟子")], [false, true]);
}

#[tokio::test]
async fn a_release_of_which_a_book_is_missing_is_not_on_board_and_the_rest_of_the_route_is_served()
{
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    press.release("2026-12", &["孟子"]).await;
    let mut bus = Bus::beside(&press.served);
    let (blob, _) = press.put(&book("孟子"));
    std::fs::remove_file(press.served.join("blobs").join(blob.to_string())).unwrap();
    let wishes = [("kiosk-1", "2026-11"), ("kiosk-2", "2026-12")];

    let loaded = bus.load_for(&wishes).await;

    assert_eq!(loaded.whole, BTreeSet::from(["kiosk-1".parse().unwrap()]));
    assert_eq!(loaded.missing.len(), 1);
    assert!(bus.has(&book("庄子")));
}

#[tokio::test]
async fn a_bus_that_drives_off_in_the_middle_is_gone_on_with_when_it_is_back() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut bus = Bus::beside(&press.served);
    bus.load("2026-11").await;
    let (blob, _) = press.put(&book("论语"));
    let place = bus.folder.path().join("blobs").join(blob.to_string());
    let away = bus.folder.path().join("away");
    std::fs::rename(&place, &away).unwrap();
    let mut kiosk = bus.kiosk().await;
    bus.comes();
    kiosk.wants("2026-11", 0);
    let first = kiosk.folder.path().join("blobs").join({
        let (blob, _) = press.put(&book("庄子"));
        blob.to_string()
    });
    wait(|| first.exists()).await;

    bus.goes();
    std::fs::rename(&away, &place).unwrap();
    bus.comes();

    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
}

#[tokio::test]
async fn a_bus_with_what_does_not_hold_or_is_older_changes_nothing() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut bus = Bus::beside(&press.served);
    bus.load("2026-11").await;
    let mut kiosk = bus.kiosk().await;
    bus.comes();
    kiosk.shows("2026-11").await;
    bus.goes();

    let timestamp = bus.folder.path().join("metadata/timestamp.json");
    let text = std::fs::read_to_string(&timestamp).unwrap();
    let older = text.replacen("\"version\"", "\"vers1on\"", 1);
    assert_ne!(text, older);
    std::fs::write(&timestamp, older).unwrap();
    kiosk.wants("2026-12", 0);
    bus.comes();
    wait(|| bus.asked() > 0).await;
    bus.goes();

    // What holds is heard after it, and nothing was given up meanwhile.
    press.release("2026-12", &["孟子"]).await;
    bus.load("2026-12").await;
    bus.comes();
    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
    assert_eq!(kiosk.titles(), ["孟子"]);
    assert_eq!(kiosk.facts(), ["library.content.installed.v1"]);
}

/// A bus that loads from a press, and is here or away.
struct Bus {
    served: PathBuf,
    folder: tempfile::TempDir,
    haul: Haul,
    present: watch::Sender<bool>,
    source: Arc<Counted>,
}

impl Bus {
    fn beside(served: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Arc::new(FolderSource::new(served));
        let haul = Haul::open(folder.path(), source, |blobs| {
            let (_, yielding) = watch::channel(Yielding::Free);
            Downloads::new(blobs, Pace::free(yielding), DownloadOptions::default())
        });
        Self {
            served: served.to_owned(),
            source: Arc::new(Counted {
                inner: OnBoard::new(folder.path()),
                opened: AtomicUsize::new(0),
            }),
            haul: haul.unwrap(),
            folder,
            present: watch::Sender::new(false),
        }
    }

    async fn load(&mut self, release: &str) {
        let loaded = self.load_for(&[("kiosk-1", release)]).await;
        assert_eq!(loaded.missing.len(), 0, "{:?}", loaded.missing);
    }

    async fn load_for(&mut self, wishes: &[(&str, &str)]) -> crate::haul::Loaded {
        let wishes = wishes.iter();
        let wishes = wishes.map(|(device, it)| (device.parse().unwrap(), Some(label(it))));
        let wishes = wishes.collect();
        let loading = self.haul.load(&wishes, Expiry::Refused(now()), now());
        loading.await.unwrap()
    }

    fn has(&self, bytes: &[u8]) -> bool {
        let mut hasher = BlockHasher::default();
        hasher.update(bytes);
        let blob = hasher.finish().blob.to_string();
        self.folder.path().join("blobs").join(blob).exists()
    }

    async fn kiosk(&self) -> Kiosk {
        let neighbour = Neighbour {
            source: self.source.clone(),
            present: self.present.subscribe(),
        };
        let kiosk = Kiosk::with(&self.served, Some(neighbour)).await;
        kiosk.line.cut(true);
        *kiosk.measured.lock().unwrap() = None;
        kiosk
    }

    fn comes(&self) {
        self.source.opened.store(0, Ordering::SeqCst);
        self.present.send_replace(true);
    }

    fn goes(&self) {
        self.present.send_replace(false);
    }

    fn asked(&self) -> usize {
        self.source.opened.load(Ordering::SeqCst)
    }
}

#[derive(Debug)]
struct Counted {
    inner: OnBoard,
    opened: AtomicUsize,
}

#[async_trait]
impl Source for Counted {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.inner.open(resource, from, if_range).await
    }
}
