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
use lujiang_wire::{BlobHash, Label, Taking};

use super::*;
use crate::download::{DownloadOptions, Pace, Yielding};
use crate::folder_source::FolderSource;
use crate::shelf::TitleState;
use crate::source::{ETag, Opened, Resource, SourceError};

mod attacks;
mod carried;
mod forger;
mod licences;
mod sticks;

#[tokio::test]
async fn a_release_reaches_the_shelf_and_is_proven_by_a_screen() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.wants("2026-11", 0);

    kiosk
        .until(|reported| taking(reported) == Some(TakingState::Installed))
        .await;
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

    kiosk.wants("2026-12", 0);

    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
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
    kiosk.wants("2026-11", 0);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
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

/// Who makes releases, and the folder they are served from.
struct Press {
    stick: tempfile::TempDir,
    served: PathBuf,
    vault: Vault,
    keys: OnlineKeys,
    repository: Mutex<Repository>,
}

impl Press {
    /// Where the off-line keys are.
    fn vault_file(&self) -> PathBuf {
        self.stick.path().join("keys/vault.json")
    }

    async fn begun() -> Self {
        let stick = tempfile::tempdir().unwrap();
        let vault = Vault::init(&stick.path().join("keys")).unwrap();
        let keys = OnlineKeys::generate();
        let offer = Offer::begin(&vault, &keys.public(), now()).await.unwrap();
        let repository = Repository::begin(&offer, &keys, now()).await.unwrap();
        let press = Self {
            served: stick.path().join("served"),
            stick,
            vault,
            keys,
            repository: Mutex::new(repository.clone()),
        };
        press.put(&document(&Notices::default()));
        press.serve(repository);
        press
    }

    async fn release(&self, name: &str, titles: &[&str]) {
        self.release_allotted(name, titles, |_| Copies::Unlimited)
            .await;
    }

    async fn release_allotted(&self, name: &str, titles: &[&str], copies: impl Fn(&str) -> Copies) {
        let mut release = release(name, titles, copies);
        for title in titles {
            let (blob, facts) = self.put(&book(title));
            release.blobs.insert(blob, facts);
        }
        self.put(&document(&release.catalogue));
        self.put(&document(&release.allotment));
        let before = self.repository.lock().unwrap().clone();
        let from = before.published(&self.keys);
        let offer = Offer::release(&self.vault, &from, &release, now())
            .await
            .unwrap();
        self.serve(before.publish(&offer, &self.keys, now()).await.unwrap());
    }

    async fn say(&self, hidden: Vec<HiddenTitle>) {
        let notices = Notices {
            notices: Vec::new(),
            hidden,
        };
        self.put(&document(&notices));
        let said = Said {
            notices,
            ..Said::default()
        };
        let before = self.repository.lock().unwrap().clone();
        self.serve(before.say(&said, &self.keys, now()).await.unwrap());
    }

    fn serve(&self, repository: Repository) {
        let folder = self.served.join("metadata");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in repository.files() {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        *self.repository.lock().unwrap() = repository;
    }

    fn put(&self, bytes: &[u8]) -> (BlobHash, BlobFacts) {
        let mut hasher = BlockHasher::default();
        hasher.update(bytes);
        let hashed = hasher.finish();
        for (folder, bytes) in [("blobs", bytes), ("blocks", &hashed.list)] {
            let folder = self.served.join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(hashed.blob.to_string()), bytes).unwrap();
        }
        let facts = BlobFacts {
            size: hashed.size,
            blocks: hashed.blocks(),
        };
        (hashed.blob, facts)
    }
}

/// A kiosk with everything around it.
struct Kiosk {
    folder: tempfile::TempDir,
    neighbour: Option<Neighbour>,
    shelf: Shelf,
    clock: Arc<SetClock>,
    measured: Arc<Mutex<Option<Timestamp>>>,
    notebook: Arc<Pages>,
    desired: watch::Sender<Option<DesiredContent>>,
    brings: mpsc::Sender<Import>,
    reported: watch::Receiver<ReportedContent>,
    running: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
    reserve: u64,
    paint_patience: Duration,
    line: Line,
    yielding: watch::Sender<Yielding>,
}

/// The line to what is served, which may be cut, or bring something that never ends, or never
/// comes.
#[derive(Debug, Clone)]
struct Line {
    served: FolderSource,
    is_cut: Arc<AtomicBool>,
    endless: Arc<Mutex<Option<Resource>>>,
    silent: Arc<Mutex<Option<Resource>>>,
}

