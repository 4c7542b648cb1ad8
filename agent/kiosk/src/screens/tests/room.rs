//! A room with screens that are served, and one reader before them.

use std::path::Path;

use lujiang_config::ByteSize;

use super::*;

const CHAPTER: &str = "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>t</title></head>\
                       <body><p>字</p></body></html>";

/// Screens that are served, and one reader before them.
pub(super) struct Room {
    pub(super) shelf: Shelf,
    pub(super) recorder: Arc<Outbox>,
    pub(super) clock: Arc<HandClock>,
    pub(super) reported: watch::Receiver<Vec<ReportedScreen>>,
    pub(super) unrecorded: watch::Receiver<u64>,
    pub(super) at: ScreenAddresses,
    pub(super) client: Client,
    pub(super) cookies: Mutex<String>,
    pub(super) stop: CancellationToken,
    pub(super) task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

#[derive(Default)]
pub(super) struct Outbox {
    pub(super) facts: Mutex<Vec<Fact>>,
    pub(super) is_full: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl Recorder for Outbox {
    async fn record(&self, facts: Vec<Fact>) -> Result<(), RecordError> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(RecordError("full".into()));
        }
        self.facts.lock().unwrap().extend(facts);
        Ok(())
    }
}

pub(super) struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn wall(&self) -> jiff::Timestamp {
        let since = jiff::SignedDuration::from_millis(self.0.load(Ordering::Relaxed) as i64);
        "2026-11-04T06:32:00Z".parse::<jiff::Timestamp>().unwrap() + since
    }

    fn uptime(&self) -> Uptime {
        Uptime::from_millis(self.0.load(Ordering::Relaxed)).unwrap()
    }

    fn boot(&self) -> Boot {
        "boot".parse().unwrap()
    }
}

impl Room {
    pub(super) async fn open() -> Self {
        Self::with(&book()).await
    }

    /// With this file for every title.
    pub(super) async fn with(book: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("book.epub");
        std::fs::write(&file, book).unwrap();
        let shelf = Shelf::default();
        shelf.show(display(&file));
        let any = "127.0.0.1:0".parse().unwrap();
        let (recorder, clock) = (Arc::<Outbox>::default(), Arc::new(HandClock(0.into())));
        let parts = ScreenParts {
            section: ScreensSection {
                listen: any,
                listen_books: any,
                book_file_max: ByteSize::mib(1),
                book_max: ByteSize::mib(4),
                ..ScreensSection::default()
            },
            zone: TimeZone::get("Asia/Shanghai").unwrap(),
            shelf: shelf.clone(),
            recorder: recorder.clone(),
            clock: clock.clone(),
        };
        let screens = Screens::open(parts).await.unwrap();
        let (reported, unrecorded) = (screens.reported(), screens.unrecorded());
        let (at, stop) = (screens.addresses(), CancellationToken::new());
        Self {
            shelf,
            recorder,
            clock,
            reported,
            unrecorded,
            at,
            client: Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            cookies: Mutex::default(),
            task: tokio::spawn(screens.run(stop.clone())),
            stop,
            _folder: folder,
        }
    }

    pub(super) async fn close(self) {
        self.stop.cancel();
        timeout(SOON, self.task).await.unwrap().unwrap();
        assert_eq!(
            *self.shelf.readings().borrow(),
            0,
            "every reading ends with the screens"
        );
    }

