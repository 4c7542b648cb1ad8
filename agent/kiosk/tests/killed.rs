//! A process that fetches over a line that is cut again and again, and is killed while it does:
//! everything is there in the end, and hardly a byte was read twice.

#![allow(clippy::print_stdout, reason = "it says its seed and what it measured")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lujiang_wire::{BLOCK_BYTES, BlobHash};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// What an interruption may cost.
const ALLOWED: u64 = BLOCK_BYTES as u64;

/// How large a run is.
#[derive(Debug, Clone, Copy)]
struct Run {
    blobs: u64,
    blob_bytes: u64,
    bytes_per_second: u64,
    kills: u64,
    /// Between two cuts, at most.
    fair: Duration,
}

/// One in every run of the tests; the large one is in the benchmark's chapter of the documentation.
const SMALL: Run = Run {
    blobs: 8,
    blob_bytes: 2_500_000,
    bytes_per_second: 4_000_000,
    kills: 10,
    fair: Duration::from_millis(1_500),
};

/// What a run showed.
#[derive(Debug)]
struct Shown {
    payload: u64,
    read: u64,
    interruptions: u64,
    took: Duration,
}

impl Shown {
    fn holds(&self) -> Result<(), String> {
        let most = self.payload + ALLOWED * self.interruptions;
        match self.read <= most {
            true => Ok(()),
            false => Err(format!("{self:?}: more than {most}")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_arrives_through_cuts_and_kills_and_costs_a_block_for_each_at_most() {
    let run = match std::env::var("LUJIANG_KILLED") {
        Ok(text) if text == "large" => Run {
            blobs: 100,
            blob_bytes: 5_000_000,
            bytes_per_second: 2_500_000,
            kills: 50,
            fair: Duration::from_secs(6),
        },
        Ok(_) | Err(_) => SMALL,
    };
    let shown = taken(run, "none").await.unwrap();
    let use_of_line = shown.payload as f64 / run.bytes_per_second as f64;
    println!(
        "{shown:?}: {:.1} % of the line",
        100.0 * use_of_line / shown.took.as_secs_f64()
    );
    shown.holds().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_begins_anew_after_a_kill_is_told_from_ours() {
    let found = taken(SMALL, "restart").await.unwrap().holds();
    assert!(found.is_err(), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trusts_its_disk_is_told_from_ours() {
    let found = taken(SMALL, "trust").await;
    assert!(found.is_err(), "{found:?}");
}

/// Runs a taker until it is done; what it took is checked.
async fn taken(run: Run, plant: &str) -> Result<Shown, String> {
    let seed = std::env::var("LUJIANG_SEED")
        .ok()
        .and_then(|it| it.parse().ok());
    let mut luck = Luck(seed.unwrap_or(20_261_201));
    println!("LUJIANG_SEED={}", luck.0);
    let folder = tempfile::tempdir().unwrap();
    let stock = Arc::new(Stock::of(run));
    let blobs = folder.path().join("blobs");
    stock.leave_torn(&blobs);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(serve(listener, stock.clone(), run, Luck(luck.next())));
    let meter = folder.path().join("meter");
    let began = Instant::now();
    let mut kills = 0;
    loop {
        let mut taker = Command::new(taker())
            .args([&address, text(&blobs), text(&meter), plant])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let spread = u64::try_from(run.fair.as_millis()).unwrap();
        let lives = Duration::from_millis(100 + luck.next() % spread);
        let ended = if kills < run.kills {
            sleep(lives).await;
            taker.try_wait().unwrap()
        } else {
            let patience = Duration::from_secs(800);
            timeout(patience, async {
                loop {
                    if let Some(status) = taker.try_wait().unwrap() {
                        break status;
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            })
            .await
            .ok()
        };
        if let Some(status) = ended {
            assert!(status.success(), "{status}");
            break;
        }
        // SIGKILL.
        taker.kill().unwrap();
        taker.wait().unwrap();
        kills += 1;
        assert!(kills <= run.kills, "it does not come to its end");
    }
    let took = began.elapsed();
    serving.abort();
    for (blob, bytes) in &stock.blobs {
        let found = std::fs::read(blobs.join(blob.to_string())).map_err(|it| it.to_string())?;
        if found != *bytes {
            return Err(format!("{blob} is not what was signed"));
        }
    }
    let read = std::fs::read(&meter).unwrap();
    let cuts = *stock.cuts.lock().unwrap();
    // The first was there but for one block.
    let payload = (run.blobs - 1) * run.blob_bytes + stock.list_bytes();
    Ok(Shown {
        payload,
        read: u64::from_le_bytes(read.try_into().unwrap()),
        interruptions: kills + cuts + 1,
        took,
    })
}

/// The blobs of a server, and how often it cut a line.
struct Stock {
    blobs: BTreeMap<BlobHash, Vec<u8>>,
    cuts: Mutex<u64>,
}

impl Stock {
    fn of(run: Run) -> Self {
        let mut luck = Luck(7);
        let blobs = (0..run.blobs).map(|_| {
            let words = (0..run.blob_bytes / 8 + 1).flat_map(|_| luck.next().to_le_bytes());
            let bytes: Vec<u8> = words
                .take(usize::try_from(run.blob_bytes).unwrap())
                .collect();
            (hash(&bytes), bytes)
        });
        Self {
            blobs: blobs.collect(),
            cuts: Mutex::new(0),
        }
    }

    /// As after a power loss: all of the first is there, and its tail is not what it was.
    fn leave_torn(&self, folder: &Path) {
        let (first, bytes) = self.blobs.first_key_value().unwrap();
        let mut torn = bytes.clone();
        let tail = torn.len() - 5_000;
        torn[tail..].fill(0);
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join(format!("{first}.part")), torn).unwrap();
    }

    fn list_bytes(&self) -> u64 {
        self.blobs.values().map(|it| list(it).len() as u64).sum()
    }

    fn answer(&self, question: &str) -> Option<(Vec<u8>, usize)> {
        let mut words = question.split_whitespace();
        let (kind, blob) = (words.next()?, words.next()?);
        let from: usize = words.next()?.parse().ok()?;
        let whole = match kind {
            "list" => {
                let lines = self.blobs.iter().map(|(blob, bytes)| {
                    format!("{blob} {} {}\n", bytes.len(), hash(&list(bytes)))
                });
                lines.collect::<String>().into_bytes()
            }
            "blocks" => list(self.blobs.get(&blob.parse().ok()?)?),
            _ => self.blobs.get(&blob.parse().ok()?)?.clone(),
        };
        Some((whole, from))
    }
}

/// Serves over one line of so many bytes a second, which is cut at random.
async fn serve(listener: TcpListener, stock: Arc<Stock>, run: Run, mut luck: Luck) {
    let line = Arc::new(tokio::sync::Mutex::new(tokio::time::Instant::now()));
    let spread = u64::try_from(run.fair.as_millis()).unwrap();
    let (cut, _) = tokio::sync::watch::channel(());
    let mut next_cut = tokio::time::Instant::now();
    loop {
        // When the line is cut is part of the fault, by the seed.
        next_cut += Duration::from_millis(spread / 4 + luck.next() % spread);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted.unwrap().0,
                () = tokio::time::sleep_until(next_cut) => break,
            };
            let (stock, line, mut cut) = (stock.clone(), line.clone(), cut.subscribe());
            tokio::spawn(async move {
                tokio::select! {
                    _ = give(accepted, &stock, &line, run.bytes_per_second) => {}
                    _ = cut.changed() => *stock.cuts.lock().unwrap() += 1,
                }
            });
        }
        cut.send_replace(());
    }
}

async fn give(
    line: TcpStream,
    stock: &Stock,
    free: &tokio::sync::Mutex<tokio::time::Instant>,
    bytes_per_second: u64,
) -> std::io::Result<()> {
    let mut line = BufReader::new(line);
    let mut question = String::new();
    line.read_line(&mut question).await?;
    let Some((whole, from)) = stock.answer(&question) else {
        return Ok(());
    };
    let mut line = line.into_inner();
    line.write_all(format!("{}\n", whole.len()).as_bytes())
        .await?;
    for piece in whole[from..].chunks(8 * 1024) {
        let at = {
            let mut free = free.lock().await;
            let takes = piece.len() as f64 / bytes_per_second as f64;
            let now = tokio::time::Instant::now();
            // A machine that is busy may be late by so much, and no more.
            let late = now.checked_sub(Duration::from_millis(50)).unwrap_or(now);
            *free = (*free).max(late) + Duration::from_secs_f64(takes);
            *free
        };
        // The line carries so many bits a second: this is its pace.
        tokio::time::sleep_until(at).await;
        line.write_all(piece).await?;
    }
    Ok(())
}

/// Numbers that look like chance, the same for the same seed (SplitMix64).
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn taker() -> std::path::PathBuf {
    let own = std::env::current_exe().unwrap();
    let found = own.ancestors().map(|it| it.join("examples/taker"));
    let mut found = found.filter(|it| it.is_file());
    found.next().expect("cargo build --examples makes it")
}

fn list(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(BLOCK_BYTES).flat_map(Sha256::digest).collect()
}

fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash::new(Sha256::digest(bytes).into())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
