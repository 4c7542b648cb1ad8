//! A release that comes on a stick, made as the gateway makes one.

use lujiang_content::{BlobStore, make_stick};
use lujiang_wire::{STICK_FILE, Stick};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use super::*;

#[tokio::test]
async fn a_stick_brings_a_release_where_no_line_does() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let stick = press.stick("2026-12").await;
    std::fs::remove_dir_all(&press.served).unwrap();

    assert_eq!(kiosk.import(&stick, None).await, Ok(Imported::OnShelf));

    assert_eq!(kiosk.titles(), ["孟子"]);
    kiosk.shelf.was_painted(label("2026-12"));
    kiosk.until(|it| it.shown == Some(label("2026-12"))).await;
    let expected = [
        "library.content.installed.v1",
        "library.content.installed.v1",
        "library.content.removed.v1",
        "library.content.removed.v1",
    ];
    assert_eq!(kiosk.facts(), expected);
    assert_eq!(kiosk.import(&stick, None).await, Ok(Imported::WasThere));
}

#[tokio::test]
async fn first_contact_by_a_stick_needs_somebody_who_compared_its_code() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let stick = press.stick("2026-11").await;
    let code = code_of(&stick);
    let kiosk = Kiosk::beside(std::path::Path::new("/nowhere")).await;

    let unconfirmed = Err(ImportError::Unconfirmed(code));
    assert_eq!(kiosk.import(&stick, None).await, unconfirmed);
    let other = Some(BlobHash::new([1; 32]));
    assert_eq!(kiosk.import(&stick, other).await, unconfirmed);
    assert!(!kiosk.folder.path().join("metadata/1.root.json").exists());

    let taken = kiosk.import(&stick, Some(code)).await;
    assert_eq!(taken, Ok(Imported::OnShelf));
    assert_eq!(kiosk.titles(), ["庄子"]);
}

/// As the gateway prints it.
fn code_of(stick: &tempfile::TempDir) -> BlobHash {
    let metadata = |name: &str| std::fs::read(stick.path().join("metadata").join(name)).unwrap();
    let label: Stick =
        serde_json::from_slice(&std::fs::read(stick.path().join(STICK_FILE)).unwrap()).unwrap();
    let snapshot = metadata(&format!("{}.snapshot.json", label.revision));
    let code = [metadata("1.root.json"), snapshot].concat();
    BlobHash::new(Sha256::digest(&code).into())
}

#[tokio::test]
async fn an_older_stick_of_the_same_library_is_not_the_one_that_was_confirmed() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let older = press.stick("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let newest = press.stick("2026-12").await;
    let kiosk = Kiosk::beside(std::path::Path::new("/nowhere")).await;

    let printed = Some(code_of(&newest));
    let refused = kiosk.import(&older, printed).await;
    assert_eq!(refused, Err(ImportError::Unconfirmed(code_of(&older))));
    assert!(!kiosk.folder.path().join("metadata/1.root.json").exists());
    assert_eq!(kiosk.import(&newest, printed).await, Ok(Imported::OnShelf));
}

#[tokio::test]
async fn a_release_that_was_published_again_is_taken_again_by_stick_and_by_line() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let first = press.stick("2026-11").await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.line.cut(true);
    let code = Some(code_of(&first));
    assert_eq!(kiosk.import(&first, code).await, Ok(Imported::OnShelf));
    kiosk.shelf.was_painted(label("2026-11"));
    kiosk
        .until(|it| taking(it) == Some(TakingState::Shown))
        .await;

    press.release("2026-11", &["庄子", "孟子"]).await;
    let second = press.stick("2026-11").await;
    assert_eq!(kiosk.import(&second, None).await, Ok(Imported::OnShelf));
    assert_eq!(kiosk.titles(), ["庄子", "孟子"]);
    let told = kiosk.reported.borrow().clone();
    let is_proven = taking(&told) == Some(TakingState::Shown);
    assert!(!is_proven, "what was painted was the one before: {told:?}");
    kiosk.shelf.was_painted(label("2026-11"));
    kiosk
        .until(|it| taking(it) == Some(TakingState::Shown))
        .await;
    assert_eq!(kiosk.import(&second, None).await, Ok(Imported::WasThere));

    press.release("2026-11", &["孟子"]).await;
    kiosk.line.cut(false);
    kiosk.wants("2026-11", 0);
    kiosk.until_titles(&["孟子"]).await;
}

