//! The gateway is restored from an older backup: what it signs next is above what kiosks have seen,
//! so that they go on.

use std::path::Path;
use std::process::Command;

use lujiang_tests::kiosk::Kiosk;
use lujiang_tests::librarian::{Librarian, begun};
use lujiang_tests::link::Link;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;

/// Bytes of a made-up book.
const BOOK_BYTES: u64 = 200_000;

/// A kiosk that has seen more than its gateway knows of: the gateway was restored from a backup
/// that was made before a release and some notices.
struct Restored {
    library: Library,
    kiosk: Kiosk,
    // Both ways stay as long as the kiosk looks for the gateway there.
    _content: Link,
}

impl Restored {
    async fn in_folder(folder: &Path) -> Self {
        let mut library = begun(folder).await.unwrap();
        let content = Link::to(library.endpoints().https).await.unwrap();
        let ways = (library.secure_link().address(), content.address());
        let kiosk = Kiosk::enrolled_by(&library, "kiosk-a", ways, "").await;
        let mut kiosk = kiosk.unwrap();
        let backup = folder.join("backup");
        library.stop().await.unwrap();
        copy(library.data(), &backup);
        content.retarget(library.start().await.unwrap().https);

        kiosk.start().await.unwrap();
        shown(&library, &kiosk, "2026-11").await;
        for id in ["one", "two", "three"] {
            says(&library, id).await;
        }
        until_said(&kiosk, "three").await;

        library.stop().await.unwrap();
        std::fs::remove_dir_all(library.data()).unwrap();
        copy(&backup, library.data());
        content.retarget(library.start().await.unwrap().https);
        Self {
            library,
            kiosk,
            _content: content,
        }
    }

    /// The version of a role.
    async fn version(&self, role: &str) -> u64 {
        let repository = self.library.get("/api/v1/content/repository").await;
        let repository = repository.unwrap();
        let roles = repository["roles"].as_array().unwrap();
        let role = roles.iter().find(|it| it["role"] == role).unwrap();
        role["version"].as_u64().unwrap()
    }
}

/// A release is published, rolled out, and on the kiosk's screen.
async fn shown(library: &Library, kiosk: &Kiosk, release: &str) {
    let librarian = Librarian::again(library);
    librarian.publishes(release, 2, BOOK_BYTES).await.unwrap();
    librarian.rolls_out(release).await.unwrap();
    kiosk.shows(release).await.unwrap();
}

async fn says(library: &Library, id: &str) {
    let title = format!("开放 {id}");
    let notice = ["content", "notice", "add", id, "--title", &title];
    library.command(&notice).await.unwrap();
}

/// Waits until the kiosk's right-hand screen has a notice.
async fn until_said(kiosk: &Kiosk, id: &str) {
    until("the notice on the screen", PATIENCE, async || {
        let playlist = kiosk.get("playlist.json").await?.text().await?;
        anyhow::ensure!(playlist.contains(&format!("开放 {id}")), "{playlist}");
        Ok(())
    })
    .await
    .unwrap();
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kiosk_goes_on_with_a_gateway_that_was_restored_from_an_older_backup() {
    let folder = tempfile::tempdir().unwrap();
    let restored = Restored::in_folder(folder.path()).await;

    // The kiosk says what it has seen, and the gateway goes above it by itself.
    until("the gateway to be above it", PATIENCE, async || {
        let revision = restored.version("snapshot").await;
        anyhow::ensure!(revision > 5, "at {revision}");
        Ok(())
    })
    .await
    .unwrap();
    let log = restored.library.log();
    assert!(
        log.contains("was it restored from"),
        "somebody is told: {log}"
    );
    let audit = restored.library.get("/api/v1/audit").await.unwrap();
    assert!(audit.to_string().contains("content.rise"), "{audit}");
    let risen = restored.version("snapshot").await;
    assert_eq!(
        restored.kiosk.titles().await.unwrap().len(),
        2,
        "the shelf is still shown"
    );

    // What the operator signs follows by the command that renews, and so does the next release.
    let keys = folder.path().join("keys");
    let renew = ["content", "keys", "renew", keys.to_str().unwrap()];
    restored.library.command(&renew).await.unwrap();
    assert!(restored.version("targets").await > risen);
    says(&restored.library, "four").await;
    until_said(&restored.kiosk, "four").await;
    shown(&restored.library, &restored.kiosk, "2026-12").await;
}