    pub(super) fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.at.pages)
    }

    pub(super) async fn get(&self, path: &str) -> Response {
        let cookies = self.cookies.lock().unwrap().clone();
        let asked = self.client.get(self.address(path)).header(COOKIE, cookies);
        self.remember(asked.send().await.unwrap())
    }

    pub(super) async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let cookies = self.cookies.lock().unwrap().clone();
        let asked = self
            .client
            .post(self.address(path))
            .form(form)
            .header(COOKIE, cookies);
        let asked = asked.header(ORIGIN, format!("http://{}", self.at.pages));
        self.remember(asked.send().await.unwrap())
    }

    pub(super) async fn read(&self, title: &str) -> Response {
        self.post("/read", &[("title", title)]).await
    }

    pub(super) async fn beat(&self, said: Value) -> Value {
        let cookies = self.cookies.lock().unwrap().clone();
        let asked = self.client.post(self.address("/heartbeat")).json(&said);
        let asked = asked
            .header(COOKIE, cookies)
            .header(ORIGIN, format!("http://{}", self.at.pages));
        asked.send().await.unwrap().json().await.unwrap()
    }

    pub(super) fn remember(&self, answer: Response) -> Response {
        let headers: &HeaderMap = answer.headers();
        for cookie in headers.get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.ends_with("HttpOnly; SameSite=Strict"), "{cookie}");
            let (pair, rest) = cookie.split_once(';').unwrap();
            let (name, _) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            let mut kept: Vec<String> = cookies
                .split("; ")
                .filter(|it| !it.is_empty() && !it.starts_with(&format!("{name}=")))
                .map(str::to_owned)
                .collect();
            if !rest.contains("Max-Age=0") {
                kept.push(pair.to_owned());
            }
            *cookies = kept.join("; ");
        }
        answer
    }

    pub(super) fn metrics(&self) -> Vec<Metric> {
        let facts = self.recorder.facts.lock().unwrap();
        let metric = |fact: &Fact| match fact {
            Fact::KioskUsed(used) => used.metric,
            other => panic!("{other:?}"),
        };
        facts.iter().map(metric).collect()
    }

    pub(super) fn lapse(&self, id: &str) {
        let mut display = (*self.shelf.now()).clone();
        let mut titles = display.titles.iter_mut();
        let title = titles.find(|it| it.publication.metadata.identifier.as_str() == id);
        title.unwrap().state = TitleState::Lapsed;
        self.shelf.show(display);
    }

    pub(super) fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }
}

pub(super) async fn wait<T: Clone>(told: &mut watch::Receiver<T>, is: impl FnMut(&T) -> bool) {
    timeout(SOON, told.wait_for(is)).await.unwrap().unwrap();
}

pub(super) fn frame(page: &str) -> String {
    let (_, rest) = page.split_once("src=\"http").unwrap();
    format!("http{}", rest.split_once('"').unwrap().0)
}

/// The files of a book.
pub(super) fn files() -> Vec<(&'static str, Vec<u8>)> {
    let files = [
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/package.opf", PACKAGE),
        ("OEBPS/text/one.xhtml", CHAPTER),
        ("OEBPS/text/二.xhtml", CHAPTER),
    ];
    files.map(|(name, text)| (name, text.into())).into()
}

fn book() -> Vec<u8> {
    zipped(&files())
}

pub(super) fn display(file: &Path) -> OnDisplay {
    let one = Copies::Of(std::num::NonZeroU32::MIN);
    let titles = [
        (
            "xyj",
            "西游记",
            "zh-CN",
            Copies::Unlimited,
            TitleState::Readable,
        ),
        (
            "hlm",
            "红楼梦",
            "zh-CN",
            Copies::Unlimited,
            TitleState::Readable,
        ),
        ("one", "一册", "zh-CN", one, TitleState::Readable),
        (
            "rust",
            "The Rust Book",
            "en",
            Copies::Unlimited,
            TitleState::Readable,
        ),
        (
            "lapsed",
            "过期的书",
            "zh-CN",
            Copies::Unlimited,
            TitleState::Lapsed,
        ),
        (
            "none",
            "没有册数的书",
            "zh-CN",
            Copies::None,
            TitleState::Readable,
        ),
    ];
    let titles = titles.map(|(id, name, language, copies, state)| {
        let publication: Publication = serde_json::from_value(json!({
            "metadata": {
                "@type": "http://schema.org/Book",
                "identifier": id,
                "title": name,
                "language": [language],
            },
            "links": [{
                "rel": lujiang_wire::ACQUISITION,
                "href": "/content/v1/blobs/0",
                "type": "application/epub+zip",
            }],
        }))
        .unwrap();
        TitleOnShelf {
            publication,
            copies,
            file: file.to_owned(),
            cover: None,
            state,
        }
    });
    OnDisplay {
        release: Some("2026-11".parse::<Label>().unwrap()),
        updated: Some("2026-11-04T06:32:00Z".parse().unwrap()),
        titles: titles.into(),
        notices: Vec::new(),
    }
}
