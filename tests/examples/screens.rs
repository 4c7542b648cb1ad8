//! The screens of a kiosk over a shelf that is filled by hand, for a browser: started by
//! `tests/browser/screens.mjs`. It says on standard output, a line of JSON each, where it serves
//! and what happens, and is told on standard input what changes.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use clap::Parser;
use jiff::tz::TimeZone;
use lujiang_agent::SystemClock;
use lujiang_config::ScreensSection;
use lujiang_kiosk::{
    NoticeOnDisplay, OnDisplay, RecordError, Recorder, ScreenParts, Screens, Shelf, TitleOnShelf,
    TitleState,
};
use lujiang_tests::epubs;
use lujiang_wire::{Copies, Fact, Label, Notice, Publication};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Commands that wait to be done.
const COMMANDS_MAX: usize = 64;

/// What to show.
#[derive(Debug, Parser)]
struct Options {
    /// Where the books are made.
    folder: PathBuf,
    /// EPUBs on the shelf.
    #[arg(long, default_value_t = 23)]
    epubs: u32,
    /// PDFs on the shelf.
    #[arg(long, default_value_t = 1)]
    pdfs: u32,
    /// More books, made by others: file and title.
    #[arg(long, num_args = 2)]
    book: Vec<String>,
    /// Seconds at the shelf.
    #[arg(long, default_value_t = 60)]
    idle: u64,
    /// Seconds in a book.
    #[arg(long, default_value_t = 300)]
    idle_in_book: u64,
    /// Seconds a notice stays.
    #[arg(long, default_value_t = 12)]
    notice: u64,
    /// Seconds of the countdown.
    #[arg(long, default_value_t = 15)]
    countdown: u64,
    /// Where to listen, so that it can be started again where it was.
    #[arg(long, num_args = 2)]
    listen: Vec<std::net::SocketAddr>,
}

/// What changes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Command {
    /// The licence of a title ends.
    Lapse(Label),
    /// Another release is on display, with the same titles.
    Release(Label),
    /// All notices.
    Notices(Vec<Notice>),
    /// A title has so many copies.
    Copies(Label, Copies),
    /// The outbox takes no facts.
    Refuse(bool),
}

/// Says the facts.
struct Said {
    refuses: Arc<AtomicBool>,
}

#[async_trait]
impl Recorder for Said {
    async fn record(&self, facts: Vec<Fact>) -> Result<(), RecordError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(RecordError("the outbox is full".into()));
        }
        for fact in facts {
            if let Fact::KioskUsed(used) = fact {
                say(&json!({ "used": used }));
            }
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let options = Options::parse();
    let shelf = Shelf::default();
    shelf.show(display(&options)?);
    let refuses = Arc::new(AtomicBool::new(false));
    let any = "127.0.0.1:0".parse()?;
    let section = ScreensSection {
        listen: options.listen.first().copied().unwrap_or(any),
        listen_books: options.listen.get(1).copied().unwrap_or(any),
        name: "荷花垅图书室".to_owned(),
        opening_hours: "每天 9:00—17:00".to_owned(),
        public_address: "https://library.example".to_owned(),
        idle: Duration::from_secs(options.idle),
        idle_in_book: Duration::from_secs(options.idle_in_book),
        countdown: Duration::from_secs(options.countdown),
        notice: Duration::from_secs(options.notice),
        ..ScreensSection::default()
    };
    let parts = ScreenParts {
        section,
        zone: TimeZone::get("Asia/Shanghai")?,
        shelf: shelf.clone(),
        recorder: Arc::new(Said {
            refuses: refuses.clone(),
        }),
        clock: Arc::new(SystemClock::new()?),
    };
    let screens = Screens::open(parts).await?;
    let addresses = screens.addresses();
    say(&json!({ "pages": addresses.pages, "books": addresses.books }));
    let stop = CancellationToken::new();
    let (commands, mut orders) = mpsc::channel(COMMANDS_MAX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if commands.blocking_send(line).is_err() {
                return;
            }
        }
    });
    tokio::spawn(tell("readings", shelf.readings(), |it| json!(it)));
    tokio::spawn(tell("painted", shelf.painted(), |it| json!(it)));
    tokio::spawn(tell("screens", screens.reported(), |it| json!(it)));
    let ending = stop.clone();
    let obeying = async move {
        while let Some(line) = orders.recv().await {
            obey(&shelf, &refuses, &line)?;
            say(&json!("done"));
        }
        ending.cancel();
        anyhow::Ok(())
    };
    let (_, obeyed) = tokio::join!(screens.run(stop), obeying);
    obeyed
}

