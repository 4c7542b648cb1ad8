//! The way of a release from the operator's machine to the gateway: blobs first, then what is
//! signed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use lujiang_content::{
    BlobFacts, Offer, OnlinePublic, Published, ReleaseParts, ReleaseTargets, Vault, document,
};
use lujiang_wire::{BlobHash, Catalogue, Label};
use sha2::{Digest as _, Sha256};

use crate::cli::access::Access;
use crate::cli::client::{Client, encoded};
use crate::cli::failure::Failure;
use crate::cli::folder::Folder;
use crate::content::dto::{BlobForm, OfferForm, RepositoryForm, RevisionForm};

/// The repository as it is.
pub(super) async fn repository(client: &Client) -> anyhow::Result<RepositoryForm> {
    client.get("/api/v1/content/repository").await
}

/// What a next step goes on from.
pub(super) async fn published(client: &Client) -> anyhow::Result<Published> {
    let published = repository(client).await?.published();
    published.context(
        "there is no repository yet: make its keys with `lujiang-gateway content keys init FOLDER`",
    )
}

/// The public halves of the gateway's keys.
pub(super) fn online(repository: &RepositoryForm) -> anyhow::Result<OnlinePublic> {
    let online = serde_json::from_value(repository.online.clone());
    online.context("reading the keys of the gateway")
}

/// Offers what was signed.
pub(super) async fn offer(client: &Client, offer: Offer) -> anyhow::Result<u64> {
    let form = OfferForm::from(offer);
    let told: RevisionForm = client.post("/api/v1/content/publications", &form).await?;
    Ok(told.revision)
}

/// Signs a release and brings it to the gateway; `told` hears how many bytes have gone.
pub(in crate::cli) async fn publish(
    client: &Client,
    vault: &Vault,
    parts: ReleaseParts,
    mut told: impl FnMut(u64),
) -> anyhow::Result<u64> {
    let mut blobs = BTreeMap::new();
    let origins = parts.blobs.iter().chain(&parts.at_hand);
    let origins: BTreeMap<BlobHash, _> = origins.map(|it| (it.blob, it)).collect();
    let links = parts.catalogue.publications.iter();
    let links = links.flat_map(|it| it.links.iter().chain(&it.images));
    for (blob, size) in links.filter_map(|link| Some((link.blob()?, link.size))) {
        // One that the gateway has lost, or half of it, is brought again where it is at hand.
        let there = known(client, &blob).await?;
        let there = there.filter(|facts| size.is_none_or(|size| size == facts.size));
        let facts = match (there, origins.get(&blob)) {
            (Some(facts), _) => facts,
            (None, Some(origin)) => bring_file(client, &blob, &origin.file).await?,
            (None, None) => anyhow::bail!(
                "the gateway has lost {blob}, a file of a release before, and it is not in the \
                 folder: put the book there and publish again, or let the title go with --retire"
            ),
        };
        told(facts.size);
        blobs.insert(blob, facts);
    }
    for document in [document(&parts.catalogue), document(&parts.allotment)] {
        let blob = BlobHash::new(Sha256::digest(&document).into());
        if known(client, &blob).await?.is_none() {
            bring(client, &blob, document.into()).await?;
        }
    }
    let release = ReleaseTargets {
        catalogue: parts.catalogue,
        allotment: parts.allotment,
        blobs,
    };
    let from = published(client).await?;
    let signed = Offer::release(vault, &from, &release, Timestamp::now()).await;
    offer(client, signed.context("signing the release")?).await
}

/// Withdraws a release.
pub(super) async fn withdraw(
    folder: &Folder,
    keys: &Path,
    release: &Label,
) -> Result<u64, Failure> {
    let vault = Vault::open(keys).context("opening the vault");
    let vault = vault.map_err(Failure::Usage)?;
    let client = Access::running(folder).await?;
    let releases: Vec<crate::content::dto::ReleaseForm> =
        client.get("/api/v1/content/releases").await?;
    let kept = releases
        .iter()
        .filter(|it| it.withdrawn.is_none() && it.name != release.as_str());
    let mut catalogues = Vec::new();
    for other in kept {
        let path = format!("/api/v1/content/releases/{}", encoded(&other.name));
        catalogues.push(client.get::<Catalogue>(&path).await?);
    }
    let from = published(&client).await?;
    let signed = Offer::without(&vault, &from, release, &catalogues, Timestamp::now()).await;
    Ok(offer(&client, signed.context("signing")?).await?)
}

async fn known(client: &Client, blob: &BlobHash) -> anyhow::Result<Option<BlobFacts>> {
    let form: Option<BlobForm> = client.find(&place(blob)).await?;
    form.map(facts).transpose()
}

async fn bring_file(client: &Client, blob: &BlobHash, file: &Path) -> anyhow::Result<BlobFacts> {
    let reading = || format!("reading {}", file.display());
    let opened = tokio::fs::File::open(file).await.with_context(reading)?;
    let stream = tokio_util::io::ReaderStream::new(opened);
    let brought = bring(client, blob, reqwest::Body::wrap_stream(stream)).await;
    brought.with_context(|| format!("bringing {} to the gateway", file.display()))
}

async fn bring(client: &Client, blob: &BlobHash, body: reqwest::Body) -> anyhow::Result<BlobFacts> {
    facts(client.put(&place(blob), body).await?)
}

fn facts(form: BlobForm) -> anyhow::Result<BlobFacts> {
    let blocks = form
        .blocks
        .parse()
        .context("reading the gateway's answer")?;
    Ok(BlobFacts {
        size: form.size,
        blocks,
    })
}

fn place(blob: &BlobHash) -> String {
    format!("/api/v1/content/blobs/{blob}")
}
