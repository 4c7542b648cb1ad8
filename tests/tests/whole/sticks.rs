//! A release that somebody carries: from the gateway's command line onto a stick, and from the
//! stick onto the screen of a kiosk that no line reaches. Gateway and agents are real processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lujiang_tests::epubs::{Licence, Wish, deliver};
use lujiang_tests::lonely_kiosk::LonelyKiosk;
use lujiang_tests::process::{Process, Said, binary};
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::Value;

async fn library(folder: &Path) -> Library {
    std::fs::create_dir_all(folder).unwrap();
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.start().await.unwrap();
    let keys = folder.join("keys");
    let init = ["content", "keys", "init", keys.to_str().unwrap()];
    library.command(&init).await.unwrap();
    library
}

/// Publishes made-up books with so many copies each; what is on the whole shelf then is told by
/// `titles`.
async fn publish(library: &Library, release: &str, seed: u64, copies: Option<u32>) -> Vec<String> {
    let books = library.folder().join(release);
    let wish = Wish {
        seed,
        epubs: 3,
        pdfs: 0,
        book_bytes: 300_000,
        licence: Licence {
            start: "2026-01-01".into(),
            end: "2199-12-31".into(),
            copies,
            ..Licence::default()
        },
    };
    let made = deliver(&books, &wish).unwrap();
    let (licences, keys) = (books.join("licences.csv"), library.folder().join("keys"));
    let [books, licences, keys] = [&books, &licences, &keys].map(|it| it.to_str().unwrap());
    let mut publish = vec!["content", "publish", "--release", release, books];
    publish.extend(["--licences", licences, "--keys", keys, "--yes"]);
    library.command(&publish).await.unwrap();
    made.books.into_iter().map(|book| book.title).collect()
}

/// `content export --json` for these kiosks.
async fn export(library: &Library, devices: &str, stick: &Path) -> Value {
    let stick = stick.to_str().unwrap();
    let export = [
        "content", "export", "--for", devices, "--to", stick, "--json",
    ];
    let told = library.command(&export).await.unwrap();
    serde_json::from_str(&told).unwrap()
}

/// The blobs of a stick, and when each was written.
fn blobs(stick: &Path) -> BTreeMap<String, SystemTime> {
    let entries = std::fs::read_dir(stick.join("blobs")).unwrap();
    let written = |entry: std::fs::DirEntry| entry.metadata().unwrap().modified().unwrap();
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), written(entry)))
        .collect()
}

/// The files and covers that one kiosk may have of a release, and those of the other.
async fn allotted(library: &Library, release: &str, device: &str) -> Vec<String> {
    let path = format!("/api/v1/content/releases/{release}/titles");
    let told = library.get(&path).await.unwrap();
    let titles = told["titles"].as_array().unwrap();
    let has = |title: &&Value| title["devices"][device].as_u64().is_some_and(|it| it > 0);
    let title = |it: &Value| it["title"].as_str().unwrap().to_owned();
    titles.iter().filter(has).map(title).collect()
}

