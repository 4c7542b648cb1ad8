//! What docs/content-keys.md tells an operator to type, typed: each line of each of its blocks, in
//! order, against a real gateway.

use std::path::{Path, PathBuf};
use std::process::Command;

use lujiang_tests::faketime::libfaketime;
use lujiang_tests::fetcher::Fetcher;
use lujiang_tests::papers::Papers;
use lujiang_tests::site::Library;
use lujiang_wire::CONTENT_METADATA_PATH;
use serde_json::Value;

/// The page.
const PAGE: &str = include_str!("../../../docs/content-keys.md");

/// Whoever follows the page: his sticks are folders here.
struct Operator {
    folder: tempfile::TempDir,
    library: Library,
}

impl Operator {
    async fn at_work() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for stick in ["stick", "copy"] {
            std::fs::create_dir(folder.path().join(stick)).unwrap();
        }
        let data = folder.path().join("data");
        let mut library = Library::in_folder(folder.path(), &data).unwrap();
        library.start().await.unwrap();
        Self { folder, library }
    }

    /// Types every line of the block below this heading.
    async fn follows(&mut self, heading: &str) -> Vec<String> {
        let mut said = Vec::new();
        for line in block(heading) {
            said.push(
                self.types(line)
                    .await
                    .unwrap_or_else(|error| panic!("{line}: {error:#}")),
            );
        }
        said
    }

    async fn types(&mut self, line: &str) -> anyhow::Result<String> {
        let media = format!("{}/", self.folder.path().display());
        let data = self.library.data().display().to_string();
        let line = line
            .replace("/media/", &media)
            .replace("/var/lib/lujiang", &data);
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["lujiang-gateway", arguments @ ..] => self.library.command(arguments).await,
            ["systemctl", "stop", "lujiang-gateway"] => {
                self.library.stop().await.map(|()| String::new())
            }
            ["systemctl", "start", "lujiang-gateway"] => {
                self.library.start().await.map(|_| String::new())
            }
            [program @ ("cp" | "rm"), arguments @ ..] => {
                let status = Command::new(program).args(arguments).status()?;
                anyhow::ensure!(status.success(), "{status}");
                Ok(String::new())
            }
            _ => anyhow::bail!("the page says what this test does not know"),
        }
    }

    /// The versions of root and targets.
    async fn versions(&self) -> (u64, u64) {
        let known = self
            .library
            .get("/api/v1/content/repository")
            .await
            .unwrap();
        let version = |role: &str| {
            let roles: &Vec<Value> = known["roles"].as_array().unwrap();
            let role = roles.iter().find(|it| it["role"] == role).unwrap();
            role["version"].as_u64().unwrap()
        };
        (version("root"), version("targets"))
    }

    fn vault(&self, stick: &str) -> PathBuf {
        self.folder.path().join(stick).join("lujiang")
    }

    /// What a stick that was left at some moment still does.
    async fn tries(&self, vault: &Path) -> anyhow::Result<String> {
        let renew = ["content", "keys", "renew", vault.to_str().unwrap()];
        self.library.command(&renew).await
    }
}

