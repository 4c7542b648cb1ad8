//! A folder of books becomes a release, at the command line and with a real gateway: what is
//! understood is shown, what is refused is named, and what is published is there.

use std::io::Write as _;
use std::path::Path;

use lujiang_tests::epubs::{Licence, Wish, deliver, write_epub};
use lujiang_tests::librarian::Librarian;
use lujiang_tests::site::Library;
use serde_json::Value;

/// A library with two kiosks, and the keys of its releases.
async fn library(folder: &Path) -> Library {
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.start().await.unwrap();
    library
        .add_device("kiosk-a", "kiosk", "main")
        .await
        .unwrap();
    library
        .add_device("kiosk-b", "kiosk", "donggang")
        .await
        .unwrap();
    library.add_device("gate-1", "gate", "main").await.unwrap();
    let keys = folder.join("keys");
    let init = ["content", "keys", "init", keys.to_str().unwrap()];
    library.command(&init).await.unwrap();
    library
}

/// `content publish` of a folder with its `licences.csv`.
async fn publish(
    library: &Library,
    release: &str,
    books: &Path,
    more: &[&str],
) -> anyhow::Result<String> {
    let licences = books.join("licences.csv");
    let keys = library.folder().join("keys");
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (books, licences, keys) = (path(books), path(&licences), path(&keys));
    let mut arguments = vec!["content", "publish", "--release", release, &books];
    arguments.extend(["--licences", &licences, "--keys", &keys]);
    arguments.extend(more);
    library.command(&arguments).await
}

