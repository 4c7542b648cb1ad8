//! The kiosks of the demonstration: a release for December, signed as an operator signs it, and
//! rolled out to both.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_agent::Agent;
use lujiang_config::KioskSection;
use lujiang_content::{
    BlobFacts, BookLimits, Draft, DraftSources, FolderReading, Kiosk, LicenceList, Offer,
    OnlinePublic, Published, ReleaseParts, ReleaseTargets, Vault, document,
};
use lujiang_wire::{BlobHash, Label};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Demo;
use crate::epubs::{Licence, Wish, deliver};

/// What the release is called.
const RELEASE: &str = "2026-12";

/// Books in it: a shelf and a page more.
const BOOKS: u32 = 12;

/// The configuration of a kiosk: its screens where there is room.
pub(super) fn section() -> KioskSection {
    let mut section = KioskSection::default();
    section.screens.listen.set_port(0);
    section.screens.listen_books.set_port(0);
    section
}

/// Whatever is on a shelf is painted, also where no browser is open on it: the screens of the
/// demonstration are its own.
pub(super) fn paint(agents: &[Agent]) {
    for shelf in agents.iter().filter_map(Agent::shelf) {
        if let Some(release) = shelf.now().release.clone() {
            shelf.was_painted(release);
        }
    }
}

impl Demo {
    /// Publishes the December release, and begins to roll it out.
    pub(super) async fn publish_december(
        &self,
        data: &Path,
        zone: &TimeZone,
        now: Timestamp,
        seed: u64,
    ) -> anyhow::Result<()> {
        let folder = data.join("operator");
        let vault = Vault::init(&folder.join("keys")).context("making the keys")?;
        let repository = self.content("GET", "repository", Value::Null).await?;
        let online: OnlinePublic = serde_json::from_value(repository["online"].clone())
            .context("the keys of the gateway")?;
        let first = Offer::begin(&vault, &online, now).await;
        self.offer(first.context("signing")?).await?;
        let books = folder.join("books");
        let parts = parts(&books, zone, now, seed).await?;
        let release = self.bring(parts).await?;
        let repository = self.content("GET", "repository", Value::Null).await?;
        let text = |name: &str| repository[name].as_str().unwrap_or_default().to_owned();
        let published = Published {
            root: text("root"),
            targets: text("targets"),
            revision: 0,
            online,
        };
        let signed = Offer::release(&vault, &published, &release, now).await;
        self.offer(signed.context("signing")?).await?;
        let notice = json!({
            "id": "winter", "title": "冬日阅读季", "order": 1,
            "body": "十二月新书已上架，欢迎选读。\n周六下午三点，流动车到东岗村。",
        });
        self.content("POST", "notices", notice).await?;
        self.roll_out().await
    }

    /// One kiosk first, then the other.
    async fn roll_out(&self) -> anyhow::Result<()> {
        let all = json!({ "percent": 100, "sample_min": 1 });
        let some = json!({ "percent": 50, "sample_min": 1 });
        let stages = json!([
            { "name": "先行", "devices": ["kiosk-hehualong"], "success": all, "failure": some },
            { "name": "全部", "success": all, "failure": some },
        ]);
        let rollout = json!({ "release": RELEASE, "stages": stages });
        let planned = self
            .ask(self.http.post(self.url("/api/v1/rollouts")), rollout)
            .await?;
        let start = format!("/api/v1/rollouts/{}/start", planned["number"]);
        self.ask(self.http.post(self.url(&start)), json!({}))
            .await?;
        Ok(())
    }

    /// Brings the blobs of a release to the gateway.
    async fn bring(&self, parts: ReleaseParts) -> anyhow::Result<ReleaseTargets> {
        let mut release = ReleaseTargets {
            catalogue: parts.catalogue,
            allotment: parts.allotment,
            blobs: std::collections::BTreeMap::new(),
        };
        for origin in &parts.blobs {
            let bytes = std::fs::read(&origin.file).context("reading a book")?;
            let facts = self.put(&origin.blob, bytes).await?;
            release.blobs.insert(origin.blob, facts);
        }
        for bytes in [document(&release.catalogue), document(&release.allotment)] {
            let blob = BlobHash::new(Sha256::digest(&bytes).into());
            self.put(&blob, bytes).await?;
        }
        Ok(release)
    }

    async fn put(&self, blob: &BlobHash, bytes: Vec<u8>) -> anyhow::Result<BlobFacts> {
        let url = self.url(&format!("/api/v1/content/blobs/{blob}"));
        let request = self.http.put(url).bearer_auth(&self.token).body(bytes);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        let blocks = answer["blocks"].as_str().context("a block list")?;
        Ok(BlobFacts {
            size: answer["size"].as_u64().context("a size")?,
            blocks: blocks.parse().context("a hash")?,
        })
    }

    async fn offer(&self, offer: Offer) -> anyhow::Result<()> {
        let form = json!({ "roots": offer.roots, "targets": offer.targets });
        self.content("POST", "publications", form).await.map(drop)
    }

    async fn content(&self, method: &str, path: &str, body: Value) -> anyhow::Result<Value> {
        let url = self.url(&format!("/api/v1/content/{path}"));
        match method {
            "GET" => {
                let answer = self.http.get(url).bearer_auth(&self.token).send().await?;
                Ok(answer.error_for_status()?.json().await?)
            }
            _ => self.ask(self.http.post(url), body).await,
        }
    }
}

/// Makes the books, and reads them as a publisher's delivery is read.
async fn parts(
    books: &Path,
    zone: &TimeZone,
    now: Timestamp,
    seed: u64,
) -> anyhow::Result<ReleaseParts> {
    let wish = Wish {
        seed,
        epubs: BOOKS,
        pdfs: 0,
        book_bytes: 400_000,
        licence: Licence {
            start: "2026-01-01".into(),
            end: "2099-12-31".into(),
            copies: None,
            ..Licence::default()
        },
    };
    let (books, zone) = (books.to_owned(), zone.clone());
    let reading = move || -> anyhow::Result<ReleaseParts> {
        let made = deliver(&books, &wish)?;
        let covers = books.with_file_name("covers");
        std::fs::create_dir_all(&covers).context("making a folder for covers")?;
        let files = FolderReading {
            folder: &books,
            licences: Some(&made.licences),
            covers: &covers,
            limits: BookLimits::default(),
        };
        let licences = std::fs::read(&made.licences).context("reading the licences")?;
        let kiosks = ["hehualong", "donggang"].map(|site| Kiosk {
            device: format!("kiosk-{site}").parse().expect("a device id"),
            site: site.parse().expect("a site id"),
        });
        let release: Label = RELEASE.parse().context("a label")?;
        let draft = Draft::of(DraftSources {
            release,
            now,
            zone: zone.clone(),
            files: files.read(|_, _| true)?,
            licences: LicenceList::read(&licences, &zone),
            before: None,
            earlier: Vec::new(),
            kiosks: kiosks.to_vec(),
            sites: Default::default(),
            retire: Default::default(),
        });
        Ok(draft.parts)
    };
    tokio::task::spawn_blocking(reading)
        .await
        .context("reading the books")?
}
