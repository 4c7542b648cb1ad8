//! Claims about the screens as a whole, over HTTP as a browser without script speaks it.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use lujiang_wire::{Boot, Copies, Fact, Label, Metric, Publication, Screen, Uptime};
use reqwest::header::{COOKIE, ETAG, HOST, HeaderMap, IF_NONE_MATCH, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::book_view::tests::{CONTAINER, PACKAGE, zipped};
use crate::recorder::RecordError;
use crate::shelf::{OnDisplay, TitleOnShelf, TitleState};

/// Longest wait for anything here.
const SOON: Duration = Duration::from_secs(20);

const CHAPTER: &str = "<html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>t</title></head>\
                       <body><p>字</p></body></html>";

/// Screens that are served, and one reader before them.
struct Room {
    shelf: Shelf,
    recorder: Arc<Outbox>,
    clock: Arc<HandClock>,
    reported: watch::Receiver<Vec<ReportedScreen>>,
    unrecorded: watch::Receiver<u64>,
    at: ScreenAddresses,
    client: Client,
    cookies: Mutex<String>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

#[derive(Default)]
struct Outbox {
    facts: Mutex<Vec<Fact>>,
    is_full: std::sync::atomic::AtomicBool,
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

struct HandClock(AtomicU64);

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

#[tokio::test]
async fn the_shelf_shows_what_may_be_read_and_finds_it_by_its_initials() {
    let room = Room::open().await;
    let shelf = room.text("/").await;
    assert!(shelf.contains("西游记") && shelf.contains("红楼梦"));
    assert!(!shelf.contains("过期的书") && !shelf.contains("没有册数的书"));
    assert!(shelf.contains("书目更新于11月4日"));
    let found = room.text("/?q=xyj").await;
    assert!(found.contains("西游记") && !found.contains("红楼梦"));
    let nothing = room.text("/?q=zzz&page=9").await;
    assert!(nothing.contains("没有找到这样的书"));
    let english = room.text("/?in=en").await;
    assert!(english.contains("The Rust Book") && !english.contains("西游记"));
    room.close().await;
}

#[tokio::test]
async fn a_use_is_on_disk_before_the_page_answers_and_a_double_click_is_one() {
    let room = Room::open().await;
    room.get("/titles/xyj").await;
    assert_eq!(
        room.metrics(),
        [
            Metric::TotalItemInvestigations,
            Metric::UniqueItemInvestigations,
            Metric::UniqueTitleInvestigations,
        ]
    );
    room.get("/titles/xyj").await;
    assert_eq!(room.metrics().len(), 3, "a double click");
    room.read("xyj").await;
    let requests = &room.metrics()[3..];
    assert!(
        requests.contains(&Metric::TotalItemRequests),
        "{requests:?}"
    );
    assert!(!requests.contains(&Metric::UniqueItemInvestigations));
    room.close().await;
}

#[tokio::test]
async fn a_full_outbox_closes_no_book_and_is_said() {
    let room = Room::open().await;
    room.recorder.is_full.store(true, Ordering::Relaxed);
    let answer = room.read("xyj").await;
    assert_eq!(answer.headers()[LOCATION], "/read");
    assert!(room.text("/read").await.contains("<iframe"));
    assert_eq!(*room.unrecorded.borrow(), 1);
    room.close().await;
}

#[tokio::test]
async fn outside_the_licence_and_without_a_copy_a_title_is_denied_and_that_is_counted() {
    let room = Room::open().await;
    let lapsed = room.get("/titles/lapsed").await;
    assert_eq!(lapsed.status(), StatusCode::GONE);
    assert!(lapsed.text().await.unwrap().contains("授权已到期"));
    assert_eq!(room.read("none").await.status(), StatusCode::CONFLICT);
    assert_eq!(room.metrics(), [Metric::NoLicense, Metric::LimitExceeded]);
    assert_eq!(
        room.get("/titles/unknown").await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(room.metrics().len(), 2, "what is not there is nothing");
    room.close().await;
}

#[tokio::test]
async fn the_last_copy_is_read_by_one() {
    let room = Room::open().await;
    room.read("one").await;
    let first = std::mem::take(&mut *room.cookies.lock().unwrap());
    assert_eq!(room.read("one").await.status(), StatusCode::CONFLICT);
    *room.cookies.lock().unwrap() = first;
    room.post("/close", &[]).await;
    room.cookies.lock().unwrap().clear();
    assert_eq!(room.read("one").await.headers()[LOCATION], "/read");
    room.close().await;
}

#[tokio::test]
async fn a_book_is_of_another_origin_behind_a_key_that_ends_with_it() {
    let room = Room::open().await;
    room.read("xyj").await;
    let page = room.text("/read").await;
    let address = frame(&page);
    assert!(
        address.starts_with(&format!("http://{}/", room.at.books)),
        "{address}"
    );
    assert!(page.contains("sandbox=\"\""));
    let document = room.client.get(&address).send().await.unwrap();
    let policy = document.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    for part in [
        "default-src 'none'",
        "script-src 'none'",
        "form-action 'none'",
        "sandbox;",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert!(policy.contains(&format!("frame-ancestors http://{}", room.at.pages)));
    assert_eq!(document.headers()["x-content-type-options"], "nosniff");
    assert_eq!(document.headers()["cache-control"], "no-store");
    let document = document.text().await.unwrap();
    assert!(document.contains("字") && document.contains("lujiang-house.css"));

    let (stolen, _) = address.split_once("/OEBPS").unwrap();
    for wrong in [
        "/OEBPS/none.xhtml",
        "/../../etc/passwd",
        "/META-INF/container.xml",
    ] {
        let answer = room
            .client
            .get(format!("{stolen}{wrong}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{wrong}");
    }
    let evil = room.client.get(&address).header(HOST, "evil.example:80");
    assert_eq!(
        evil.send().await.unwrap().status(),
        StatusCode::MISDIRECTED_REQUEST
    );
    let posted = room.client.post(&address).send().await.unwrap();
    assert_ne!(posted.status(), StatusCode::OK);

    room.post("/close", &[]).await;
    let gone = room.client.get(&address).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    room.close().await;
}

#[tokio::test]
async fn a_reading_ends_on_idle_and_when_the_licence_does() {
    let room = Room::open().await;
    let mut readings = room.shelf.readings();
    room.read("xyj").await;
    assert_eq!(*readings.borrow_and_update(), 1);
    room.lapse("xyj");
    wait(&mut readings, |it| *it == 0).await;
    let page = room.get("/read").await;
    assert_eq!(page.status(), StatusCode::GONE);
    let told = room
        .beat(json!({"screen": "left", "shows": "reader", "idle": 0}))
        .await;
    assert_eq!(told["go"], "/read", "the page is told to say so");

    room.read("one").await;
    assert_eq!(*readings.borrow_and_update(), 1);
    room.pass(Duration::from_secs(299));
    room.beat(json!({"screen": "left", "shows": "reader", "idle": 1_000}))
        .await;
    room.pass(Duration::from_secs(299));
    assert!(
        room.text("/read").await.contains("<iframe"),
        "somebody still reads"
    );
    room.pass(Duration::from_secs(400));
    wait(&mut readings, |it| *it == 0).await;
    assert_eq!(room.get("/read").await.headers()[LOCATION], "/");
    room.close().await;
}

#[tokio::test]
async fn a_release_is_proven_by_the_page_that_painted_it_and_by_no_other() {
    let room = Room::open().await;
    let painted = room.shelf.painted();
    assert!(room.text("/").await.contains("data-release=\"2026-11\""));
    room.beat(json!({"screen": "left", "shows": "shelf", "release": "2026-10"}))
        .await;
    assert_eq!(*painted.borrow(), None);
    room.beat(json!({"screen": "left", "shows": "shelf", "release": "2026-11"}))
        .await;
    assert_eq!(painted.borrow().as_ref().unwrap().as_str(), "2026-11");
    room.beat(json!({"screen": "right", "shows": "notice:n-1"}))
        .await;
    let reported = room.reported.borrow().clone();
    let told: Vec<(Screen, &str)> = reported
        .iter()
        .map(|it| (it.screen, it.shows.as_str()))
        .collect();
    assert_eq!(
        told,
        [(Screen::Left, "shelf"), (Screen::Right, "notice:n-1")]
    );
    room.close().await;
}

#[tokio::test]
async fn the_feed_is_an_opds_feed_of_what_may_be_read_and_is_kept_by_its_etag() {
    let room = Room::open().await;
    let answer = room.get("/feed.json").await;
    assert_eq!(answer.headers()["content-type"], "application/opds+json");
    let etag = answer.headers()[ETAG].clone();
    let feed: Value = answer.json().await.unwrap();
    assert_eq!(feed["metadata"]["title"], "图书室");
    assert_eq!(feed["links"][0]["rel"], "self");
    let publications = feed["publications"].as_array().unwrap();
    assert_eq!(publications.len(), 4);
    for publication in publications {
        assert!(publication["metadata"]["title"].is_string());
        let links = publication["links"].as_array().unwrap();
        let acquisition = links
            .iter()
            .find(|it| it["rel"] == lujiang_wire::ACQUISITION)
            .unwrap();
        let file = room.get(acquisition["href"].as_str().unwrap()).await;
        assert_eq!(file.headers()["content-type"], "application/epub+zip");
        let image = &publication["images"][0];
        let cover = room.get(image["href"].as_str().unwrap()).await;
        assert_eq!(
            cover.headers()["content-type"].to_str().unwrap(),
            image["type"]
        );
    }
    let again = room
        .client
        .get(room.address("/feed.json"))
        .header(IF_NONE_MATCH, etag.clone());
    assert_eq!(
        again.send().await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
    room.lapse("xyj");
    let changed = room
        .client
        .get(room.address("/feed.json"))
        .header(IF_NONE_MATCH, etag);
    assert_eq!(changed.send().await.unwrap().status(), StatusCode::OK);
    room.close().await;
}

#[tokio::test]
async fn only_our_own_page_changes_anything_and_every_answer_is_guarded() {
    let room = Room::open().await;
    let elsewhere = room
        .client
        .post(room.address("/read"))
        .header(ORIGIN, format!("http://{}", room.at.books))
        .form(&[("title", "xyj")]);
    assert_eq!(
        elsewhere.send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
    assert!(room.metrics().is_empty());
    for path in ["/", "/titles/xyj", "/announcements", "/none/such"] {
        let answer = room.get(path).await;
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.contains("script-src 'self'"), "{policy}");
        assert!(
            policy.contains(&format!("frame-src http://{};", room.at.books)),
            "{policy}"
        );
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
    }
    let away = room
        .post(
            "/language",
            &[("language", "en"), ("back", "//evil.example/")],
        )
        .await;
    assert_eq!(away.headers()[LOCATION], "/");
    assert!(room.text("/").await.contains("Pinyin initials"));
    room.post("/leave", &[]).await;
    assert!(
        room.text("/").await.contains("拼音首字母"),
        "the next reader's language"
    );
    room.close().await;
}

impl Room {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("book.epub");
        std::fs::write(&file, book()).unwrap();
        let shelf = Shelf::default();
        shelf.show(display(&file));
        let any = "127.0.0.1:0".parse().unwrap();
        let (recorder, clock) = (Arc::<Outbox>::default(), Arc::new(HandClock(0.into())));
        let parts = ScreenParts {
            section: ScreensSection {
                listen: any,
                listen_books: any,
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

    async fn close(self) {
        self.stop.cancel();
        timeout(SOON, self.task).await.unwrap().unwrap();
        assert_eq!(
            *self.shelf.readings().borrow(),
            0,
            "every reading ends with the screens"
        );
    }

    fn address(&self, path: &str) -> String {
        format!("http://{}{path}", self.at.pages)
    }

    async fn get(&self, path: &str) -> Response {
        let cookies = self.cookies.lock().unwrap().clone();
        let asked = self.client.get(self.address(path)).header(COOKIE, cookies);
        self.remember(asked.send().await.unwrap())
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let cookies = self.cookies.lock().unwrap().clone();
        let asked = self
            .client
            .post(self.address(path))
            .form(form)
            .header(COOKIE, cookies);
        let asked = asked.header(ORIGIN, format!("http://{}", self.at.pages));
        self.remember(asked.send().await.unwrap())
    }

    async fn read(&self, title: &str) -> Response {
        self.post("/read", &[("title", title)]).await
    }

    async fn beat(&self, said: Value) -> Value {
        let cookies = self.cookies.lock().unwrap().clone();
        let asked = self.client.post(self.address("/heartbeat")).json(&said);
        let asked = asked
            .header(COOKIE, cookies)
            .header(ORIGIN, format!("http://{}", self.at.pages));
        asked.send().await.unwrap().json().await.unwrap()
    }

    fn remember(&self, answer: Response) -> Response {
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

    fn metrics(&self) -> Vec<Metric> {
        let facts = self.recorder.facts.lock().unwrap();
        let metric = |fact: &Fact| match fact {
            Fact::KioskUsed(used) => used.metric,
            other => panic!("{other:?}"),
        };
        facts.iter().map(metric).collect()
    }

    fn lapse(&self, id: &str) {
        let mut display = (*self.shelf.now()).clone();
        let mut titles = display.titles.iter_mut();
        let title = titles.find(|it| it.publication.metadata.identifier.as_str() == id);
        title.unwrap().state = TitleState::Lapsed;
        self.shelf.show(display);
    }

    fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }
}

async fn wait<T: Clone>(told: &mut watch::Receiver<T>, is: impl FnMut(&T) -> bool) {
    timeout(SOON, told.wait_for(is)).await.unwrap().unwrap();
}

fn frame(page: &str) -> String {
    let (_, rest) = page.split_once("src=\"http").unwrap();
    format!("http{}", rest.split_once('"').unwrap().0)
}

fn book() -> Vec<u8> {
    let files = [
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/package.opf", PACKAGE),
        ("OEBPS/text/one.xhtml", CHAPTER),
        ("OEBPS/text/二.xhtml", CHAPTER),
    ];
    zipped(&files.map(|(name, text)| (name, text.into())))
}

fn display(file: &Path) -> OnDisplay {
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
