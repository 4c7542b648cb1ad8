//! A release over a line that is cut at random, to an agent that is killed again and again: it is
//! on the shelf in the end, and hardly a byte came twice. Real gateway, real agent, mutual TLS.
//!
//! The agent counts the bytes of bodies it reads, and a kill takes nothing of its count. It is not
//! believed: the line counts what it hands to the agent's HTTPS sockets, and this is no more than
//! those bodies and what is around them: heads, TLS, and what a killed agent left unread.

#![allow(clippy::print_stdout, reason = "it says its seed and what it measured")]
use std::path::Path;
use std::time::Duration;

use lujiang_tests::epubs::Book;
use lujiang_tests::fetcher::Fetcher;
use lujiang_tests::kiosk_process::{Cost, Doors, KioskProcess};
use lujiang_tests::librarian::Librarian;
use lujiang_tests::paced_line::{PacedLine, Way};
use lujiang_tests::papers::Papers;
use lujiang_tests::restarter::{Restarted, restart_whole_files};
use lujiang_tests::rounds::seed;
use lujiang_tests::site::Library;
use lujiang_tests::wait::until;
use lujiang_wire::{BlobHash, CONTENT_BLOBS_PATH};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

/// What an interruption may cost in bytes of bodies.
const ALLOWED: u64 = 64 * 1024;

/// What the first look at a repository costs besides: its metadata, before the first book.
const METADATA: u64 = 64 * 1024;

/// What TLS and the heads of requests add to bodies, as a share of them: one in so many bytes.
const AROUND: u64 = 200;

/// What an interruption adds to the bytes of bodies on the line: a handshake, and what lay in the
/// sockets of an agent that was killed.
const UNREAD: u64 = 128 * 1024;

/// How often it is looked whether a fault is due.
const LOOK: Duration = Duration::from_millis(5);

/// How large a run is.
#[derive(Debug, Clone, Copy)]
struct Run {
    books: u32,
    book_bytes: u64,
    bytes_per_second: u64,
    kills: u64,
    /// Between two cuts, at least and at most, in milliseconds.
    gap: (u64, u64),
    /// A slow machine would be cut for ever, and each cut is allowed its own bytes.
    cuts_max: u64,
    patience: Duration,
    /// Of the line, in per cent; a machine that does other things takes its share.
    use_min: f64,
    /// A client that has read so many times what it fetches is stopped.
    restarter_times: u64,
}

impl Run {
    /// The large one is started by `tests/run --long`.
    fn wanted() -> Self {
        match std::env::var_os("LUJIANG_LONG") {
            Some(_) => Self {
                books: 50,
                book_bytes: 10_000_000,
                bytes_per_second: 2_500_000,
                kills: 50,
                gap: (1_000, 7_000),
                cuts_max: u64::MAX,
                patience: Duration::from_secs(1_500),
                use_min: 90.0,
                restarter_times: 5,
            },
            None => Self::small(),
        }
    }

    /// One in every run of the tests.
    fn small() -> Self {
        Self {
            books: 4,
            book_bytes: 3_000_000,
            bytes_per_second: 2_500_000,
            kills: 5,
            gap: (300, 1_500),
            cuts_max: 30,
            patience: Duration::from_secs(240),
            use_min: 0.0,
            restarter_times: 2,
        }
    }

    fn gap(&self, luck: &mut StdRng) -> Duration {
        Duration::from_millis(luck.random_range(self.gap.0..=self.gap.1))
    }
}

/// What becomes of the agent's disk when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    /// It keeps what it has.
    Keeps,
    /// What was half there is gone: so does a client that begins a file anew.
    ForgetsHalves,
}

/// What a run showed.
#[derive(Debug)]
struct Shown {
    /// Bytes of what was installed.
    payload: u64,
    /// Bytes of bodies the agent says it read.
    read: u64,
    /// Bytes the line handed to the agent.
    delivered: u64,
    kills: u64,
    cuts: u64,
    took: Duration,
    use_percent: f64,
    cost: Cost,
    log: String,
}

impl Shown {
    fn interruptions(&self) -> u64 {
        self.kills + self.cuts
    }