fn wish(seed: u64, epubs: u32, end: &str) -> Wish {
    Wish {
        seed,
        epubs,
        pdfs: 1,
        book_bytes: 200_000,
        licence: Licence {
            start: "2026-01-01".into(),
            end: end.into(),
            copies: Some(3),
            ..Licence::default()
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_months_are_published_and_the_second_keeps_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    let november = folder.path().join("november");
    let made = deliver(&november, &wish(1, 3, "2199-11-30")).unwrap();

    let dry = publish(&library, "2026-11", &november, &["--dry-run"])
        .await
        .unwrap();
    assert!(dry.contains("A dry run: nothing was published."), "{dry}");
    assert!(dry.contains("2026-11: 4 titles"), "{dry}");
    assert!(
        dry.contains("2199-11-30 24:00"),
        "the last day is told with all of it: {dry}"
    );
    let unasked = publish(&library, "2026-11", &november, &[])
        .await
        .unwrap_err();
    assert!(unasked.to_string().contains("nobody to ask"), "{unasked}");
    assert_eq!(
        library.get("/api/v1/content/releases").await.unwrap(),
        serde_json::json!([])
    );

    let told = publish(&library, "2026-11", &november, &["--yes"])
        .await
        .unwrap();
    assert!(told.contains("2026-11 is published; revision 2"), "{told}");
    let twice = publish(&library, "2026-11", &november, &["--yes"])
        .await
        .unwrap_err();
    assert!(
        twice
            .to_string()
            .contains("there is a release 2026-11 already"),
        "{twice}"
    );

    let gone = format!("urn:isbn:{}", made.books[0].isbn);
    let december = publish_december(&library, &gone).await;
    tell_what_changed(&library, &gone).await;
    replace_december(&library, &december).await;
    december_is_given(&library, &december).await;
}

/// Publishes December, with a title of November retired.
async fn publish_december(library: &Library, gone: &str) -> std::path::PathBuf {
    let december = library.folder().join("december");
    deliver(&december, &wish(2, 2, "")).unwrap();
    let more = ["--yes", "--json", "--retire", gone];
    let told = publish(library, "2026-12", &december, &more).await;
    let told: Value = serde_json::from_str(&told.unwrap()).unwrap();
    let fates: Vec<_> = told["titles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["fate"].as_str().unwrap())
        .collect();
    assert_eq!(
        fates,
        ["new", "new", "new", "kept", "kept", "kept", "retired"]
    );
    assert_eq!(
        (&told["problems"], &told["revision"]),
        (&serde_json::json!([]), &3.into())
    );
    december
}

/// The difference, the list and the titles say the same of the two months.
async fn tell_what_changed(library: &Library, gone: &str) {
    let diff = library
        .command(&["content", "diff", "2026-11", "2026-12"])
        .await
        .unwrap();
    assert!(
        diff.contains("3 added, 1 removed, 0 changed, 3 the same"),
        "{diff}"
    );
    let list = library.command(&["content", "list"]).await.unwrap();
    assert!(
        list.contains("2026-11") && list.contains("2026-12"),
        "{list}"
    );

    let titles = library
        .get("/api/v1/content/releases/2026-12/titles")
        .await
        .unwrap();
    assert_eq!(titles["before"], "2026-11");
    assert_eq!(titles["titles"][0]["changes"], serde_json::json!(["added"]));
    assert_eq!(titles["titles"][3]["changes"], serde_json::json!([]));
    assert_eq!(titles["removed"][0]["identifier"], gone);
    let devices = titles["titles"][0]["devices"].as_object().unwrap();
    let copies: i64 = devices.values().map(|it| it.as_i64().unwrap()).sum();
    assert_eq!(
        (devices.len(), copies),
        (2, 3),
        "kiosks only, and as many as licensed"
    );
}

/// Once more under the same name: it goes on from November again, so that what was retired by
/// mistake is back.
async fn replace_december(library: &Library, december: &Path) {
    let again = ["--yes", "--replace"];
    let told = publish(library, "2026-12", december, &again).await.unwrap();
    assert!(told.contains("2026-12 is published; revision 4"), "{told}");
    let list = library.get("/api/v1/content/releases").await.unwrap();
    let titles = |at: usize| list[at]["titles"].as_u64().unwrap();
    assert_eq!(
        (list.as_array().unwrap().len(), titles(0), titles(1)),
        (2, 7, 4),
        "{list}"
    );
}

/// Once a kiosk was offered it, a release stays what it is: the kiosk would take no other of its
/// name, and a rollout of the other would be over at once.
async fn december_is_given(library: &Library, december: &Path) {
    let librarian = Librarian::again(library);
    librarian.rolls_out("2026-12").await.unwrap();
    let again = ["--yes", "--replace"];
    let refused = publish(library, "2026-12", december, &again).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("under a new one, 2026-12.1"), "{refused}");
    let list = library.get("/api/v1/content/releases").await.unwrap();
    assert_eq!(list[0]["titles"], 7, "{list}");
    publish(library, "2026-12.1", december, &["--yes"])
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_named_and_holds_back_the_release_until_somebody_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path()).await;
    let books = folder.path().join("books");
    deliver(&books, &wish(3, 1, "2199-11-30")).unwrap();
    let truncated = books.join("cut.epub");
    write_epub(&truncated, 4, 9, 100_000).unwrap();
    let whole = std::fs::read(&truncated).unwrap();
    std::fs::write(&truncated, &whole[..whole.len() / 2]).unwrap();
    std::fs::write(books.join("bomb.epub"), bomb(&whole)).unwrap();
    let mut table = std::fs::OpenOptions::new()
        .append(true)
        .open(books.join("licences.csv"))
        .unwrap();
    writeln!(
        table,
        "cut.epub,,,,,\nbomb.epub,,,,,\nbook-0001.epub,,,x\u{1b}[2J,,"
    )
    .unwrap();

    for (more, is_published) in [
        (&["--yes"][..], false),
        (&["--yes", "--take-understood"], true),
    ] {
        let refused = publish(&library, "2026-11", &books, more)
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("exit status: 3"), "{refused}");
        for told in [
            "refused  cut.epub: a broken ZIP file",
            "refused  bomb.epub: it expands to 300",
            "refused  line 6, copies: \"x\\u{1b}[2J\" is no number of copies",
        ] {
            assert!(refused.contains(told), "{told}\n{refused}");
        }
        let releases = library.get("/api/v1/content/releases").await.unwrap();
        assert_eq!(
            releases.as_array().unwrap().len(),
            usize::from(is_published)
        );
    }
    let releases = library.get("/api/v1/content/releases").await.unwrap();
    assert_eq!(releases[0]["titles"], 2);
}

/// A book with a file of 300 MB of nothing, deflated to 300 kB.
fn bomb(book: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new_append(std::io::Cursor::new(book.to_vec())).unwrap();
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("EPUB/bomb.css", options).unwrap();
    let nothing = vec![0; 1_000_000];
    for _ in 0..300 {
        zip.write_all(&nothing).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