fn obey(shelf: &Shelf, refuses: &AtomicBool, line: &str) -> anyhow::Result<()> {
    let mut display = (*shelf.now()).clone();
    let command = serde_json::from_str(line).with_context(|| format!("a command: {line}"))?;
    match command {
        Command::Lapse(title) => title_of(&mut display, &title)?.state = TitleState::Lapsed,
        Command::Copies(title, copies) => title_of(&mut display, &title)?.copies = copies,
        Command::Release(release) => display.release = Some(release),
        Command::Notices(notices) => {
            let shown = notices.into_iter().map(|notice| NoticeOnDisplay {
                notice,
                image: None,
            });
            display.notices = shown.collect();
        }
        Command::Refuse(is_so) => refuses.store(is_so, Ordering::Relaxed),
    }
    shelf.show(display);
    Ok(())
}

fn title_of<'d>(display: &'d mut OnDisplay, id: &Label) -> anyhow::Result<&'d mut TitleOnShelf> {
    let mut titles = display.titles.iter_mut();
    let found = titles.find(|it| it.publication.metadata.identifier == *id);
    found.context("no such title")
}

async fn tell<T: Clone>(name: &str, mut told: watch::Receiver<T>, write: fn(&T) -> Value) {
    loop {
        let value = write(&told.borrow_and_update().clone());
        say(&json!({ name: value }));
        if told.changed().await.is_err() {
            return;
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is how it speaks with the test")]
fn say(what: &Value) {
    println!("{what}");
}

fn display(options: &Options) -> anyhow::Result<OnDisplay> {
    std::fs::create_dir_all(&options.folder)?;
    let mut titles = Vec::new();
    for number in 1..=options.epubs {
        let file = options.folder.join(format!("book-{number}.epub"));
        let book = epubs::write_epub(&file, 7, number, 40_000)?;
        titles.push(title(&book, "application/epub+zip")?);
    }
    for number in 1..=options.pdfs {
        let file = options.folder.join(format!("paper-{number}.pdf"));
        let book = epubs::write_pdf(&file, 7, 50_000 + number, 40_000)?;
        titles.push(title(&book, "application/pdf")?);
    }
    for pair in options.book.chunks_exact(2) {
        let kind = match Path::new(&pair[0]).extension() {
            Some(it) if it == "pdf" => "application/pdf",
            Some(_) | None => "application/epub+zip",
        };
        let metadata = json!({
            "@type": "http://schema.org/Book",
            "identifier": format!("urn:test:{}", pair[1]),
            "title": pair[1],
            "language": ["en"],
        });
        titles.push(on_shelf(metadata, kind, Path::new(&pair[0]))?);
    }
    Ok(OnDisplay {
        release: Some("2026-11".parse()?),
        updated: Some("2026-11-04T06:32:00Z".parse()?),
        titles,
        notices: Vec::new(),
    })
}

fn title(book: &epubs::Book, kind: &str) -> anyhow::Result<TitleOnShelf> {
    let metadata = json!({
        "@type": "http://schema.org/Book",
        "identifier": format!("urn:isbn:{}", book.isbn),
        "title": book.title,
        "author": book.authors,
        "language": [book.language],
        "publisher": book.publisher,
        "description": book.description,
    });
    on_shelf(metadata, kind, &book.file)
}

fn on_shelf(metadata: Value, kind: &str, file: &Path) -> anyhow::Result<TitleOnShelf> {
    let publication: Publication = serde_json::from_value(json!({
        "metadata": metadata,
        "links": [
            {
                "rel": "http://opds-spec.org/acquisition",
                "href": "/content/v1/blobs/0",
                "type": kind,
                "properties": { "availability": {
                    "state": "available",
                    "since": "2026-11-01T00:00:00Z",
                    "until": "2027-11-01T00:00:00Z",
                } },
            },
            {
                "rel": "http://opds-spec.org/acquisition/borrow",
                "href": "/borrow/1",
                "type": "text/html",
            },
        ],
    }))?;
    Ok(TitleOnShelf {
        publication,
        copies: Copies::Unlimited,
        file: file.to_owned(),
        cover: None,
        state: TitleState::Readable,
    })
}
