//! What somebody between the gateway and the kiosk may try. Each is refused and told, and the
//! shelf before it is still shown.

use std::fs;
use std::path::Path;

use super::*;

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
    assert!(detail.contains("not what was signed"), "{detail}");
}

#[tokio::test]
async fn a_blob_of_the_wrong_length_is_refused() {
    let (press, mut kiosk) = shown().await;
    let blob = press
        .served
        .join("blobs")
        .join(hash(&book("孟子")).to_string());
    let mut bytes = fs::read(&blob).unwrap();
    bytes.push(0);
    fs::write(&blob, bytes).unwrap();
    let detail = refused(&mut kiosk, "wrong-length").await;
    assert!(detail.contains("should have"), "{detail}");
}

#[tokio::test]
async fn expired_metadata_is_refused_where_the_time_is_known_and_taken_where_it_is_not() {
    let (_press, mut kiosk) = shown().await;
    let later = now() + jiff::SignedDuration::from_hours(24 * 15);
    kiosk.measured.lock().unwrap().replace(later);
    refused(&mut kiosk, "metadata-expired").await;

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
    refused(&mut kiosk, "metadata-refused").await;
}

#[tokio::test]
async fn a_snapshot_of_other_parts_is_refused() {
    let (press, mut kiosk) = shown().await;
    let older = fs::read(metadata(&press, "2.targets.json")).unwrap();
    fs::write(metadata(&press, "3.targets.json"), older).unwrap();
    refused(&mut kiosk, "metadata-refused").await;
}

#[tokio::test]
async fn a_file_of_metadata_that_never_ends_is_refused() {
    let (press, mut kiosk) = shown().await;
    let endless = vec![b' '; 2 * 1024 * 1024];
    fs::write(metadata(&press, "timestamp.json"), endless).unwrap();
    let detail = refused(&mut kiosk, "metadata-refused").await;
    assert!(detail.contains("more than"), "{detail}");
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