impl Line {
    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }
}

#[async_trait]
impl Source for Line {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(SourceError::Unreachable("no line".into()));
        }
        if self.endless.lock().unwrap().as_ref() == Some(resource) {
            let bytes = || Ok(bytes::Bytes::from_static(&[b' '; 64 * 1024]));
            return Ok(Opened {
                offset: 0,
                length: None,
                etag: None,
                body: futures_util::stream::repeat_with(bytes).boxed(),
            });
        }
        let is_silent = self.silent.lock().unwrap().as_ref() == Some(resource);
        if is_silent {
            std::future::pending::<()>().await;
        }
        self.served.open(resource, from, if_range).await
    }
}

impl Kiosk {
    async fn beside(served: &std::path::Path) -> Self {
        Self::with(served, None).await
    }

    async fn with(served: &std::path::Path, neighbour: Option<Neighbour>) -> Self {
        let mut kiosk = Self {
            folder: tempfile::tempdir().unwrap(),
            neighbour,
            shelf: Shelf::default(),
            clock: Arc::new(SetClock::at(now())),
            measured: Arc::new(Mutex::new(Some(now()))),
            notebook: Arc::default(),
            desired: watch::Sender::new(None),
            brings: mpsc::channel(1).0,
            reported: watch::Sender::default().subscribe(),
            running: None,
            reserve: 0,
            paint_patience: Duration::from_secs(600),
            line: Line {
                served: FolderSource::new(served),
                is_cut: Arc::default(),
                endless: Arc::default(),
                silent: Arc::default(),
            },
            yielding: watch::Sender::new(Yielding::Free),
        };
        kiosk.restart().await;
        kiosk
    }

    /// As after a power cut: what is in memory is gone.
    async fn restart(&mut self) {
        if let Some((cancel, task)) = self.running.take() {
            cancel.cancel();
            task.await.unwrap();
        }
        self.shelf = Shelf::default();
        let measured = Arc::clone(&self.measured);
        let (brings, imports) = mpsc::channel(1);
        self.brings = brings;
        let yielding = self.yielding.subscribe();
        let options = KeeperOptions {
            device: "kiosk-1".parse().unwrap(),
            folder: self.folder.path().to_owned(),
            source: Arc::new(self.line.clone()),
            neighbour: self.neighbour.clone(),
            notebook: self.notebook.clone(),
            clock: self.clock.clone(),
            measured: Arc::new(move || *measured.lock().unwrap()),
            desired: self.desired.subscribe(),
            imports,
            shelf: self.shelf.clone(),
            downloads: Arc::new(move |blobs| {
                let pace = Pace::free(yielding.clone());
                Downloads::new(blobs, pace, DownloadOptions::default())
            }),
            reserve: self.reserve,
            paint_patience: self.paint_patience,
        };
        let keeper = Keeper::open(options).await.unwrap();
        self.reported = keeper.reported();
        let cancel = CancellationToken::new();
        let task = tokio::spawn(keeper.run(cancel.clone()));
        self.running = Some((cancel, task));
    }

    fn wants(&self, release: &str, attempt: u32) {
        self.desired.send_replace(Some(DesiredContent {
            revision: 0,
            release: Some(label(release)),
            attempt,
        }));
    }

    /// The gateway says that there is another revision.
    fn hears(&self, revision: u64) {
        self.desired.send_modify(|desired| {
            desired.as_mut().unwrap().revision = revision;
        });
    }

    async fn shows(&mut self, release: &str) {
        self.wants(release, 0);
        self.until(|it| taking(it) == Some(TakingState::Installed))
            .await;
        self.shelf.was_painted(label(release));
        self.until(|it| taking(it) == Some(TakingState::Shown))
            .await;
    }

    async fn until(&mut self, holds: impl Fn(&ReportedContent) -> bool) -> ReportedContent {
        let mut reported = self.reported.clone();
        let waiting = reported.wait_for(|it| holds(it));
        let found = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        if let Ok(found) = found {
            return found.unwrap().clone();
        }
        panic!("not within 20 s: {:?}", *self.reported.borrow());
    }

    async fn until_titles(&self, expected: &[&str]) {
        wait(|| self.titles() == expected).await;
    }

