//! Who makes releases and rolls them out, by the gateway's command line and its API.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use crate::epubs::{Book, Licence, Wish, deliver};
use crate::site::{Library, text};

/// Half a gigabyte is published on a machine that does other things.
const PUBLISHING: Duration = Duration::from_secs(300);

/// A librarian with the keys of a content repository.
#[derive(Debug)]
pub struct Librarian<'a> {
    library: &'a Library,
    keys: PathBuf,
}

impl<'a> Librarian<'a> {
    /// Makes the keys of a gateway that runs.
    ///
    /// # Errors
    /// Where it has some.
    pub async fn of(library: &'a Library) -> anyhow::Result<Self> {
        let keys = library.folder().join("keys");
        let init = ["content", "keys", "init", text(&keys)];
        library.command(&init).await?;
        Ok(Self { library, keys })
    }

    /// The same, where the keys were made before.
    #[must_use]
    pub fn again(library: &'a Library) -> Self {
        let keys = library.folder().join("keys");
        Self { library, keys }
    }

    /// Publishes so many made-up books of this size, for all sites and for long.
    ///
    /// # Errors
    /// Where the gateway refuses them.
    pub async fn publishes(
        &self,
        release: &str,
        epubs: u32,
        book_bytes: u64,
    ) -> anyhow::Result<Vec<Book>> {
        let books = self.library.folder().join(release);
        let wish = Wish {
            seed: 2_026,
            epubs,
            pdfs: 0,
            book_bytes,
            licence: Licence {
                start: "2026-01-01".into(),
                end: "2199-12-31".into(),
                ..Licence::default()
            },
        };
        let made = deliver(&books, &wish)?;
        let mut publish = vec!["content", "publish", "--release", release, text(&books)];
        publish.extend(["--licences", text(&made.licences)]);
        publish.extend(["--keys", text(&self.keys), "--yes"]);
        self.library.command_within(&publish, PUBLISHING).await?;
        Ok(made.books)
    }

    /// Rolls a release out to every kiosk at once; its number.
    ///
    /// # Errors
    /// Where the gateway refuses.
    pub async fn rolls_out(&self, release: &str) -> anyhow::Result<u64> {
        let all = json!({
            "release": release,
            "stages": [{
                "name": "all",
                "success": { "percent": 100, "sample_min": 1 },
                "failure": { "percent": 50, "sample_min": 1 },
            }],
        });
        let planned = self.library.post("/api/v1/rollouts", &all).await?;
        let number = planned["number"].as_u64().context("a number")?;
        let start = format!("/api/v1/rollouts/{number}/start");
        self.library.post(&start, &json!({})).await?;
        Ok(number)
    }
}

/// A library in this folder with a gateway that runs, and keys for its repository.
///
/// # Errors
/// Where one cannot be had.
pub async fn begun(folder: &Path) -> anyhow::Result<Library> {
    let mut library = Library::in_folder(folder, &folder.join("data"))?;
    library.start().await?;
    Librarian::of(&library).await?;
    Ok(library)
}

/// The state of a device in a rollout.
///
/// # Errors
/// Where the gateway does not say.
pub async fn state(library: &Library, rollout: u64, device: &str) -> anyhow::Result<String> {
    let rollout = library.get(&format!("/api/v1/rollouts/{rollout}")).await?;
    let members = rollout["devices"].as_array().cloned().unwrap_or_default();
    let member = members.into_iter().find(|it| it["device"] == device);
    let state = member.as_ref().and_then(|it| it["state"].as_str());
    Ok(state.unwrap_or("no member").to_owned())
}
