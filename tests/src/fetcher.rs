//! A device that fetches releases over HTTPS: by its certificate, or without any.

use std::net::SocketAddr;

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use lujiang_content::{BlobFacts, Offer, Published, ReleaseTargets, Vault, document};
use lujiang_wire::{ACQUISITION, BlobHash, CONTENT_BLOBS_PATH};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::papers::Papers;
use crate::site::Library;

/// Who fetches.
#[derive(Debug, Clone)]
pub struct Fetcher {
    http: reqwest::Client,
    origin: String,
}

impl Fetcher {
    /// With the certificate of these papers, or none.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn of(library: &Library, papers: Option<&Papers>) -> anyhow::Result<Self> {
        Self::over(library, papers, library.endpoints().https)
    }

    /// The same, by a way of its own to the gateway.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn over(
        library: &Library,
        papers: Option<&Papers>,
        https: SocketAddr,
    ) -> anyhow::Result<Self> {
        let root = std::fs::read(library.authority_file()).context("the authority")?;
        let root = reqwest::Certificate::from_pem(&root)?;
        let mut http = reqwest::Client::builder().tls_certs_only([root]);
        if let Some(papers) = papers {
            let mut pem = std::fs::read(&papers.certificate)?;
            pem.extend(std::fs::read(&papers.key)?);
            http = http.identity(reqwest::Identity::from_pem(&pem)?);
        }
        Ok(Self {
            http: http.build()?,
            origin: format!("https://localhost:{}", https.port()),
        })
    }

    /// A request that is still to be sent.
    pub fn asking(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin))
    }

    /// Asks for a path with these headers.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Response> {
        let request = self.asking(Method::GET, path);
        let with =
            |request: RequestBuilder, (name, value): &(&str, &str)| request.header(*name, *value);
        Ok(headers.iter().fold(request, with).send().await?)
    }
}

/// Brings a blob to the gateway, as a publishing desk does, and says where devices find it.
///
/// # Errors
/// Where the gateway does not take it.
pub async fn bring(library: &Library, bytes: Vec<u8>) -> anyhow::Result<(BlobHash, String)> {
    let blob = BlobHash::new(Sha256::digest(&bytes).into());
    library
        .put(&format!("/api/v1/content/blobs/{blob}"), bytes)
        .await?;
    Ok((blob, format!("{CONTENT_BLOBS_PATH}{blob}")))
}

/// As [`bring`], and signs a release of one title that names it, with the keys in this folder.
///
/// # Errors
/// Where the gateway does not take it.
pub async fn release(
    library: &Library,
    keys: &Path,
    name: &str,
    bytes: Vec<u8>,
) -> anyhow::Result<(BlobHash, String)> {
    let size = bytes.len() as u64;
    let blob = BlobHash::new(Sha256::digest(&bytes).into());
    let known = library
        .put(&format!("/api/v1/content/blobs/{blob}"), bytes)
        .await?;
    let blocks = known["blocks"].as_str().unwrap_or_default().parse()?;
    let title = format!("urn:test:{name}");
    let catalogue = json!({
        "metadata": { "identifier": name, "title": name, "modified": "2026-11-30T00:00:00Z" },
        "links": [],
        "publications": [{
            "metadata": {
                "@type": "http://schema.org/Book", "identifier": title, "title": "渌江",
            },
            "links": [{
                "rel": ACQUISITION, "href": format!("{CONTENT_BLOBS_PATH}{blob}"),
                "type": "application/epub+zip", "size": size,
            }],
            "images": [],
        }],
    });
    let allotment = json!({ "release": name, "titles": { title: { "others": "unlimited" } } });
    let release = ReleaseTargets {
        catalogue: serde_json::from_value(catalogue).context("a catalogue")?,
        allotment: serde_json::from_value(allotment).context("an allotment")?,
        blobs: [(blob, BlobFacts { size, blocks })].into(),
    };
    for bytes in [document(&release.catalogue), document(&release.allotment)] {
        bring(library, bytes).await?;
    }
    let repository = library.get("/api/v1/content/repository").await?;
    let text = |name: &str| repository[name].as_str().unwrap_or_default().to_owned();
    let published = Published {
        root: text("root"),
        targets: text("targets"),
        revision: 0,
        online: serde_json::from_value(repository["online"].clone()).context("the keys")?,
    };
    let vault = Vault::open(keys).context("opening the vault")?;
    let offer = Offer::release(&vault, &published, &release, Timestamp::now()).await;
    let offer = offer.context("signing")?;
    let offer = json!({ "roots": offer.roots, "targets": offer.targets });
    library.post("/api/v1/content/publications", &offer).await?;
    Ok((blob, format!("{CONTENT_BLOBS_PATH}{blob}")))
}

/// Bytes that no two places share.
#[must_use]
pub fn some_bytes(size: usize) -> Vec<u8> {
    let blocks = (0_u64..).flat_map(|number| Sha256::digest(number.to_be_bytes()));
    blocks.take(size).collect()
}