    async fn until_state(&self, state: TitleState) {
        wait(|| self.shelf.now().titles.iter().all(|it| it.state == state)).await;
    }

    /// What may be read.
    fn titles(&self) -> Vec<String> {
        let shelf = self.shelf.now();
        let readable = shelf
            .titles
            .iter()
            .filter(|it| it.state == TitleState::Readable);
        readable
            .map(|it| it.publication.metadata.title.to_string())
            .collect()
    }

    fn facts(&self) -> Vec<String> {
        let kept = self.notebook.0.lock().unwrap();
        kept.facts
            .iter()
            .map(|it| it.event_type().to_string())
            .collect()
    }
}

/// A notebook in memory.
#[derive(Default)]
struct Pages(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    text: Option<String>,
    facts: Vec<Fact>,
    refuses: bool,
    writes: usize,
}

impl Pages {
    fn refuse(&self, refuses: bool) {
        self.0.lock().unwrap().refuses = refuses;
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

#[async_trait]
impl Notebook for Pages {
    async fn read(&self) -> Result<Option<String>, RecordError> {
        Ok(self.0.lock().unwrap().text.clone())
    }

    async fn write(&self, text: String, facts: Vec<Fact>) -> Result<(), RecordError> {
        let mut kept = self.0.lock().unwrap();
        if kept.refuses {
            return Err(RecordError("the disk is full".into()));
        }
        kept.writes += 1;
        kept.text = Some(text);
        kept.facts.extend(facts);
        Ok(())
    }
}

/// A clock that a test sets. It stands still until it is told to tick, by tokio's time.
struct SetClock {
    wall: Mutex<Timestamp>,
    uptime: Mutex<Duration>,
    ticks_since: Mutex<Option<Instant>>,
}

impl SetClock {
    fn at(wall: Timestamp) -> Self {
        Self {
            wall: Mutex::new(wall),
            uptime: Mutex::new(Duration::from_secs(60)),
            ticks_since: Mutex::default(),
        }
    }

    fn set(&self, wall: Timestamp) {
        *self.wall.lock().unwrap() = wall;
    }

    /// The machine ran on for so long, whatever its clock says.
    fn run_on(&self, days: u64) {
        *self.uptime.lock().unwrap() += Duration::from_secs(days * 24 * 3_600);
    }

    fn tick(&self) {
        *self.ticks_since.lock().unwrap() = Some(Instant::now());
    }

    fn ticked(&self) -> Duration {
        let since = *self.ticks_since.lock().unwrap();
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Clock for SetClock {
    fn wall(&self) -> Timestamp {
        *self.wall.lock().unwrap() + self.ticked()
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(*self.uptime.lock().unwrap() + self.ticked())
    }

    fn boot(&self) -> Boot {
        "boot".parse().unwrap()
    }
}

fn release(name: &str, titles: &[&str], copies: impl Fn(&str) -> Copies) -> ReleaseTargets {
    let allotted = titles.iter().map(|title| {
        let others = copies(title);
        (
            title_id(title),
            TitleAllotment {
                others,
                ..TitleAllotment::default()
            },
        )
    });
    ReleaseTargets {
        catalogue: Catalogue {
            metadata: CatalogueMetadata {
                identifier: label(name),
                title: label(name),
                modified: now(),
            },
            links: Vec::new(),
            publications: titles.iter().map(|title| publication(title)).collect(),
        },
        allotment: Allotment {
            release: label(name),
            titles: allotted.collect(),
        },
        blobs: BTreeMap::new(),
    }
}

fn publication(title: &str) -> Publication {
    let bytes = book(title);
    let month = jiff::SignedDuration::from_hours(24 * 30);
    let link = Link {
        rel: Some(label(lujiang_wire::ACQUISITION)),
        href: format!("{}{}", lujiang_wire::CONTENT_BLOBS_PATH, hash(&bytes)),
        media_type: label("application/epub+zip"),
        size: Some(bytes.len() as u64),
        properties: Some(LinkProperties {
            availability: Some(Availability {
                state: label("available"),
                since: Some(now() - month),
                until: Some(now() + month),
            }),
            copies: None,
        }),
    };
    Publication {
        metadata: PublicationMetadata {
            kind: label("http://schema.org/Book"),
            identifier: title_id(title),
            title: label(title),
            author: Vec::new(),
            language: Vec::new(),
            publisher: None,
            description: None,
        },
        links: vec![link],
        images: Vec::new(),
    }
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