/// The lines of the first block below a heading.
fn block(heading: &str) -> Vec<&'static str> {
    let below = PAGE.split_once(&format!("\n## {heading}\n")).unwrap().1;
    let below = below.split("\n## ").next().unwrap();
    let block = below.split_once("```sh\n").unwrap().1;
    block.split_once("```").unwrap().0.lines().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_the_keys_does_what_it_says() {
    let mut operator = Operator::at_work().await;

    let said = operator.follows("Begin").await;
    assert!(
        said[0].contains("the repository is begun; revision 1"),
        "{}",
        said[0]
    );
    for role in ["root", "targets", "notices", "snapshot", "timestamp"] {
        assert!(said[2].contains(role), "{}", said[2]);
    }
    assert_eq!(operator.versions().await, (1, 1));

    operator.follows("Keep").await;
    assert_eq!(operator.versions().await, (2, 2));

    let before = operator.folder.path().join("before");
    copy(&operator.vault("stick"), &before);
    operator.follows("Rotate").await;
    assert_eq!(operator.versions().await, (3, 3));
    let refused = operator.tries(&before).await.unwrap_err().to_string();
    assert!(
        refused.contains("not signed by the keys it needs"),
        "{refused}"
    );
    assert_eq!(operator.versions().await, (3, 3));

    operator.follows("A stick is lost or stolen").await;
    assert_eq!(operator.versions().await, (4, 4));
    let lost = operator.vault("stick");
    let refused = operator.tries(&lost).await.unwrap_err().to_string();
    assert!(
        refused.contains("not signed by the keys it needs"),
        "{refused}"
    );

    operator.follows("The gateway was broken into").await;
    assert_eq!(operator.versions().await, (5, 5));
    // And a device that has seen nothing yet believes all of it, from the first root on.
    operator
        .library
        .add_device("kiosk-1", "kiosk", "main")
        .await
        .unwrap();
    let papers = Papers::of(&operator.library, "kiosk-1").await.unwrap();
    let kiosk = Fetcher::of(&operator.library, Some(&papers)).unwrap();
    let served = operator.folder.path().join("served");
    fetch_metadata(&kiosk, &served).await;
    let notice = ["content", "notice", "add", "open", "--title", "again"];
    let told = operator.library.command(&notice).await.unwrap();
    assert!(!told.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_once_and_an_init_that_broke_off_is_taken_up() {
    let mut operator = Operator::at_work().await;
    let init = "lujiang-gateway content keys init /media/stick/lujiang";
    operator.library.stop().await.unwrap();
    operator.types(init).await.unwrap_err();
    // As after a line that broke between making the keys and bringing them.
    lujiang_content::Vault::init(&operator.vault("stick")).unwrap();
    operator.library.start().await.unwrap();

    operator.types(init).await.unwrap();

    let again = operator.types(init).await.unwrap_err().to_string();
    assert!(again.contains("rotated, not made anew"), "{again}");
    assert_eq!(operator.versions().await, (1, 1));
}

/// Everything a client needs that begins with the first root, verified as a client does.
async fn fetch_metadata(kiosk: &Fetcher, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let get = async |name: String| {
        let path = format!("{CONTENT_METADATA_PATH}{name}");
        let answer = kiosk.get(&path, &[]).await.unwrap();
        let is_there = answer.status().is_success();
        let bytes = answer.bytes().await.unwrap();
        if is_there {
            std::fs::write(folder.join(name), &bytes).unwrap();
        }
        is_there
    };
    let mut root = 1;
    while get(format!("{root}.root.json")).await {
        root += 1;
    }
    assert_eq!(root, 6, "five roots, one after the other");
    assert!(get("timestamp.json".to_owned()).await);
    let version = |file: &str, of: &str| {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let json: Value = serde_json::from_slice(&bytes).unwrap();
        json["signed"]["meta"][of]["version"].as_u64().unwrap()
    };
    let snapshot = format!(
        "{}.snapshot.json",
        version("timestamp.json", "snapshot.json")
    );
    assert!(get(snapshot.clone()).await);
    for role in ["targets", "notices"] {
        let file = format!("{role}.json");
        assert!(get(format!("{}.{file}", version(&snapshot, &file))).await);
    }
    let url = url::Url::from_directory_path(folder).unwrap();
    let first = std::fs::read(folder.join("1.root.json")).unwrap();
    tough::RepositoryLoader::new(&first, url.clone(), url)
        .transport(tough::FilesystemTransport)
        .load()
        .await
        .unwrap();
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_tells_of_a_signature_of_which_a_quarter_is_left() {
    let mut operator = Operator::at_work().await;
    operator.follows("Begin").await;
    let status = ["content", "keys", "status"];
    let good = operator.library.command(&status).await.unwrap();
    assert!(!good.contains("ends soon"), "{good}");

    // Root is good for ten years, the targets for two: seven years on root has more than a quarter
    // left, and eight years on less.
    for (years, ending) in [(7, "targets"), (8, "root")] {
        operator.library.stop().await.unwrap();
        let library = &mut operator.library;
        library.environment("LD_PRELOAD", &libfaketime());
        library.environment("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        library.environment("FAKETIME", &format!("+{}d", years * 365));
        library.start().await.unwrap();
        let told = library.command(&status).await.unwrap_err().to_string();
        assert!(told.contains("exit status: 3"), "{told}");
        let is_ending = |role: &str| {
            let line = told.lines().find(|line| line.contains(role));
            line.is_some_and(|line| line.contains("ends soon"))
        };
        assert!(is_ending(ending), "after {years} years: {told}");
        assert_eq!(is_ending("root"), years == 8, "after {years} years: {told}");
        assert!(!is_ending("timestamp"), "it is renewed by itself: {told}");
        let metrics = library.text("/metrics").await.unwrap();
        let alarm = metrics.lines().find(|it| it.contains("content-signature"));
        let alarm = alarm.and_then(|line| line.rsplit(' ').next());
        assert!(alarm.is_some_and(|count| count != "0"), "{alarm:?}");
    }
    operator.library.stop().await.unwrap();
}
