//! Claims about the screens as a whole, over HTTP as a browser without script speaks it.

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

mod room;

use room::*;

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
async fn a_file_that_is_being_taken_is_a_copy_in_use_until_it_is_taken() {
    // More than any connection holds for whoever does not read on.
    let room = Room::with(&vec![0; 64 << 20]).await;
    let taking = room.get("/files/one").await;
    assert_eq!(taking.status(), StatusCode::OK);
    let first = std::mem::take(&mut *room.cookies.lock().unwrap());
    assert_eq!(
        room.get("/files/one").await.status(),
        StatusCode::CONFLICT,
        "the only copy is being taken"
    );
    assert_eq!(room.get("/files/xyj").await.status(), StatusCode::OK);
    *room.cookies.lock().unwrap() = first;
    assert_eq!(
        room.get("/files/one").await.status(),
        StatusCode::OK,
        "whoever takes it may take it again"
    );

    room.cookies.lock().unwrap().clear();
    drop(taking);

    let free = async { while room.get("/files/one").await.status() != StatusCode::OK {} };
    timeout(SOON, free).await.unwrap();
    room.close().await;
}

#[tokio::test]
async fn a_title_that_lapses_while_it_is_opened_is_not_opened() {
    let room = Room::open().await;
    let parts = ScreenParts {
        section: ScreensSection::default(),
        zone: TimeZone::UTC,
        shelf: room.shelf.clone(),
        recorder: room.recorder.clone(),
        clock: room.clock.clone(),
    };
    let desk = desk::Desk::new(parts, room.at);
    let session = crate::session::SessionId::new([1; 16]);
    let found = desk.title(&room.shelf.now(), &"xyj".parse().unwrap());
    let title = found.unwrap();
    let language = lujiang_config::ScreenLanguage::Chinese;
    room.lapse("xyj");

    let opened = desk.open(&session, &title, language).await;

    assert!(matches!(opened, Err(desk::Denied::Lapsed)), "{opened:?}");
    assert!(desk.open_book(&session).is_none());
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
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while room.get("/read").await.status() != StatusCode::GONE {
        assert!(tokio::time::Instant::now() < deadline, "it is still read");
        tokio::task::yield_now().await;
    }
    assert_eq!(
        *readings.borrow_and_update(),
        1,
        "she is still at the shelf"
    );
    let told = room
        .beat(json!({"screen": "left", "shows": "reader", "idle": 0}))
        .await;
    assert_eq!(told["go"], "/read", "the page is told to say so");

    room.read("one").await;
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

#[tokio::test]
async fn a_book_that_expands_without_end_is_refused_whoever_signed_it_and_the_shelf_is_still_shown()
{
    // A chapter of more bytes than any may have, all of them nothing, in a few kilobytes.
    let mut chapter = files();
    chapter[2].1 = vec![b' '; 2 << 20];
    let room = Room::with(&zipped(&chapter)).await;
    room.read("xyj").await;
    let shown = room.client.get(frame(&room.text("/read").await));
    let shown = shown.send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(shown.text().await.unwrap().contains("这一章的文件有误"));
    room.post("/close", &[]).await;
    assert!(room.text("/").await.contains("西游记"));
    room.close().await;

    // Each file may be, all of them together may not.
    let mut whole = files();
    whole.extend(["a.css", "b.css", "c.css", "d.css", "e.css"].map(|it| (it, vec![b' '; 1 << 20])));
    let room = Room::with(&zipped(&whole)).await;
    let said = room.read("xyj").await.text().await.unwrap();
    assert!(said.contains("这本书打不开"), "{said}");
    assert!(room.text("/").await.contains("西游记"));
    room.close().await;
}