#[tokio::test]
async fn a_stick_of_another_library_is_refused_and_changes_nothing() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    let told = kiosk.reported.borrow().clone();
    let others = Press::begun().await;
    others.release("2026-11", &["孟子"]).await;
    others.release("2026-12", &["孟子"]).await;
    let stick = others.stick("2026-12").await;
    let code = code_of(&stick);

    let refused = kiosk.import(&stick, Some(code)).await;

    assert!(
        matches!(&refused, Err(ImportError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(kiosk.titles(), ["庄子"]);
    assert_eq!(*kiosk.reported.borrow(), told);
    assert_eq!(kiosk.facts().len(), 1, "the installed one");
}

#[tokio::test]
async fn a_stick_brings_every_root_to_a_kiosk_that_knows_the_first_alone() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    let mut vault = press.vault.clone();
    for _ in 0..2 {
        vault.rotate_root().unwrap();
        let before = press.repository.lock().unwrap().clone();
        let offer = Offer::renew(&vault, &before.published(&press.keys), now())
            .await
            .unwrap();
        press.serve(before.publish(&offer, &press.keys, now()).await.unwrap());
        vault.forget_former().unwrap();
    }
    let press = Press { vault, ..press };
    press.release("2026-12", &["孟子"]).await;
    let stick = press.stick("2026-12").await;
    std::fs::remove_dir_all(&press.served).unwrap();
    let known = kiosk.folder.path().join("metadata/2.root.json");
    assert!(!known.exists(), "it knows the first root alone");

    assert_eq!(kiosk.import(&stick, None).await, Ok(Imported::OnShelf));

    assert_eq!(kiosk.titles(), ["孟子"]);
    assert!(kiosk.folder.path().join("metadata/3.root.json").exists());
}

#[tokio::test]
async fn a_stick_does_not_wait_while_the_kiosk_asks_over_a_line_that_hangs() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let stick = press.stick("2026-12").await;
    waiting::hangs(&kiosk).await;

    assert_eq!(kiosk.import(&stick, None).await, Ok(Imported::OnShelf));
}

#[tokio::test]
async fn an_altered_blob_on_a_stick_is_refused_and_the_line_still_brings_the_release() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let stick = press.stick("2026-12").await;
    let name = hash(&book("孟子"));
    let blob = stick.path().join("blobs").join(name.to_string());
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[70_000] ^= 1;
    std::fs::write(&blob, bytes).unwrap();

    let refused = kiosk.import(&stick, None).await;

    assert!(
        matches!(&refused, Err(ImportError::Refused(told))
            if told.contains("not what was signed")
                && told.contains(&format!("the file of the stick is blobs/{name}"))),
        "{refused:?}"
    );
    assert_eq!(kiosk.titles(), ["庄子"]);
    kiosk.installs("2026-12").await;
    assert_eq!(kiosk.titles(), ["孟子"]);
}

#[tokio::test]
async fn a_stick_older_than_what_was_seen_is_refused() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let stick = press.stick("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-12").await;

    let refused = kiosk.import(&stick, None).await;

    assert!(
        matches!(&refused, Err(ImportError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(kiosk.titles(), ["孟子"]);
}

#[tokio::test]
async fn a_stick_that_has_expired_is_refused_on_line_and_taken_off_line_or_by_an_untrusted_clock() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let stick = press.stick("2026-12").await;
    let later = now() + jiff::SignedDuration::from_hours(24 * 15);
    let trusts = |kiosk: &Kiosk, time| *kiosk.measured.lock().unwrap() = time;

    trusts(&kiosk, Some(later));
    let refused = kiosk.import(&stick, None).await;
    assert!(
        matches!(&refused, Err(ImportError::Refused(told))
            if told.contains("timestamp of the repository has expired")
                && told.contains("this kiosk has a line")),
        "{refused:?}"
    );
    assert_eq!(kiosk.titles(), ["庄子"], "the old shelf is still shown");

    // The same stick and the same time, and nobody to ask for what is newer.
    kiosk.line.cut(true);
    assert_eq!(kiosk.import(&stick, None).await, Ok(Imported::OnShelf));
    assert_eq!(kiosk.titles(), ["孟子"]);
    kiosk.shelf.was_painted(label("2026-12"));
    kiosk.until(|it| it.shown == Some(label("2026-12"))).await;

    // On-line, and the clock is nobody's.
    press.release("2027-01", &["论语"]).await;
    let stick = press.stick("2027-01").await;
    kiosk.line.cut(false);
    trusts(&kiosk, None);
    assert_eq!(kiosk.import(&stick, None).await, Ok(Imported::OnShelf));
    assert_eq!(kiosk.titles(), ["论语"]);
}

#[tokio::test]
async fn a_stick_that_has_expired_and_is_older_than_what_was_seen_is_refused_off_line_too() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let stick = press.stick("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-12").await;
    kiosk.line.cut(true);
    *kiosk.measured.lock().unwrap() = None;

    let refused = kiosk.import(&stick, None).await;

    assert!(
        matches!(&refused, Err(ImportError::Refused(told)) if told.contains("version")),
        "{refused:?}"
    );
    assert_eq!(kiosk.titles(), ["孟子"], "the old shelf is still shown");
}

