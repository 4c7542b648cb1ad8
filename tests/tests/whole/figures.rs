//! Figures are folds over the ledger: the same after any loss of the views.

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use lujiang_tests::publisher::{Publisher, Version, visit};
use lujiang_tests::site::{Library, PATIENCE};
use serde_json::Value;

/// Where the test's week begins: eight days ago, at midnight of the library.
fn first_day() -> Zoned {
    let today = jiff::Timestamp::now().to_zoned(TimeZone::get("Asia/Shanghai").unwrap());
    today.start_of_day().unwrap().checked_sub(8.days()).unwrap()
}

/// Publishes a week of half hours of one gate; gives back how many came in.
async fn a_week_of_a_gate(library: &Library, first: &Zoned) -> u64 {
    let issued = library.add_device("door-1", "gate", "main").await.unwrap();
    let door = library.endpoints().mqtt;
    let mut publisher = Publisher::connect(door, &issued, Version::V311)
        .await
        .unwrap();
    let first = first.timestamp();
    let mut entered = 0;
    for slot in 0..7 * 48_i64 {
        let end = jiff::Timestamp::from_second(first.as_second() + (slot + 1) * 1_800).unwrap();
        let count = u64::try_from(slot % 17).unwrap();
        let mut event = visit("door-1", &format!("slot-{slot}"), end, count);
        let from = jiff::Timestamp::from_second(end.as_second() - 1_800).unwrap();
        event["data"]["from"] = from.to_string().into();
        publisher
            .deliver(&format!("slot-{slot}"), &event)
            .await
            .unwrap();
        entered += count;
    }
    entered
}

fn flip_bytes(folder: &Path, seed: u64) -> usize {
    let mut flipped = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            flipped += flip_bytes(&path, seed);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        for step in (0..length).step_by(997) {
            bytes[(step + usize::try_from(seed).unwrap()) % length] ^= 0x55;
            flipped += 1;
        }
        std::fs::write(&path, bytes).unwrap();
    }
    flipped
}

async fn figures(library: &Library, first: &Zoned, entered: u64) -> Value {
    library.total_becomes(entered, PATIENCE).await.unwrap();
    let last = first.checked_add(7.days()).unwrap();
    let range = format!("from={}&to={}", first.date(), last.date());
    let mut figures = library
        .get(&format!("/api/v1/visits?bucket=hour&{range}"))
        .await
        .unwrap();
    figures.as_object_mut().unwrap().remove("as_of");
    figures
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_the_same_after_a_rebuild_without_views_and_with_flipped_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library
        .configure("[intake]\nplain_age_max = \"8760h\"\n")
        .unwrap();
    library.start().await.unwrap();
    let first = first_day();
    let entered = a_week_of_a_gate(&library, &first).await;
    let before = figures(&library, &first, entered).await;
    let views = library.data().join("views");

    library.command(&["views", "rebuild"]).await.unwrap();
    assert_eq!(
        figures(&library, &first, entered).await,
        before,
        "after a rebuild while running"
    );

    library.stop().await.unwrap();
    library.command(&["views", "rebuild"]).await.unwrap();
    library.start().await.unwrap();
    assert_eq!(
        figures(&library, &first, entered).await,
        before,
        "after a rebuild while stopped"
    );

    library.stop().await.unwrap();
    std::fs::remove_dir_all(&views).unwrap();
    library.start().await.unwrap();
    assert_eq!(
        figures(&library, &first, entered).await,
        before,
        "after the views were deleted"
    );

    for seed in 0..5 {
        library.stop().await.unwrap();
        assert!(flip_bytes(&views, seed) > 0, "there were bytes to flip");
        library.start().await.unwrap();
        assert_eq!(
            figures(&library, &first, entered).await,
            before,
            "after flipped bytes, seed {seed}"
        );
    }

    library.kill().await.unwrap();
    library.start().await.unwrap();
    assert_eq!(
        figures(&library, &first, entered).await,
        before,
        "after kill -9"
    );
    library.command(&["ledger", "verify"]).await.unwrap();
}