    /// The most the agent may read.
    fn most(&self) -> u64 {
        self.payload + METADATA + ALLOWED * self.interruptions()
    }

    fn within_bound(&self) -> Result<(), String> {
        let most = self.most();
        match self.read <= most {
            true => Ok(()),
            false => Err(format!("{} of at most {most} bytes", self.read)),
        }
    }

    /// The agent's count is of all that it read.
    fn is_counted(&self) {
        assert!(self.read >= self.payload, "{self}");
        assert!(self.read <= self.delivered, "{self}");
        let around = self.delivered / AROUND + UNREAD * (self.interruptions() + 1);
        assert!(self.delivered <= self.read + around, "{self}");
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "payload {}, read {} ({:+}), over the line {} ({:+}), {} kills, {} cuts, {:.1?}, \
             {:.1} % of the line, {:?}",
            self.payload,
            self.read,
            i128::from(self.read) - i128::from(self.payload),
            self.delivered,
            i128::from(self.delivered) - i128::from(self.payload),
            self.kills,
            self.cuts,
            self.took,
            self.use_percent,
            self.cost
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_installed_through_cuts_and_kills_and_each_costs_a_block_at_most() {
    let run = Run::wanted();
    let (shown, restarted) = taken(run, Disk::Keeps, true).await;
    println!("{shown}");
    let restarted = restarted.unwrap();
    println!(
        "beside it: {restarted:?}, {:.2} times what was to come",
        restarted.body_bytes as f64 / shown.payload as f64
    );
    shown.within_bound().unwrap();
    shown.is_counted();
    assert_eq!(shown.kills, run.kills);
    assert!(shown.use_percent >= run.use_min, "{shown}\n{}", shown.log);
    assert!(shown.cost.own_bytes_max < 40 << 20, "{shown}");
    // A client that begins files anew is told from ours by the same bound.
    let most = shown.most();
    assert!(restarted.body_bytes > most, "{restarted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_begins_anew_what_was_half_there_exceeds_the_bound() {
    let (shown, _) = taken(Run::small(), Disk::ForgetsHalves, false).await;
    shown.is_counted();
    assert!(shown.within_bound().is_err(), "{shown}");
}

/// Has a release taken by a kiosk, and by a client that restarts whole files beside it.
async fn taken(run: Run, disk: Disk, beside: bool) -> (Shown, Option<Restarted>) {
    let seed = seed(20_261_130);
    println!("LUJIANG_SEED={seed}");
    let mut luck = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    let doors = library.start().await.unwrap();
    let line = PacedLine::of(run.bytes_per_second);
    let content = line.way_to(doors.https).unwrap();
    let facts = line.way_to(doors.mqtts).unwrap();
    let doors = Doors {
        mqtts: facts.address(),
        https: content.address(),
    };
    let data = folder.path().join("kiosk-data");
    let mut kiosk = KioskProcess::enrolled(&library, "kiosk-1", doors, &data, "")
        .await
        .unwrap();
    let librarian = Librarian::of(&library).await.unwrap();
    let books = librarian.publishes("2026-12", run.books, run.book_bytes);
    let books = books.await.unwrap();
    let rollout = librarian.rolls_out("2026-12").await.unwrap();

    let payload = books.iter().map(|it| it.bytes).sum();
    let faults = struck(run, disk, payload, &line, &content, &mut kiosk, &mut luck);
    let faults = async {
        let shown = faults.await;
        println!("{shown}");
        shown
    };
    let (mut shown, restarted) = tokio::join!(faults, async {
        if !beside {
            return None;
        }
        Some(restarter(run, &library, &books_of(&books)).await)
    });

    kiosk.paints("2026-12").await.unwrap();
    until("the rollout to know", run.patience, async || {
        let path = format!("/api/v1/rollouts/{rollout}");
        let rollout = library.get(&path).await?;
        let state = &rollout["devices"][0]["state"];
        anyhow::ensure!(state == "shown", "{state}");
        Ok(())
    })
    .await
    .unwrap();
    shown.cost = kiosk.stop().await.unwrap();
    shown.log = kiosk.log();
    (shown, restarted)
}

/// Cuts the line at random moments, and kills the agent at random bytes, until the release is on
/// its shelf.
async fn struck(
    run: Run,
    disk: Disk,
    books: u64,
    line: &PacedLine,
    content: &Way,
    kiosk: &mut KioskProcess,
    luck: &mut StdRng,
) -> Shown {
    let before = content.delivered();
    let began = Instant::now();
    let end = began + run.patience;
    let (mut cuts, mut kills) = (0, 0);
    let mut cut_at = began + run.gap(luck);
    // One kill in each of so many equal parts of what is to come.
    let part = books / run.kills.max(1);
    let mut kill_at = luck.random_range(0..part);
    kiosk.start().unwrap();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look_at_shelf = began;
    loop {
        let now = looks.tick().await;
        assert!(now < end, "it does not come to its end: {}", kiosk.log());
        if now >= cut_at && cuts < run.cuts_max {
            line.cut();
            cuts += 1;
            cut_at = now + run.gap(luck);
        }
        if kills < run.kills && content.delivered() - before >= kill_at {
            kiosk.kill().await.unwrap();
            if disk == Disk::ForgetsHalves {
                forget_halves(&kiosk.blobs());
            }
            kiosk.start().unwrap();
            kills += 1;
            kill_at = part * kills + luck.random_range(0..part);
        }
        if content.delivered() - before >= books && now >= look_at_shelf {
            look_at_shelf = now + Duration::from_millis(100);
            if kiosk
                .titles()
                .await
                .is_ok_and(|it| it == run.books as usize)
            {
                break;
            }
        }
    }
    let took = began.elapsed();
    let payload = installed(&kiosk.blobs());
    let line_bytes = took.as_secs_f64() * run.bytes_per_second as f64;
    Shown {
        payload,
        read: kiosk.read_bytes(),
        delivered: content.delivered() - before,
        kills,
        cuts,
        took,
        use_percent: 100.0 * payload as f64 / line_bytes,
        cost: Cost::default(),
        log: String::new(),
    }
}

/// The same books by a client that begins each file anew, over a line of its own of the same kind.
/// What are kills to the other are cuts to it.
async fn restarter(run: Run, library: &Library, paths: &[(String, u64)]) -> Restarted {
    library.add_device("other", "kiosk", "main").await.unwrap();
    let papers = Papers::of(library, "other").await.unwrap();
    let line = PacedLine::of(run.bytes_per_second);
    let way = line.way_to(library.endpoints().https).unwrap();
    let fetcher = Fetcher::over(library, Some(&papers), way.address()).unwrap();
    let books: u64 = paths.iter().map(|it| it.1).sum();
    let paths: Vec<String> = paths.iter().map(|it| it.0.clone()).collect();
    let mut luck = StdRng::seed_from_u64(seed(20_261_130) + 1);
    let most = books * run.restarter_times;
    let mut fetched = std::pin::pin!(restart_whole_files(&fetcher, &paths, most));
    loop {
        // Twice as often: there are about as many kills as cuts.
        let gap = run.gap(&mut luck) / 2;
        tokio::select! {
            restarted = &mut fetched => return restarted.unwrap(),
            () = sleep(gap) => line.cut(),
        }
    }
}

/// Where the gateway has each book, and its bytes.
fn books_of(books: &[Book]) -> Vec<(String, u64)> {
    let path = |book: &Book| {
        let bytes = std::fs::read(&book.file).unwrap();
        let blob = BlobHash::new(Sha256::digest(&bytes).into());
        (format!("{CONTENT_BLOBS_PATH}{blob}"), book.bytes)
    };
    books.iter().map(path).collect()
}

/// Bytes of the whole blobs of a kiosk.
fn installed(blobs: &Path) -> u64 {
    let entries = std::fs::read_dir(blobs).unwrap().map(|it| it.unwrap());
    let whole = entries.filter(|it| !it.file_name().to_string_lossy().contains('.'));
    whole.map(|it| it.metadata().unwrap().len()).sum()
}

fn forget_halves(blobs: &Path) {
    for entry in std::fs::read_dir(blobs).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "part") {
            std::fs::remove_file(path).unwrap();
        }
    }
}