#[tokio::test]
async fn a_stick_waits_for_no_hours_and_for_no_facts() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let stick = press.stick("2026-12").await;
    // Facts wait for a line that does not come.
    kiosk.yielding.send_replace(Yielding::ToFacts);

    assert_eq!(kiosk.import(&stick, None).await, Ok(Imported::OnShelf));
    assert_eq!(kiosk.titles(), ["孟子"]);
}

#[tokio::test]
async fn a_stick_does_not_wait_for_a_line_that_hangs() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    let stick = press.stick("2026-12").await;
    // A reader keeps what came over the line from being shown.
    let reading = kiosk.shelf.begin_reading();
    kiosk.wants("2026-12", 0);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Verified))
        .await;

    let (answer, _answered) = oneshot::channel();
    kiosk.bring(&stick, None, answer).await;
    drop(reading);

    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
    assert_eq!(kiosk.titles(), ["孟子"]);
}

#[tokio::test]
async fn a_stick_is_made_again_by_what_is_missing() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子", "论语"]).await;
    let stick = press.stick("2026-11").await;
    let blobs = stick.path().join("blobs");
    let spoilt = blobs.join(hash(&book("论语")).to_string());
    std::fs::write(&spoilt, book("孟子")).unwrap();
    std::fs::remove_file(stick.path().join(STICK_FILE)).unwrap();

    let made = press.make("2026-11", stick.path()).await.unwrap();

    assert_eq!(std::fs::read(&spoilt).unwrap(), book("论语"));
    assert_eq!(made.bytes - made.kept, book("论语").len() as u64);
    assert!(stick.path().join(STICK_FILE).exists());
    let error = press.make("2027-01", stick.path()).await.unwrap_err();
    assert!(error.to_string().contains("2027-01"), "{error}");
}

impl Press {
    async fn stick(&self, release: &str) -> tempfile::TempDir {
        let stick = tempfile::tempdir().unwrap();
        self.make(release, stick.path()).await.unwrap();
        stick
    }

    async fn make(
        &self,
        release: &str,
        folder: &std::path::Path,
    ) -> Result<lujiang_content::StickMade, lujiang_content::StickError> {
        let store = tempfile::tempdir().unwrap();
        let blobs = BlobStore::on_disk(store.path()).unwrap();
        for entry in std::fs::read_dir(self.served.join("blobs")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            blobs.put_bytes(bytes).await.unwrap();
        }
        let repository = self.repository.lock().unwrap().clone();
        let stick = Stick {
            release: label(release),
            revision: repository.revision(),
            devices: vec!["kiosk-1".parse().unwrap()],
        };
        make_stick(&repository, &blobs, &stick, folder, |_, _| {}).await
    }
}

impl Kiosk {
    async fn import(
        &self,
        stick: &tempfile::TempDir,
        code: Option<BlobHash>,
    ) -> Result<Imported, ImportError> {
        let (answer, answered) = oneshot::channel();
        self.bring(stick, code, answer).await;
        let answered = tokio::time::timeout(Duration::from_secs(20), answered).await;
        answered.expect("within 20 s").unwrap()
    }

    async fn bring(
        &self,
        stick: &tempfile::TempDir,
        code: Option<BlobHash>,
        answer: oneshot::Sender<Result<Imported, ImportError>>,
    ) {
        let label = std::fs::read(stick.path().join(STICK_FILE)).unwrap();
        let label: Stick = serde_json::from_slice(&label).unwrap();
        let import = Import {
            source: Arc::new(FolderSource::new(stick.path())),
            release: label.release,
            code,
            answer,
        };
        self.brings.send(import).await.unwrap();
    }
}
