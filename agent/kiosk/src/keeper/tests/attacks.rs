//! What somebody between the gateway and the kiosk may try. Each is refused and told, and the
//! shelf before it is still shown.

use std::fs;
use std::path::Path;

use super::*;
use crate::source::MetadataName;

/// A kiosk that shows a release, and its press with the next one.
async fn shown() -> (Press, Kiosk) {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    press.release("2026-12", &["孟子"]).await;
    (press, kiosk)
}

async fn refused(kiosk: &mut Kiosk, expected: &str) -> String {
    kiosk.wants("2026-12", 0);
    let told = kiosk.until(|it| failure(it).is_some()).await;
    assert_eq!(failure(&told).as_deref(), Some(expected));
    assert_eq!(kiosk.titles(), ["庄子"], "the old shelf is still shown");
    assert_eq!(told.shown, Some(label("2026-11")));
    assert_eq!(
        kiosk.facts().last().map(String::as_str),
        Some("library.content.failed.v1")
    );
    match taking(&told) {
        Some(TakingState::Failed { detail, .. }) => detail,
        _ => unreachable!("it failed"),
    }
}

fn metadata(press: &Press, name: &str) -> PathBuf {
    press.served.join("metadata").join(name)
}

fn change(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[tokio::test]
async fn altered_metadata_is_refused() {
    let (press, mut kiosk) = shown().await;
    change(&metadata(&press, "3.targets.json"), "2026-12", "2026-13");
    let detail = refused(&mut kiosk, "metadata-refused").await;
    assert!(detail.contains("does not hold"), "{detail}");
    assert!(detail.contains("targets"), "it names what: {detail}");
}

#[tokio::test]
async fn an_altered_blob_is_refused() {
    let (press, mut kiosk) = shown().await;
    let blob = press
        .served
        .join("blobs")
        .join(hash(&book("孟子")).to_string());
    let mut bytes = fs::read(&blob).unwrap();
    bytes[70_000] ^= 1;
    fs::write(&blob, bytes).unwrap();
    let detail = refused(&mut kiosk, "hash-mismatch").await;
    let named = format!(
        "block 1 of blob {} is not what was signed",
        hash(&book("孟子"))
    );
    assert!(detail.contains(&named), "{detail}");
}

#[tokio::test]
async fn a_blob_of_the_wrong_length_is_refused() {
    for is_longer in [true, false] {
        let (press, mut kiosk) = shown().await;
        let name = hash(&book("孟子"));
        let blob = press.served.join("blobs").join(name.to_string());
        let mut bytes = fs::read(&blob).unwrap();
        match is_longer {
            true => bytes.push(0),
            false => bytes.truncate(100_000),
        }
        fs::write(&blob, bytes).unwrap();
        let detail = refused(&mut kiosk, "wrong-length").await;
        assert!(
            detail.contains(&format!("blob {name} should have")),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_blob_that_never_ends_is_refused() {
    let (_press, mut kiosk) = shown().await;
    let name = hash(&book("孟子"));
    *kiosk.line.endless.lock().unwrap() = Some(Resource::Blob(name));
    kiosk.wants("2026-12", 0);
    let told = kiosk.until(|it| failure(it).is_some()).await;
    let Some(TakingState::Failed { detail, .. }) = taking(&told) else {
        unreachable!("it failed")
    };
    assert!(detail.contains(&format!("blob {name}")), "{detail}");
    assert_eq!(kiosk.titles(), ["庄子"], "the old shelf is still shown");
}

#[tokio::test]
async fn a_target_whose_name_is_a_trick_with_paths_is_refused_whoever_signed_it() {
    for trick in [
        "../../etc/cron.d/lujiang",
        "/etc/passwd",
        "releases/2026-12/../../../escape",
        "blobs/./x",
        "blobs\\..\\x",
        "blobs/\u{0}x",
    ] {
        let (press, mut kiosk) = shown().await;
        forger::Forger(&press).names(trick);
        let detail = refused(&mut kiosk, "metadata-refused").await;
        assert!(
            detail.contains(&format!("{trick:?} has a name that leads elsewhere")),
            "{trick}: {detail}"
        );
    }
    // And the forger signs what holds, where the name is plain.
    let (press, mut kiosk) = shown().await;
    forger::Forger(&press).names("blobs/x");
    kiosk.installs("2026-12").await;
}

#[tokio::test]
async fn expired_metadata_is_refused_where_the_time_is_known_and_taken_where_it_is_not() {
    let (_press, mut kiosk) = shown().await;
    let later = now() + jiff::SignedDuration::from_hours(24 * 15);
    kiosk.measured.lock().unwrap().replace(later);
    let detail = refused(&mut kiosk, "metadata-expired").await;
    assert!(
        detail.contains("the timestamp of the repository"),
        "{detail}"
    );

    *kiosk.measured.lock().unwrap() = None;
    kiosk.wants("2026-12", 1);
    kiosk
        .until(|it| taking(it) == Some(TakingState::Installed))
        .await;
}

#[tokio::test]
async fn a_version_older_than_one_seen_is_refused() {
    let press = Press::begun().await;
    press.release("2026-11", &["庄子"]).await;
    let older = fs::read(metadata(&press, "timestamp.json")).unwrap();
    press.release("2026-12", &["孟子"]).await;
    let mut kiosk = Kiosk::beside(&press.served).await;
    kiosk.shows("2026-11").await;
    fs::write(metadata(&press, "timestamp.json"), older).unwrap();
    // Also after a restart: what was seen is on the disk.
    kiosk.restart().await;
    let detail = refused(&mut kiosk, "metadata-refused").await;
    assert!(detail.contains("timestamp"), "it names what: {detail}");
}

#[tokio::test]
async fn a_snapshot_of_other_parts_is_refused() {
    let (press, mut kiosk) = shown().await;
    let older = fs::read(metadata(&press, "2.targets.json")).unwrap();
    fs::write(metadata(&press, "3.targets.json"), older).unwrap();
    let detail = refused(&mut kiosk, "metadata-refused").await;
    assert!(detail.contains("targets"), "it names what: {detail}");
}

#[tokio::test]
async fn a_file_of_metadata_that_never_ends_is_refused() {
    for name in ["timestamp.json", "3.targets.json"] {
        let (_press, mut kiosk) = shown().await;
        let endless = MetadataName::new(name).unwrap();
        *kiosk.line.endless.lock().unwrap() = Some(Resource::Metadata(endless));
        let detail = refused(&mut kiosk, "metadata-refused").await;
        assert!(
            detail.contains("more than") && detail.contains(name),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn what_a_revoked_key_signed_is_refused() {
    let (press, mut kiosk) = shown().await;
    let lost = press.vault.clone();
    let mut vault = press.vault.clone();
    vault.rotate_targets().unwrap();
    let before = press.repository.lock().unwrap().clone();
    let offer = Offer::renew(&vault, &before.published(&press.keys), now())
        .await
        .unwrap();
    let rotated = before.publish(&offer, &press.keys, now()).await.unwrap();
    // Who has the lost key, and the gateway's on-line keys, signs a release under the old root.
    let forged = release("2026-12", &["孟子"], |_| Copies::Unlimited);
    let offer = Offer::release(&lost, &before.published(&press.keys), &forged, now()).await;
    let forged = before
        .publish(&offer.unwrap(), &press.keys, now())
        .await
        .unwrap();
    press.serve(forged);
    let root = "2.root.json";
    fs::write(metadata(&press, root), &rotated.files()[root]).unwrap();
    refused(&mut kiosk, "metadata-refused").await;
}

#[tokio::test]
async fn another_librarys_repository_is_refused() {
    let (press, mut kiosk) = shown().await;
    let other = Press::begun().await;
    other.release("2026-11", &["庄子"]).await;
    other.release("2026-12", &["孟子"]).await;
    fs::remove_dir_all(&press.served).unwrap();
    fs::rename(&other.served, &press.served).unwrap();
    refused(&mut kiosk, "metadata-refused").await;
}

#[tokio::test]
async fn a_release_nobody_signed_is_refused() {
    let (_press, mut kiosk) = shown().await;
    kiosk.wants("../../etc", 0);
    let told = kiosk.until(|it| failure(it).is_some()).await;
    assert_eq!(failure(&told).as_deref(), Some("not-signed"));
    assert_eq!(kiosk.titles(), ["庄子"]);
}
