//! Releases in an S3 store: moto's server stands in for one.

use lujiang_tests::bucket::Bucket;
use lujiang_tests::fetcher::{Fetcher, release, some_bytes};
use lujiang_tests::papers::Papers;
use lujiang_tests::site::Library;
use lujiang_wire::{CONTENT_BLOCKS_PATH, CONTENT_METADATA_PATH};
use reqwest::StatusCode;

#[tokio::test(flavor = "multi_thread")]
async fn blobs_lie_in_the_bucket_and_devices_see_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::start(folder.path()).await.unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    let section = bucket.section(folder.path(), 0o600).unwrap();
    library.configure(&section).unwrap();
    library.start().await.unwrap();
    let stick = folder.path().join("stick");
    let init = ["content", "keys", "init", stick.to_str().unwrap()];
    library.command(&init).await.unwrap();
    library
        .add_device("kiosk-1", "kiosk", "main")
        .await
        .unwrap();
    let papers = Papers::of(&library, "kiosk-1").await.unwrap();
    // Several parts of an upload, the last one short.
    let bytes = some_bytes(12 * 1024 * 1024 + 17);
    let size = bytes.len();

    let (blob, path) = release(&library, &stick, "2026-12", bytes.clone())
        .await
        .unwrap();

    let listed = bucket.list().await.unwrap();
    let name = blob.to_string();
    for folder in ["blobs", "blocks"] {
        let key = format!("{folder}/{}/{name}<", &name[..2]);
        assert!(listed.contains(&key), "{key} in {listed}");
    }
    let kiosk = Fetcher::of(&library, Some(&papers)).unwrap();
    let whole = kiosk.get(&path, &[]).await.unwrap();
    assert!(whole.bytes().await.unwrap() == bytes);
    let rest = kiosk
        .get(&path, &[("range", "bytes=12000000-")])
        .await
        .unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    assert!(rest.bytes().await.unwrap() == bytes[12_000_000..]);
    let beyond = format!("bytes={size}-");
    let beyond = kiosk.get(&path, &[("range", &beyond)]).await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let list = format!("{CONTENT_BLOCKS_PATH}{blob}");
    let list = kiosk.get(&list, &[]).await.unwrap().bytes().await.unwrap();
    assert_eq!(list.len(), 32 * size.div_ceil(64 * 1024));

    let wrong = "1".repeat(64);
    let refused = library
        .put(&format!("/api/v1/content/blobs/{wrong}"), bytes)
        .await;
    assert!(refused.unwrap_err().to_string().contains("422"));
    assert!(!bucket.list().await.unwrap().contains(&wrong));

    library.stop().await.unwrap();
    library.start().await.unwrap();
    let kiosk = Fetcher::of(&library, Some(&papers)).unwrap();
    for asked in [path, format!("{CONTENT_METADATA_PATH}1.snapshot.json")] {
        let status = kiosk.get(&asked, &[]).await.unwrap().status();
        assert_eq!(status, StatusCode::OK, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_others_may_read_are_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = Bucket::start(folder.path()).await.unwrap();
    let library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    let section = bucket.section(folder.path(), 0o644).unwrap();
    library.configure(&section).unwrap();
    let config = folder.path().join("gateway.toml");

    let run = ["run", "--config", config.to_str().unwrap()];
    let refused = library.command(&run).await.unwrap_err().to_string();

    assert!(refused.contains("chmod 600"), "{refused}");
    assert!(!refused.contains("its-secret"), "{refused}");
}
