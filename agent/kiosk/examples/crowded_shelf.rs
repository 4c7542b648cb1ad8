//! How long the pages of a shelf with many titles take, and what it needs in memory: the measure
//! of `docs/performance.md`.
//!
//! `crowded_shelf [TITLES]`, 2,000 where left out. Each page is asked for over HTTP, as a browser
//! does; build it with `--release`.

#![allow(clippy::print_stdout, reason = "it tells whoever started it")]
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_config::ScreensSection;
use lujiang_kiosk::{
    OnDisplay, RecordError, Recorder, ScreenParts, Screens, Shelf, TitleOnShelf, TitleState,
};
use lujiang_wire::{Boot, Clock, Copies, Fact, Label, Publication, Uptime};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// How often each page is asked for.
const ROUNDS: usize = 50;

/// Common characters, of which titles and names are made.
const WORDS: &str = "春江花月夜山水有清音渌江书院读书声里是吾家天地玄黄宇宙洪荒日月盈昃辰宿列张";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let titles = std::env::args().nth(1);
    let titles: usize = titles.map_or(2_000, |it| it.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let bare = resident();
    let shelf = Shelf::default();
    shelf.show(display(titles, folder.path()));
    let shown = resident();
    let any = "127.0.0.1:0".parse().unwrap();
    let screens = Screens::open(ScreenParts {
        section: ScreensSection {
            listen: any,
            listen_books: any,
            ..ScreensSection::default()
        },
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        shelf,
        recorder: Arc::new(Nobody),
        clock: Arc::new(Wall(Instant::now())),
    });
    let screens = screens.await.unwrap();
    let pages = screens.addresses().pages;
    let stop = CancellationToken::new();
    let running = tokio::spawn(screens.run(stop.clone()));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    println!("{titles} titles; resident {bare} kB, with the shelf {shown} kB");
    let last = titles.div_ceil(9);
    for (name, path) in [
        ("first page", "/".to_owned()),
        ("last page", format!("/?page={last}")),
        ("found by a character", "/?q=%E6%B8%8C".to_owned()),
        ("found by nothing", "/?q=zzzzzz".to_owned()),
        ("feed.json", "/feed.json".to_owned()),
    ] {
        let mut took = Vec::new();
        let mut size = 0;
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            let answer = client.get(format!("http://{pages}{path}")).send().await;
            let body = answer.unwrap().error_for_status().unwrap().bytes().await;
            size = body.unwrap().len();
            took.push(begun.elapsed());
        }
        took.sort();
        let millis = |it: Duration| it.as_secs_f64() * 1e3;
        println!(
            "{name}: {size} bytes, median {:.1} ms, slowest {:.1} ms",
            millis(took[ROUNDS / 2]),
            millis(took[ROUNDS - 1])
        );
    }
    println!("resident at the end {} kB", resident());
    stop.cancel();
    running.await.unwrap();
}

fn display(titles: usize, folder: &Path) -> OnDisplay {
    let words: Vec<char> = WORDS.chars().collect();
    let text = |seed: usize, length: usize| -> String {
        let at = |it: usize| words[(seed * 7 + it * (seed % 13 + 3)) % words.len()];
        (0..length).map(at).collect()
    };
    let title = |number: usize| {
        let cover = folder.join(format!("{number}.jpg"));
        std::fs::write(&cover, [0xff; 8_000]).unwrap();
        let publication = json!({
            "metadata": {
                "@type": "http://schema.org/Book",
                "identifier": format!("urn:isbn:{:013}", 9_787_100_000_000_u64 + number as u64),
                "title": format!("{}{number}", text(number, 8)),
                "author": [text(number + 1, 3)],
                "language": ["zh-CN"],
                "publisher": text(number + 2, 5),
                "description": text(number + 3, 200),
            },
            "links": [],
            "images": [],
        });
        let publication: Publication = serde_json::from_value(publication).unwrap();
        TitleOnShelf {
            publication,
            copies: Copies::Unlimited,
            file: folder.join("book.epub"),
            cover: Some(cover),
            state: TitleState::Readable,
        }
    };
    OnDisplay {
        release: Some("2026-12".parse::<Label>().unwrap()),
        updated: Some(Timestamp::now()),
        titles: (0..titles).map(title).collect(),
        notices: Vec::new(),
    }
}

/// kB of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

struct Nobody;

#[async_trait]
impl Recorder for Nobody {
    async fn record(&self, _: Vec<Fact>) -> Result<(), RecordError> {
        Ok(())
    }
}

struct Wall(Instant);

impl Clock for Wall {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(self.0.elapsed())
    }

    fn boot(&self) -> Boot {
        "boot".parse().unwrap()
    }
}
