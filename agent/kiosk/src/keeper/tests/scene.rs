//! A kiosk with everything around it: its line, its notebook, its clock.

use super::*;

/// A kiosk with everything around it.
pub(super) struct Kiosk {
    pub(super) folder: tempfile::TempDir,
    pub(super) neighbour: Option<Neighbour>,
    pub(super) shelf: Shelf,
    pub(super) clock: Arc<SetClock>,
    pub(super) measured: Arc<Mutex<Option<Timestamp>>>,
    pub(super) notebook: Arc<Pages>,
    pub(super) desired: watch::Sender<Option<DesiredContent>>,
    pub(super) brings: mpsc::Sender<Import>,
    pub(super) reported: watch::Receiver<ReportedContent>,
    pub(super) running: Option<(CancellationToken, tokio::task::JoinHandle<()>)>,
    pub(super) reserve: u64,
    pub(super) paint_patience: Duration,
    pub(super) line: Line,
    pub(super) yielding: watch::Sender<Yielding>,
}

/// The line to what is served, which may be cut, or bring something that never ends, or never
/// comes.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) served: FolderSource,
    pub(super) is_cut: Arc<AtomicBool>,
    pub(super) endless: Arc<Mutex<Option<Resource>>>,
    pub(super) silent: Arc<Mutex<Option<Resource>>>,
    /// What was asked for.
    pub(super) asked: Arc<Mutex<Vec<Resource>>>,
}

impl Line {
    pub(super) fn to(served: &std::path::Path) -> Self {
        Self {
            served: FolderSource::new(served),
            is_cut: Arc::default(),
            endless: Arc::default(),
            silent: Arc::default(),
            asked: Arc::default(),
        }
    }

    pub(super) fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
    }

    /// The files of metadata that were asked for since this was asked last.
    pub(super) fn take_asked_metadata(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let names = asked.iter().filter_map(|it| match it {
            Resource::Metadata(name) => Some(name.as_str().to_owned()),
            Resource::Blob(_) | Resource::Blocks(_) => None,
        });
        names.collect()
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
        self.asked.lock().unwrap().push(resource.clone());
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
    pub(super) async fn beside(served: &std::path::Path) -> Self {
        Self::with(served, None).await
    }

    pub(super) async fn with(served: &std::path::Path, neighbour: Option<Neighbour>) -> Self {
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
            line: Line::to(served),
            yielding: watch::Sender::new(Yielding::Free),
        };
        kiosk.restart().await;
        kiosk
    }

    /// As after a power cut: what is in memory is gone.
    pub(super) async fn restart(&mut self) {
        if let Some((cancel, task)) = self.running.take() {
            cancel.cancel();
            task.await.unwrap();
        }
        self.shelf = Shelf::default();
        let measured = Arc::clone(&self.measured);
        let (brings, imports) = mpsc::channel(1);
        self.brings = brings;
        let (yielding, reserve) = (self.yielding.subscribe(), self.reserve);
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
                let options = DownloadOptions {
                    reserve,
                    ..DownloadOptions::default()
                };
                Downloads::new(blobs, pace, options)
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

    pub(super) fn wants(&self, release: &str, attempt: u32) {
        self.desired.send_replace(Some(DesiredContent {
            revision: 0,
            release: Some(label(release)),
            attempt,
        }));
    }

    /// The gateway says that there is another revision.
    pub(super) fn hears(&self, revision: u64) {
        self.desired.send_modify(|desired| {
            desired.as_mut().unwrap().revision = revision;
        });
    }

    /// Wants a release until the shelf is switched to it; no screen has painted it.
    pub(super) async fn installs(&mut self, release: &str) {
        self.wants(release, 0);
        self.until(|it| taking(it) == Some(TakingState::Installed))
            .await;
    }

    pub(super) async fn shows(&mut self, release: &str) {
        self.installs(release).await;
        self.shelf.was_painted(label(release));
        self.until(|it| taking(it) == Some(TakingState::Shown))
            .await;
    }

    pub(super) async fn until(
        &mut self,
        holds: impl Fn(&ReportedContent) -> bool,
    ) -> ReportedContent {
        self.until_within(Duration::from_secs(20), holds).await
    }

    pub(super) async fn until_within(
        &mut self,
        deadline: Duration,
        holds: impl Fn(&ReportedContent) -> bool,
    ) -> ReportedContent {
        let mut reported = self.reported.clone();
        let waiting = reported.wait_for(|it| holds(it));
        let found = tokio::time::timeout(deadline, waiting).await;
        if let Ok(found) = found {
            return found.unwrap().clone();
        }
        panic!("not within {deadline:?}: {:?}", *self.reported.borrow());
    }

    pub(super) async fn until_titles(&self, expected: &[&str]) {
        wait(|| self.titles() == expected).await;
    }

    pub(super) async fn until_state(&self, state: TitleState) {
        wait(|| self.shelf.now().titles.iter().all(|it| it.state == state)).await;
    }

    /// What may be read.
    pub(super) fn titles(&self) -> Vec<String> {
        let shelf = self.shelf.now();
        let readable = shelf
            .titles
            .iter()
            .filter(|it| it.state == TitleState::Readable);
        readable
            .map(|it| it.publication.metadata.title.to_string())
            .collect()
    }

    /// The file of a title, there or not.
    pub(super) fn file(&self, title: &str) -> PathBuf {
        let blobs = self.folder.path().join("blobs");
        blobs.join(hash(&book(title)).to_string())
    }

    /// Asks what is newest, and is done with what follows from it.
    pub(super) async fn asks(&self) {
        let before = self.notebook.writes();
        self.hears(1_000 + before as u64);
        wait(|| self.notebook.writes() > before).await;
    }

    /// The titles for whose removal there is a receipt, and why.
    pub(super) fn removed(&self) -> Vec<(Label, String)> {
        let kept = self.notebook.0.lock().unwrap();
        let removed = kept.facts.iter().filter_map(|fact| match fact {
            Fact::ContentRemoved(it) => Some((it.title.clone()?, it.reason.to_string())),
            _ => None,
        });
        removed.collect()
    }

    pub(super) fn facts(&self) -> Vec<String> {
        let kept = self.notebook.0.lock().unwrap();
        kept.facts
            .iter()
            .map(|it| it.event_type().to_string())
            .collect()
    }
}

