//! What a device fetches of releases: from any byte on, for devices alone, so many at once.

use std::path::PathBuf;

use lujiang_tests::fetcher::{Fetcher, bring, release, some_bytes};
use lujiang_tests::papers::Papers;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use lujiang_wire::{
    BLOCK_BYTES, BlobHash, CONTENT_BLOBS_PATH, CONTENT_BLOCKS_PATH, CONTENT_METADATA_PATH,
};
use reqwest::{Method, Response, StatusCode};
use sha2::{Digest as _, Sha256};

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|it| it.to_str().unwrap())
}

struct Scene {
    _folder: tempfile::TempDir,
    library: Library,
    papers: Papers,
    keys: PathBuf,
}

impl Scene {
    /// A blob in a signed release, and where devices find it.
    async fn releases(&self, bytes: Vec<u8>) -> (BlobHash, String) {
        let made = release(&self.library, &self.keys, "2026-12", bytes).await;
        made.unwrap()
    }
}

/// A gateway with a repository, and a kiosk that is enrolled.
async fn scene(more: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.configure(more).unwrap();
    library.start().await.unwrap();
    let stick = folder.path().join("stick");
    let init = ["content", "keys", "init", stick.to_str().unwrap()];
    library.command(&init).await.unwrap();
    library
        .add_device("kiosk-1", "kiosk", "main")
        .await
        .unwrap();
    let papers = Papers::of(&library, "kiosk-1").await.unwrap();
    Scene {
        _folder: folder,
        library,
        papers,
        keys: stick,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_no_release_names_yet_is_given_to_nobody_who_knows_its_hash() {
    let scene = scene("").await;
    let kiosk = Fetcher::of(&scene.library, Some(&scene.papers)).unwrap();
    let bytes = some_bytes(70_000);
    let (blob, path) = bring(&scene.library, bytes.clone()).await.unwrap();
    let list = format!("{CONTENT_BLOCKS_PATH}{blob}");
    for asked in [&path, &list] {
        let status = kiosk.get(asked, &[]).await.unwrap().status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{asked}");
    }

    let released = scene.releases(bytes.clone()).await;

    assert_eq!(released, (blob, path.clone()));
    let given = kiosk.get(&path, &[]).await.unwrap();
    assert!(given.bytes().await.unwrap() == bytes);
    let status = kiosk.get(&list, &[]).await.unwrap().status();
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_is_given_whole_or_from_any_byte_on_and_never_changed_on_the_way() {
    let scene = scene("").await;
    let bytes = some_bytes(3 * 1024 * 1024 + 17);
    let size = bytes.len();
    let (blob, path) = scene.releases(bytes.clone()).await;
    let kiosk = Fetcher::of(&scene.library, Some(&scene.papers)).unwrap();
    let etag = format!("\"{blob}\"");

    let whole = kiosk
        .get(&path, &[("accept-encoding", "gzip")])
        .await
        .unwrap();
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(header(&whole, "etag"), Some(etag.as_str()));
    assert_eq!(header(&whole, "accept-ranges"), Some("bytes"));
    assert_eq!(header(&whole, "content-encoding"), None);
    assert_eq!(
        header(&whole, "content-length"),
        Some(size.to_string().as_str())
    );
    assert!(
        header(&whole, "cache-control")
            .unwrap()
            .contains("immutable")
    );
    assert!(whole.bytes().await.unwrap() == bytes);

    let head = kiosk.asking(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(
        header(&head, "content-length"),
        Some(size.to_string().as_str())
    );
    assert!(head.bytes().await.unwrap().is_empty());

    let rest = [("range", "bytes=65536-"), ("if-range", etag.as_str())];
    let rest = kiosk.get(&path, &rest).await.unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    let range = format!("bytes 65536-{}/{size}", size - 1);
    assert_eq!(header(&rest, "content-range"), Some(range.as_str()));
    assert!(rest.bytes().await.unwrap() == bytes[65_536..]);

    let block = kiosk
        .get(&path, &[("range", "bytes=65536-131071")])
        .await
        .unwrap();
    assert_eq!(block.status(), StatusCode::PARTIAL_CONTENT);
    assert!(block.bytes().await.unwrap() == bytes[65_536..131_072]);

    let of_another = [("range", "bytes=65536-"), ("if-range", "\"another\"")];
    let whole = kiosk.get(&path, &of_another).await.unwrap();
    assert_eq!(whole.status(), StatusCode::OK);
    assert_eq!(whole.bytes().await.unwrap().len(), size);

    let beyond = format!("bytes={size}-");
    let beyond = kiosk.get(&path, &[("range", &beyond)]).await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let range = format!("bytes */{size}");
    assert_eq!(header(&beyond, "content-range"), Some(range.as_str()));

    let list = format!("{CONTENT_BLOCKS_PATH}{blob}");
    let list = kiosk.get(&list, &[]).await.unwrap().bytes().await.unwrap();
    let expected: Vec<u8> = bytes.chunks(BLOCK_BYTES).flat_map(Sha256::digest).collect();
    assert!(list == expected);
    let served = scene.library.text("/metrics").await.unwrap();
    let served = served
        .lines()
        .find_map(|line| line.strip_prefix("lujiang_content_served_bytes_total "))
        .unwrap();
    assert!(served.parse::<usize>().unwrap() >= 3 * size - 65_536);
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_for_registered_devices_and_no_name_leads_elsewhere() {
    let scene = scene("").await;
    let (blob, path) = scene.releases(some_bytes(1_000)).await;
    let kiosk = Fetcher::of(&scene.library, Some(&scene.papers)).unwrap();
    let stranger = Fetcher::of(&scene.library, None).unwrap();
    let timestamp = format!("{CONTENT_METADATA_PATH}timestamp.json");
    let list = format!("{CONTENT_BLOCKS_PATH}{blob}");
    let all = [&timestamp, &path, &list];

    for asked in all {
        let status = kiosk.get(asked, &[]).await.unwrap().status();
        assert_eq!(status, StatusCode::OK, "{asked}");
        let status = stranger.get(asked, &[]).await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{asked}");
        let plain = scene.library.text(asked).await.unwrap_err().to_string();
        assert!(plain.contains("403"), "{asked}: {plain}");
    }
    for odd in [
        format!("{CONTENT_METADATA_PATH}2.root.json"),
        format!("{CONTENT_METADATA_PATH}..%2F..%2Fadmin.token"),
        format!("{CONTENT_METADATA_PATH}%2Fetc%2Fpasswd"),
        format!("{CONTENT_BLOBS_PATH}..%2F..%2Fledger.db"),
        format!("{CONTENT_BLOBS_PATH}{}", "0".repeat(64)),
        format!("{CONTENT_BLOBS_PATH}{}", blob.to_string().to_uppercase()),
        format!("{CONTENT_BLOCKS_PATH}{}", "0".repeat(64)),
    ] {
        let status = kiosk.get(&odd, &[]).await.unwrap().status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{odd}");
    }

    let revoke = ["device", "revoke", "kiosk-1"];
    scene.library.command(&revoke).await.unwrap();
    for asked in all {
        let status = kiosk.get(asked, &[]).await.unwrap().status();
        assert_eq!(status, StatusCode::FORBIDDEN, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_while_too_many_fetch_is_told_when_to_come_back() {
    let scene = scene("[content]\ndownloads_max = 1\nretry_after = \"7s\"\n").await;
    // More than all buffers between the two take, so that it is under way until it is read.
    let (_, path) = scene.releases(vec![7; 64 * 1024 * 1024]).await;
    let kiosk = Fetcher::of(&scene.library, Some(&scene.papers)).unwrap();
    let under_way = kiosk.get(&path, &[]).await.unwrap();

    let other = Fetcher::of(&scene.library, Some(&scene.papers)).unwrap();
    let busy = other.get(&path, &[]).await.unwrap();

    assert_eq!(busy.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(&busy, "retry-after"), Some("7"));
    let problem: serde_json::Value = busy.json().await.unwrap();
    assert_eq!(problem["status"], 503);
    drop(under_way);
    until("the place to be free again", PATIENCE, async || {
        let part = [("range", "bytes=0-9")];
        let answer = other.get(&path, &part).await?;
        anyhow::ensure!(
            answer.status() == StatusCode::PARTIAL_CONTENT,
            "{}",
            answer.status()
        );
        Ok(())
    })
    .await
    .unwrap();
}
