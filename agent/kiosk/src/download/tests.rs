use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lujiang_wire::{BLOCK_BYTES, BlobHash};
use proptest::prelude::*;
use proptest::test_runner::Config;
use tempfile::TempDir;

use super::*;
use crate::SourceError;

mod shop;

use shop::{Fault, Shop};

const BLOCK: u64 = BLOCK_BYTES as u64;

#[tokio::test(start_paused = true)]
async fn every_blob_is_there_whole_and_each_byte_was_read_once() {
    let house = House::new();
    let shop = Shop::with(&[0, 1, 70_000, 3 * BLOCK, 4 * BLOCK + 17]);
    house.fetch(&shop).await.unwrap();
    house.holds(&shop);
    let meter = house.downloads.meter();
    assert_eq!(meter.body_bytes, shop.bytes() + shop.list_bytes());
    assert_eq!(meter.interruptions, 0);
    let progress = house.downloads.progress().borrow().clone();
    assert_eq!(progress.bytes, shop.bytes());
    assert!(progress.is_done);

    house.fetch(&shop).await.unwrap();
    let again = house.downloads.meter();
    assert_eq!(again, meter, "what is there is not asked for again");
}

proptest! {
    #![proptest_config(Config::with_cases(48))]

    #[test]
    fn whatever_breaks_off_no_byte_that_is_on_disk_is_read_again(
        seed: u64,
        sizes in prop::collection::vec(0_u64..6 * BLOCK, 1..5),
        kills in 0_u32..8,
        connections in 1_u8..3,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut house = House::new();
            let shop = Shop::with(&sizes);
            shop.set(Fault::Cuts { seed });
            let mut read = 0;
            let mut interruptions = 0;
            for kill in 0..kills {
                // Dropped at some moment, and begun anew by another process.
                house.again(connections);
                let patience = Duration::from_millis(seed.rotate_left(kill) % 2_000);
                let fetch = house.fetch(&shop);
                let ended = tokio::time::timeout(patience, fetch).await;
                let meter = house.downloads.meter();
                read += meter.body_bytes;
                interruptions += meter.interruptions + u64::from(ended.is_err());
            }
            house.again(connections);
            house.fetch(&shop).await.unwrap();
            house.holds(&shop);
            let meter = house.downloads.meter();
            read += meter.body_bytes;
            interruptions += meter.interruptions;
            let lists = shop.list_bytes() * (interruptions + 1);
            // What came and was not yet written, one piece a connection, is read again.
            let piece = shop::PIECE_MAX as u64 * u64::from(connections);
            let most = shop.bytes() + lists + piece * u64::from(kills);
            assert!(read <= most, "{read} of {most} bytes, {interruptions} interruptions");
            assert_eq!(meter.wrong_blocks, 0);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_byte_on_the_line_costs_its_block() {
    let house = House::new();
    let shop = Shop::with(&[5 * BLOCK + 100]);
    shop.set(Fault::Flipped {
        at: 2 * BLOCK + 5,
        times: 2,
    });
    house.fetch(&shop).await.unwrap();
    house.holds(&shop);
    let meter = house.downloads.meter();
    assert_eq!(meter.wrong_blocks, 2);
    assert_eq!(meter.interruptions, 0);
    let lost = 2 * (BLOCK + shop::PIECE_MAX as u64);
    assert!(meter.body_bytes <= shop.bytes() + shop.list_bytes() + lost);
}

#[tokio::test(start_paused = true)]
async fn a_bad_byte_on_the_disk_and_a_torn_tail_cost_a_block_each() {
    let mut house = House::new();
    let shop = Shop::with(&[8 * BLOCK]);
    let wanted = shop.wanted()[0];
    let mut bytes = shop.blob(&wanted.blob)[..usize::try_from(6 * BLOCK).unwrap() + 50].to_vec();
    bytes[usize::try_from(BLOCK).unwrap() + 7] ^= 1;
    let tail = bytes.len() - 20;
    bytes[tail..].fill(0);
    house.put(&format!("{}.part", wanted.blob), &bytes);
    house.again(1);
    house.fetch(&shop).await.unwrap();
    house.holds(&shop);
    let meter = house.downloads.meter();
    // Two blocks were missing, two are fetched again.
    let most = 4 * BLOCK + shop.list_bytes() + 3 * shop::PIECE_MAX as u64;
    assert!(meter.body_bytes <= most, "{} of {most}", meter.body_bytes);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_gives_the_whole_each_time_loses_nothing_that_is_there() {
    let house = House::new();
    let shop = Shop::with(&[4 * BLOCK]);
    let wanted = shop.wanted()[0];
    let half = usize::try_from(2 * BLOCK).unwrap();
    let part = format!("{}.part", wanted.blob);
    house.put(&part, &shop.blob(&wanted.blob)[..half]);
    shop.set(Fault::NoRange);
    house.fetch(&shop).await.unwrap();
    house.holds(&shop);
    assert_eq!(
        house.downloads.meter().body_bytes,
        shop.bytes() + shop.list_bytes(),
        "the first half is read past, once"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_elsewhere_is_taken_from_there_where_it_is_right() {
    let house = House::new();
    let stick = TempDir::new().unwrap();
    let shop = Shop::with(&[3 * BLOCK, 5 * BLOCK + 3, 900]);
    let wanted = shop.wanted();
    for it in &wanted[..2] {
        fs::write(stick.path().join(it.blob.to_string()), shop.blob(&it.blob)).unwrap();
    }
    let mut altered = shop.blob(&wanted[1].blob).to_vec();
    altered[10] ^= 1;
    fs::write(stick.path().join(wanted[1].blob.to_string()), altered).unwrap();
    let plan = Plan {
        wanted,
        elsewhere: vec![stick.path().to_owned()],
    };
    house
        .downloads
        .fetch(&plan, &[shop.source()])
        .await
        .unwrap();
    house.holds(&shop);
    let meter = house.downloads.meter();
    let most = BLOCK * 5 + 3 + 900 + shop.list_bytes();
    assert!(meter.body_bytes <= most, "{} of {most}", meter.body_bytes);
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_is_asked_first_and_the_gateway_for_what_it_lacks() {
    let house = House::new();
    let gateway = Shop::with(&[3 * BLOCK, 2 * BLOCK]);
    let neighbour = Shop::with(&[3 * BLOCK]);
    let plan = house.plan(&gateway);
    let sources = [neighbour.source(), gateway.source()];
    house.downloads.fetch(&plan, &sources).await.unwrap();
    house.holds(&gateway);
    assert_eq!(neighbour.given(), 3 * BLOCK + 3 * 32);
    assert_eq!(gateway.given(), 2 * BLOCK + 2 * 32);
}

#[tokio::test(start_paused = true)]
async fn a_busy_source_is_asked_again_when_it_says() {
    let house = House::new();
    let shop = Shop::with(&[BLOCK]);
    let asked = Duration::from_secs(77);
    shop.set(Fault::Busy { asked, times: 2 });
    let began = tokio::time::Instant::now();
    house.fetch(&shop).await.unwrap();
    assert!(began.elapsed() >= 2 * asked);
    house.holds(&shop);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_falls_silent_is_asked_anew() {
    let house = House::new();
    let shop = Shop::with(&[4 * BLOCK]);
    shop.set(Fault::Silent { times: 3 });
    house.fetch(&shop).await.unwrap();
    house.holds(&shop);
    assert_eq!(house.downloads.meter().interruptions, 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_what_was_signed_is_refused_by_name_and_never_gets_its_own() {
    let size = 3 * BLOCK;
    let always = u32::MAX;
    let cases = [
        (
            Fault::Flipped {
                at: BLOCK,
                times: always,
            },
            "hash-mismatch",
        ),
        (Fault::ListFlipped, "hash-mismatch"),
        (
            Fault::Length {
                said: Some(size + 1),
            },
            "wrong-length",
        ),
        (
            Fault::Length {
                said: Some(size - 1),
            },
            "wrong-length",
        ),
        (
            Fault::Endless {
                said: Some(u64::MAX),
            },
            "wrong-length",
        ),
        (Fault::Short { bytes: BLOCK + 9 }, "wrong-length"),
        (Fault::Absent, "absent"),
        (Fault::Refuses, "refused"),
        (Fault::Beyond, "refused"),
    ];
    for (fault, reason) in cases {
        let house = House::new();
        let shop = Shop::with(&[size]);
        shop.set(fault);
        let error = house.fetch(&shop).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{fault:?}: {error}");
        assert!(!house.has(&shop.wanted()[0].blob));
        let most = 4 * (size + BLOCK) + shop.list_bytes();
        assert!(house.downloads.meter().body_bytes <= most, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endless_body_is_cut_at_the_signed_length() {
    let house = House::new();
    let shop = Shop::with(&[2 * BLOCK]);
    shop.set(Fault::Endless { said: None });
    house.fetch(&shop).await.unwrap();
    house.holds(&shop);
    let most = shop.bytes() + shop.list_bytes() + 2 * shop::PIECE_MAX as u64;
    assert!(house.downloads.meter().body_bytes <= most);
}

#[tokio::test(start_paused = true)]
async fn a_signature_that_contradicts_itself_is_refused() {
    let house = House::new();
    let shop = Shop::with(&[2 * BLOCK]);
    let named = BlobHash::new([7; 32]);
    shop.rename(named);
    let error = house.fetch(&shop).await.unwrap_err();
    assert_eq!(error.reason(), "contradiction", "{error}");
    assert!(!house.has(&named));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills_up_while_it_comes_is_waited_for_and_nothing_is_read_twice() {
    let mut house = House::new();
    let shop = Shop::with(&[40 * BLOCK, 40 * BLOCK]);
    let reserve = 16 << 20;
    let free = Arc::new(AtomicU64::new(reserve - 1));
    let said = free.clone();
    let disk = Arc::new(move || Ok(said.load(Ordering::Relaxed)));
    house.downloads.room = Room::new(disk, reserve);
    let waiting = tokio::time::timeout(Duration::from_secs(3_600), house.fetch(&shop)).await;
    assert!(waiting.is_err(), "an hour without room: {waiting:?}");
    let before = house.downloads.meter();
    assert!(
        before.body_bytes < 4 * BLOCK,
        "{before:?}: it stops when it sees that there is no room"
    );
    // The same process goes on by itself once somebody made room, a minute of simulated time on.
    let made = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        free.store(2 * reserve, Ordering::Relaxed);
    };
    let (fetched, ()) = tokio::join!(house.fetch(&shop), made);
    fetched.unwrap();
    house.holds(&shop);
    let meter = house.downloads.meter();
    let most = shop.bytes() + shop.list_bytes() + 4 * shop::PIECE_MAX as u64;
    assert!(meter.body_bytes <= most, "{meter:?} of {most}");
    let progress = house.downloads.progress().borrow().clone();
    assert_eq!(progress.bytes, shop.bytes());
}

#[tokio::test(start_paused = true)]
async fn a_megabyte_that_a_power_cut_left_as_zeroes_costs_its_blocks() {
    let mut house = House::new();
    let shop = Shop::with(&[40 * BLOCK]);
    let wanted = shop.wanted()[0];
    // As a file system may leave it: the length is on disk and the last bytes are not.
    let mut bytes = shop.blob(&wanted.blob)[..usize::try_from(30 * BLOCK).unwrap() + 50].to_vec();
    let unsynced = bytes.len() - usize::try_from(16 * BLOCK).unwrap();
    bytes[unsynced..].fill(0);
    house.put(&format!("{}.part", wanted.blob), &bytes);
    house.again(1);
    house.fetch(&shop).await.unwrap();
    house.holds(&shop);
    let meter = house.downloads.meter();
    // Ten blocks were missing, and seventeen, two of them in part, are fetched again.
    let most = (10 + 17) * BLOCK + shop.list_bytes() + 3 * shop::PIECE_MAX as u64;
    assert!(meter.body_bytes <= most, "{} of {most}", meter.body_bytes);
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_an_error_and_not_a_loop() {
    let house = House::new();
    let shop = Shop::with(&[BLOCK]);
    let part = format!("{}.part", shop.wanted()[0].blob);
    fs::create_dir(house.folder.path().join(part)).unwrap();
    let error = house.fetch(&shop).await.unwrap_err();
    assert_eq!(error.reason(), "disk", "{error}");
}

/// A folder of blobs and who fetches into it.
struct House {
    folder: TempDir,
    downloads: Downloads,
}

impl House {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let downloads = downloads(folder.path(), 1);
        Self { folder, downloads }
    }

    /// The agent is started anew.
    fn again(&mut self, connections: u8) {
        self.downloads = downloads(self.folder.path(), connections);
    }

    fn plan(&self, shop: &Shop) -> Plan {
        Plan {
            wanted: shop.wanted(),
            elsewhere: Vec::new(),
        }
    }

    async fn fetch(&self, shop: &Shop) -> Result<(), DownloadError> {
        let plan = self.plan(shop);
        self.downloads.fetch(&plan, &[shop.source()]).await
    }

    fn has(&self, blob: &BlobHash) -> bool {
        self.folder.path().join(blob.to_string()).exists()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    /// All is there, and nothing else.
    fn holds(&self, shop: &Shop) {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut wanted: Vec<String> = Vec::new();
        for it in shop.wanted() {
            let bytes = fs::read(self.folder.path().join(it.blob.to_string())).unwrap();
            assert!(bytes == shop.blob(&it.blob), "{it:?} is another");
            wanted.push(it.blob.to_string());
        }
        names.sort();
        wanted.sort();
        wanted.dedup();
        assert_eq!(names, wanted);
    }
}

fn downloads(folder: &Path, connections: u8) -> Downloads {
    let options = DownloadOptions {
        connections,
        ..DownloadOptions::default()
    };
    let (_, yielding) = watch::channel(Yielding::Free);
    let folder = BlobFolder::open(folder).unwrap();
    Downloads::new(folder, Pace::free(yielding), options)
}

fn broken(words: &str) -> SourceError {
    SourceError::Unreachable(words.to_owned().into())
}