/// A notebook in memory.
#[derive(Default)]
pub(super) struct Pages(Mutex<Kept>);

#[derive(Default)]
pub(super) struct Kept {
    pub(super) text: Option<String>,
    pub(super) facts: Vec<Fact>,
    pub(super) refuses: bool,
    pub(super) writes: usize,
    pub(super) refused: usize,
}

impl Pages {
    pub(super) fn refuse(&self, refuses: bool) {
        self.0.lock().unwrap().refuses = refuses;
    }

    /// How often it refused.
    pub(super) fn refused(&self) -> usize {
        self.0.lock().unwrap().refused
    }

    pub(super) fn writes(&self) -> usize {
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
            kept.refused += 1;
            return Err(RecordError("the disk is full".into()));
        }
        kept.writes += 1;
        kept.text = Some(text);
        kept.facts.extend(facts);
        Ok(())
    }
}

/// A clock that a test sets. It stands still until it is told to tick, by tokio's time.
pub(super) struct SetClock {
    pub(super) wall: Mutex<Timestamp>,
    pub(super) uptime: Mutex<Duration>,
    pub(super) ticks_since: Mutex<Option<Instant>>,
}

impl SetClock {
    pub(super) fn at(wall: Timestamp) -> Self {
        Self {
            wall: Mutex::new(wall),
            uptime: Mutex::new(Duration::from_secs(60)),
            ticks_since: Mutex::default(),
        }
    }

    pub(super) fn set(&self, wall: Timestamp) {
        *self.wall.lock().unwrap() = wall;
    }

    /// The machine ran on for so long, whatever its clock says.
    pub(super) fn run_on(&self, days: u64) {
        *self.uptime.lock().unwrap() += Duration::from_secs(days * 24 * 3_600);
    }

    pub(super) fn tick(&self) {
        *self.ticks_since.lock().unwrap() = Some(Instant::now());
    }

    pub(super) fn ticked(&self) -> Duration {
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