fn succeeded(said: &Said) -> Value {
    assert_eq!(said.code, Some(0), "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

fn refused(said: &Said, told: &str) {
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.errors.contains(told), "{told}: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kiosk_without_a_line_takes_release_after_release_from_a_stick_and_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    let mut kiosk = LonelyKiosk::enrolled(&library, "kiosk-a").await.unwrap();
    kiosk.has_line(false);
    kiosk.start().unwrap();
    let november = publish(&library, "2026-11", 1, None).await;
    let stick = folder.path().join("stick");
    let told = export(&library, "kiosk-a", &stick).await;
    assert_eq!(
        (&told["release"], &told["kept_bytes"]),
        (&"2026-11".into(), &0.into())
    );

    // First contact: it believes no stick by itself, and asks for what was printed.
    let unconfirmed = kiosk.import(&stick, &["--json"]).await.unwrap();
    refused(&unconfirmed, "believes no stick by itself");
    let state: Value = serde_json::from_str(&unconfirmed.out).unwrap();
    assert_eq!(
        (&state["state"], &state["code"]),
        (&"unconfirmed".into(), &told["code"])
    );
    assert_eq!(kiosk.titles().await.unwrap(), Vec::<String>::new());
    let wrong = "0".repeat(64);
    let doubted = kiosk.import(&stick, &["--code", &wrong]).await.unwrap();
    refused(&doubted, told["code"].as_str().unwrap());
    let code = told["code"].as_str().unwrap();
    let taken = kiosk.import(&stick, &["--code", code]).await.unwrap();
    assert_eq!(
        (taken.code, &*taken.out),
        (Some(0), "2026-11 is on the shelf\n"),
        "{taken:?}"
    );
    assert!(
        taken.errors.contains("2026-11: "),
        "it says how far it is: {taken:?}"
    );
    kiosk.shows(&november).await.unwrap();

    // Later the kept root is enough, and what is there is not copied again, at either end.
    let before = blobs(&stick);
    let december = publish(&library, "2026-12", 2, None).await;
    let told = export(&library, "kiosk-a", &stick).await;
    assert!(told["kept_bytes"].as_u64().unwrap() > 900_000, "{told}");
    let after = blobs(&stick);
    let kept = before.iter().filter(|it| after.get(it.0) == Some(it.1));
    assert!(
        kept.count() >= 6,
        "three books and their covers: {before:?} {after:?}"
    );
    let state = succeeded(&kiosk.import(&stick, &["--json"]).await.unwrap());
    assert_eq!(
        state,
        serde_json::json!({ "release": "2026-12", "state": "on-shelf" })
    );
    let both = [november, december].concat();
    kiosk.shows(&both).await.unwrap();
    let again = succeeded(&kiosk.import(&stick, &["--json"]).await.unwrap());
    assert_eq!(again["state"], "was-there");

    // Killed and back, still without a line.
    kiosk.kill().await.unwrap();
    kiosk.start().unwrap();
    kiosk.shows(&both).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stick_holds_what_its_kiosks_may_have_and_nothing_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    let mut kiosk = LonelyKiosk::enrolled(&library, "kiosk-a").await.unwrap();
    library
        .add_device("kiosk-b", "kiosk", "main")
        .await
        .unwrap();
    // One copy of each of three titles, for two kiosks: each title is at one of them.
    publish(&library, "2026-12", 1, Some(1)).await;
    let own = allotted(&library, "2026-12", "kiosk-a").await;
    let others = allotted(&library, "2026-12", "kiosk-b").await;
    assert_eq!(own.len() + others.len(), 3);
    let (stick, other) = (folder.path().join("stick"), folder.path().join("other"));
    let both = folder.path().join("both");
    let told = export(&library, "kiosk-a", &stick).await;
    export(&library, "kiosk-b", &other).await;
    export(&library, "kiosk-a,kiosk-b", &both).await;
    let names = |stick: &Path| blobs(stick).into_keys().collect::<Vec<_>>();
    let only_others: Vec<String> = names(&both)
        .into_iter()
        .filter(|it| !names(&stick).contains(it))
        .collect();
    // A file and a cover for each title.
    assert_eq!(only_others.len(), others.len() * 2);
    assert!(only_others.iter().all(|it| names(&other).contains(it)));
    let blocks = |stick: &Path, it: &String| stick.join("blocks").join(it).exists();
    assert!(!only_others.iter().any(|it| blocks(&stick, it)));

    // The stick of the one is written again for the other, with what broke off in between.
    std::fs::write(
        other.join("blobs").join(format!("{}.part", "a".repeat(64))),
        "x",
    )
    .unwrap();
    std::fs::write(other.join("holiday.jpg"), "somebody's").unwrap();
    export(&library, "kiosk-a", &other).await;
    assert_eq!(names(&other), names(&stick), "nothing of kiosk-b is left");
    assert!(!only_others.iter().any(|it| blocks(&other, it)));
    assert!(other.join("holiday.jpg").exists());

    kiosk.has_line(false);
    kiosk.start().unwrap();
    let code = told["code"].as_str().unwrap();
    succeeded(
        &kiosk
            .import(&other, &["--json", "--code", code])
            .await
            .unwrap(),
    );
    kiosk.shows(&own).await.unwrap();
    export(&library, "kiosk-b", &other).await;
    let not_ours = kiosk.import(&other, &[]).await.unwrap();
    refused(&not_ours, "this stick was not made for kiosk-a");
    kiosk.shows(&own).await.unwrap();
}

/// A kiosk without a line that shows November, and a stick with December.
struct Shown {
    library: Library,
    kiosk: LonelyKiosk,
    titles: Vec<String>,
    stick: PathBuf,
}

impl Shown {
    async fn in_folder(folder: &Path) -> Self {
        let library = library(&folder.join("library")).await;
        let mut kiosk = LonelyKiosk::enrolled(&library, "kiosk-a").await.unwrap();
        kiosk.has_line(false);
        kiosk.start().unwrap();
        let titles = publish(&library, "2026-11", 1, None).await;
        let stick = folder.join("stick");
        let told = export(&library, "kiosk-a", &stick).await;
        let code = told["code"].as_str().unwrap().to_owned();
        let first = kiosk.import(&stick, &["--code", &code, "--json"]).await;
        succeeded(&first.unwrap());
        kiosk.shows(&titles).await.unwrap();
        publish(&library, "2026-12", 2, None).await;
        Self {
            library,
            kiosk,
            titles,
            stick,
        }
    }

    /// The old shelf, after a restart too.
    async fn still_shows(&mut self) {
        self.kiosk.shows(&self.titles).await.unwrap();
        self.kiosk.kill().await.unwrap();
        self.kiosk.start().unwrap();
        self.kiosk.shows(&self.titles).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stick_that_was_pulled_out_while_it_was_written_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut shown = Shown::in_folder(folder.path()).await;
    // Killed as soon as the stick is none any more: before all of it is there.
    let label = shown.stick.join("stick.json");
    let log = folder.path().join("export.log");
    let data = shown.library.data().to_owned();
    let stick = shown.stick.to_str().unwrap().to_owned();
    let mut arguments = vec!["content", "export", "--for", "kiosk-a", "--to", &stick];
    arguments.extend(["--data", data.to_str().unwrap()]);
    let mut export = Process::start(&binary("lujiang-gateway"), &arguments, &log).unwrap();
    until("the stick to be begun", PATIENCE, async || {
        let is_over = export.check_running().is_err();
        anyhow::ensure!(is_over || !label.exists(), "it is whole still");
        Ok(())
    })
    .await
    .unwrap();
    let _ = export.kill().await;
    // Where the plug came too late the label is what it was to be; a stick is pulled out before.
    let _ = std::fs::remove_file(&label);

    let said = shown.kiosk.import(&shown.stick, &[]).await.unwrap();

    refused(&said, "was pulled out before it was whole");
    shown.still_shows().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stick_of_another_library_is_refused_and_the_old_shelf_is_still_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut shown = Shown::in_folder(folder.path()).await;
    let other = library(&folder.path().join("other")).await;
    other.add_device("kiosk-a", "kiosk", "main").await.unwrap();
    for (release, seed) in [("2026-11", 7), ("2026-12", 8), ("2027-01", 9)] {
        publish(&other, release, seed, None).await;
    }
    let stick = folder.path().join("foreign");
    let told = export(&other, "kiosk-a", &stick).await;

    // Also where somebody says that its root is right: the kept one alone counts.
    let code = told["code"].as_str().unwrap();
    let said = shown.kiosk.import(&stick, &["--code", code]).await.unwrap();

    refused(&said, "the shelf is as it was");
    refused(&said, "another library");
    shown.still_shows().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_stick_says_which_file_and_the_old_shelf_is_still_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut shown = Shown::in_folder(folder.path()).await;
    let before = blobs(&shown.stick);
    export(&shown.library, "kiosk-a", &shown.stick).await;
    let places: Vec<PathBuf> = blobs(&shown.stick)
        .into_keys()
        .filter(|name| !before.contains_key(name))
        .map(|name| shown.stick.join("blobs").join(name))
        .collect();
    let size = |place: &&PathBuf| std::fs::metadata(place).unwrap().len();
    let book = places.iter().max_by_key(size).unwrap();
    let whole = std::fs::read(book).unwrap();
    let name = book.strip_prefix(&shown.stick).unwrap().to_str().unwrap();

    // A bad byte, a file cut short, one that is gone.
    let mut altered = whole.clone();
    altered[100_000] ^= 1;
    std::fs::write(book, &altered).unwrap();
    let said = shown.kiosk.import(&shown.stick, &[]).await.unwrap();
    refused(&said, &format!("the file of the stick is {name}"));
    refused(&said, "block 1 of blob");
    std::fs::write(book, &whole[..whole.len() / 2]).unwrap();
    let said = shown.kiosk.import(&shown.stick, &[]).await.unwrap();
    refused(&said, &format!("the file of the stick is {name}"));
    std::fs::remove_file(book).unwrap();
    let said = shown.kiosk.import(&shown.stick, &["--json"]).await.unwrap();
    refused(&said, &format!("the file of the stick is {name}"));
    let state: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(state["state"], "refused");
    shown.still_shows().await;

    // Metadata too.
    std::fs::write(book, &whole).unwrap();
    let timestamp = shown.stick.join("metadata/timestamp.json");
    let signed = std::fs::read(&timestamp).unwrap();
    std::fs::write(&timestamp, &signed[..signed.len() / 2]).unwrap();
    let said = shown.kiosk.import(&shown.stick, &[]).await.unwrap();
    refused(&said, "timestamp");
    shown.still_shows().await;

    // Written again by what is missing, it is whole.
    std::fs::write(book, &altered).unwrap();
    let told = export(&shown.library, "kiosk-a", &shown.stick).await;
    let copied = told["bytes"].as_u64().unwrap() - told["kept_bytes"].as_u64().unwrap();
    assert_eq!(copied, whole.len() as u64);
    succeeded(&shown.kiosk.import(&shown.stick, &["--json"]).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_or_imported_is_refused_by_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    let kiosk = LonelyKiosk::enrolled(&library, "kiosk-a").await.unwrap();
    library.add_device("gate-1", "gate", "main").await.unwrap();
    let stick = folder.path().join("stick");
    let to = stick.to_str().unwrap();
    let exported = async |devices: &str| {
        let export = ["content", "export", "--for", devices, "--to", to];
        library.command(&export).await.unwrap_err().to_string()
    };
    let none = exported("kiosk-a").await;
    assert!(
        none.contains("exit status: 2") && none.contains("no release yet"),
        "{none}"
    );
    publish(&library, "2026-12", 1, None).await;
    let unknown = exported("kiosk-z").await;
    assert!(
        unknown.contains("exit status: 2") && unknown.contains("no device kiosk-z"),
        "{unknown}"
    );
    let gate = exported("kiosk-a,gate-1").await;
    assert!(
        gate.contains("exit status: 2") && gate.contains("gate-1 is no kiosk"),
        "{gate}"
    );
    assert!(!stick.exists(), "nothing was begun");

    std::fs::create_dir(&stick).unwrap();
    let empty = kiosk.import(&stick, &[]).await.unwrap();
    refused(&empty, "is no stick of a release");
    let absent = kiosk
        .import(&folder.path().join("nowhere"), &[])
        .await
        .unwrap();
    refused(&absent, "cannot look into");
}
