//! The disk of a kiosk while a release comes: it fills up and is emptied, or loses power. The
//! download waits or goes on by itself, and costs little more than it has to.

use std::path::Path;
use std::time::Duration;

use lujiang_tests::disk::{Disk, SmallDisk};
use lujiang_tests::kiosk_process::{Doors, KioskProcess};
use lujiang_tests::librarian::Librarian;
use lujiang_tests::paced_line::{PacedLine, Way};
use lujiang_tests::site::Library;
use lujiang_tests::wait::until;
use lujiang_wire::BlobHash;
use sha2::{Digest as _, Sha256};

/// Books of a release, and bytes of each.
const BOOKS: u32 = 5;
const BOOK_BYTES: u64 = 3_000_000;

/// What the line carries a second.
const BYTES_PER_SECOND: u64 = 3_000_000;

/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// A release that is on its way to a kiosk.
struct Scene {
    _library: Library,
    _line: PacedLine,
    content: Way,
    kiosk: KioskProcess,
}

impl Scene {
    async fn of(folder: &Path, data: &Path) -> Self {
        let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
        let doors = library.start().await.unwrap();
        let line = PacedLine::of(BYTES_PER_SECOND);
        let content = line.way_to(doors.https).unwrap();
        let facts = line.way_to(doors.mqtts).unwrap();
        let doors = Doors {
            mqtts: facts.address(),
            https: content.address(),
        };
        let reserve = "reserve = \"16MiB\"";
        let kiosk = KioskProcess::enrolled(&library, "kiosk-1", doors, data, reserve)
            .await
            .unwrap();
        let librarian = Librarian::of(&library).await.unwrap();
        librarian
            .publishes("2026-12", BOOKS, BOOK_BYTES)
            .await
            .unwrap();
        librarian.rolls_out("2026-12").await.unwrap();
        Self {
            _library: library,
            _line: line,
            content,
            kiosk,
        }
    }

    /// Waits until so many bytes came over the line.
    async fn came(&self, bytes: u64) {
        until("bytes over the line", PATIENCE, async || {
            let came = self.content.delivered();
            anyhow::ensure!(came >= bytes, "{came} bytes: {}", self.kiosk.log());
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Waits until all of it is on the shelf; each blob is what its name says.
    async fn installed(&self) -> u64 {
        until("the release on the shelf", PATIENCE, async || {
            let titles = self.kiosk.titles().await?;
            anyhow::ensure!(titles == BOOKS as usize, "{titles}: {}", self.kiosk.log());
            Ok(())
        })
        .await
        .unwrap();
        let mut bytes = 0;
        for entry in std::fs::read_dir(self.kiosk.blobs()).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            // The list of blocks goes after its blob has its name; a power cut may leave one.
            if name.ends_with(".blocks") {
                continue;
            }
            let named: BlobHash = name.parse().unwrap();
            let whole = std::fs::read(entry.path()).unwrap();
            assert_eq!(named, BlobHash::new(Sha256::digest(&whole).into()));
            bytes += whole.len() as u64;
        }
        bytes
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_during_a_download_is_waited_for_and_nothing_comes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::make(&folder.path().join("small"), 96 * 1024).unwrap();
    let mut scene = Scene::of(folder.path(), &disk.path().join("kiosk")).await;
    let before = scene.content.delivered();
    scene.kiosk.start().unwrap();
    scene.came(before + 2 * BOOK_BYTES).await;

    // Less than what is to stay free; the outbox still has room to say so.
    disk.fill_but(8 << 20).unwrap();
    until("the download to wait", PATIENCE, async || {
        let log = scene.kiosk.log();
        anyhow::ensure!(log.contains("the download waits for room"), "{log}");
        Ok(())
    })
    .await
    .unwrap();
    assert!(scene.kiosk.titles().await.unwrap() == 0);

    disk.empty().unwrap();
    let payload = scene.installed().await;
    let came = scene.content.delivered() - before;
    assert!(came <= payload + 4 * 65_536, "{came} of {payload}");
    scene.kiosk.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_during_a_download_costs_what_was_not_synced_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::make(folder.path()).unwrap();
    let mut scene = Scene::of(folder.path(), &disk.path().join("kiosk")).await;
    disk.sync().unwrap();
    let before = scene.content.delivered();
    let cuts = 3;
    for cut in 1..=cuts {
        scene.kiosk.start().unwrap();
        scene.came(before + cut * BOOK_BYTES + 700_000).await;
        disk.pull_plug().unwrap();
        scene.kiosk.kill().await.unwrap();
        disk.power_up().unwrap();
    }
    scene.kiosk.start().unwrap();
    let payload = scene.installed().await;
    let came = scene.content.delivered() - before;
    // What is synced is synced every megabyte; a block beside it, and what a start costs.
    let most = payload + cuts * ((1 << 20) + 2 * 65_536);
    assert!(came <= most, "{came} of {payload}: more than {most}");
    scene.kiosk.stop().await.unwrap();
}
