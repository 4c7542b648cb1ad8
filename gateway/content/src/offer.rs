//! What the operator signs, where the vault is, and offers to the gateway: the targets, and a new
//! root where keys have changed.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use jiff::Timestamp;
use lujiang_wire::{
    Allotment, BlobCustom, BlobHash, Catalogue, Label, NOTICES_PATHS, NOTICES_ROLE,
    allotment_target, blob_target, catalogue_target,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tough::TargetName;
use tough::schema::{
    DelegatedRole, Delegations, Hashes, KeyHolder, PathPattern, PathSet, RoleKeys, RoleType, Root,
    Signed, Target, Targets,
};

use crate::online_keys::OnlinePublic;
use crate::role::{RoleName, SPEC_VERSION, next, sign};
use crate::role_key::PublicKey;
use crate::vault::Vault;

/// Documents signed off-line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// New versions of the root, oldest first; none where no key changed.
    pub roots: Vec<String>,
    /// The new targets.
    pub targets: String,
}

/// What the gateway has now, as the operator needs it to go on from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Published {
    /// The newest root.
    pub root: String,
    /// The newest targets.
    pub targets: String,
    /// The keys the gateway signs with.
    pub online: OnlinePublic,
    /// The newest revision: the next targets are numbered by the one after it.
    #[serde(default)]
    pub revision: u64,
}

/// A release, its blobs known to the gateway, ready to be signed.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseTargets {
    /// The titles.
    pub catalogue: Catalogue,
    /// The copies.
    pub allotment: Allotment,
    /// Every file and cover the catalogue links to.
    pub blobs: BTreeMap<BlobHash, BlobFacts>,
}

/// What the targets say of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobFacts {
    /// Its bytes.
    pub size: u64,
    /// The SHA-256 of its block list.
    pub blocks: BlobHash,
}

/// Why nothing could be signed.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// A document is not what it should be.
    #[error("the {0} of the gateway cannot be read: {1}")]
    Document(&'static str, String),
    /// The keys are not those of the repository.
    #[error(
        "this vault is not the repository's: the root names other keys (where its keys were \
         rotated and the gateway did not hear of it, run `lujiang-gateway content keys renew`)"
    )]
    ForeignVault,
    /// A name cannot stand in the targets.
    #[error("{0:?} cannot be the name of a target")]
    Name(String),
    /// Signing failed.
    #[error("the {role} cannot be signed")]
    Sign {
        /// What.
        role: &'static str,
        /// Why.
        #[source]
        source: Box<tough::error::Error>,
    },
}

impl Offer {
    /// The first root, and targets without a release.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub async fn begin(
        vault: &Vault,
        online: &OnlinePublic,
        now: Timestamp,
    ) -> Result<Self, OfferError> {
        let root = root_of(vault, online, NonZeroU64::MIN, now);
        let targets = Targets::new(
            SPEC_VERSION.to_owned(),
            NonZeroU64::MIN,
            RoleName::Targets.expires(now),
        );
        let (root, text) = sign_root(vault, root).await?;
        Ok(Self {
            roots: vec![text],
            targets: sign_targets(vault, &root, online, targets).await?,
        })
    }

    /// The targets with this release beside those before it, or in the place of one of the same
    /// name.
    ///
    /// # Errors
    /// Where the vault is another repository's, or it cannot be signed.
    pub async fn release(
        vault: &Vault,
        published: &Published,
        release: &ReleaseTargets,
        now: Timestamp,
    ) -> Result<Self, OfferError> {
        let (root, mut targets) = published.read()?;
        add_release(&mut targets, release)?;
        let targets = renewed(targets, published.revision, now);
        Ok(Self {
            roots: Vec::new(),
            targets: sign_targets(vault, &root, &published.online, targets).await?,
        })
    }

    /// The targets without a release: nobody can be given it any more. Blobs that no other names
    /// go with it.
    ///
    /// # Errors
    /// As [`Offer::release`].
    pub async fn without(
        vault: &Vault,
        published: &Published,
        release: &Label,
        kept: &[Catalogue],
        now: Timestamp,
    ) -> Result<Self, OfferError> {
        let (root, mut targets) = published.read()?;
        for name in [catalogue_target(release), allotment_target(release)] {
            targets.targets.remove(&target_name(&name)?);
        }
        let named: Vec<String> = kept
            .iter()
            .flat_map(blobs_of)
            .map(|blob| blob_target(&blob))
            .collect();
        targets.targets.retain(|name, _| {
            let name = name.raw().to_owned();
            !name.starts_with("blobs/") || named.contains(&name)
        });
        let targets = renewed(targets, published.revision, now);
        Ok(Self {
            roots: Vec::new(),
            targets: sign_targets(vault, &root, &published.online, targets).await?,
        })
    }

    /// A new root with the keys that are in the vault and at the gateway now, and the targets
    /// signed anew: after a key was rotated or lost, and when the root nears its end.
    ///
    /// # Errors
    /// As [`Offer::release`].
    pub async fn renew(
        vault: &Vault,
        published: &Published,
        now: Timestamp,
    ) -> Result<Self, OfferError> {
        let (root, targets) = published.read()?;
        let (root, text) = {
            let version = next(root.version);
            sign_root(vault, root_of(vault, &published.online, version, now)).await?
        };
        let targets = renewed(targets, published.revision, now);
        Ok(Self {
            roots: vec![text],
            targets: sign_targets(vault, &root, &published.online, targets).await?,
        })
    }
}

impl Published {
    fn read(&self) -> Result<(Root, Targets), OfferError> {
        let unread =
            |what| move |error: serde_json::Error| OfferError::Document(what, error.to_string());
        let root: Signed<Root> = serde_json::from_str(&self.root).map_err(unread("root"))?;
        let targets: Signed<Targets> =
            serde_json::from_str(&self.targets).map_err(unread("targets"))?;
        Ok((root.signed, targets.signed))
    }
}

/// Every file and cover a catalogue links to.
pub(crate) fn blobs_of(catalogue: &Catalogue) -> impl Iterator<Item = BlobHash> {
    let links = |title: &lujiang_wire::Publication| [title.links.clone(), title.images.clone()];
    let links: Vec<_> = catalogue.publications.iter().flat_map(links).collect();
    links.into_iter().flatten().filter_map(|link| link.blob())
}

fn renewed(mut targets: Targets, revision: u64, now: Timestamp) -> Targets {
    let revision = NonZeroU64::new(revision).map_or(NonZeroU64::MIN, next);
    targets.version = next(targets.version).max(revision);
    targets.expires = RoleName::Targets.expires(now);
    targets
}

fn add_release(targets: &mut Targets, release: &ReleaseTargets) -> Result<(), OfferError> {
    let name = &release.catalogue.metadata.identifier;
    let documents = [
        (catalogue_target(name), document(&release.catalogue)),
        (allotment_target(name), document(&release.allotment)),
    ];
    for (name, bytes) in documents {
        let target = target(
            bytes.len() as u64,
            Sha256::digest(&bytes).into(),
            HashMap::new(),
        );
        targets.targets.insert(target_name(&name)?, target);
    }
    for (blob, facts) in &release.blobs {
        let custom = BlobCustom {
            blocks: facts.blocks,
        };
        let custom = serde_json::to_value(custom).ok();
        let custom = custom.and_then(|custom| custom.as_object().cloned());
        let custom = custom.unwrap_or_default().into_iter().collect();
        let target = target(facts.size, *blob.as_bytes(), custom);
        targets
            .targets
            .insert(target_name(&blob_target(blob))?, target);
    }
    Ok(())
}

/// The bytes of a document of ours: they are what is signed, stored and fetched.
#[must_use]
pub fn document<T: Serialize>(document: &T) -> Vec<u8> {
    serde_json::to_vec(document).expect("documents of the wire are always JSON")
}

pub(crate) fn target(
    length: u64,
    sha256: [u8; 32],
    custom: HashMap<String, serde_json::Value>,
) -> Target {
    Target {
        length,
        hashes: Hashes {
            sha256: sha256.to_vec().into(),
            _extra: HashMap::new(),
        },
        custom,
        _extra: HashMap::new(),
    }
}

pub(crate) fn target_name(name: &str) -> Result<TargetName, OfferError> {
    TargetName::new(name).map_err(|_| OfferError::Name(name.to_owned()))
}

fn root_of(vault: &Vault, online: &OnlinePublic, version: NonZeroU64, now: Timestamp) -> Root {
    // Keys before sign the new root, and are named in none.
    let root_key = vault.root_keys()[0].public();
    let targets_key = vault.targets_key().public();
    let of_roles = [
        (RoleType::Root, &root_key),
        (RoleType::Targets, &targets_key),
        (RoleType::Snapshot, &online.snapshot),
        (RoleType::Timestamp, &online.timestamp),
    ];
    let one = |key: &PublicKey| RoleKeys {
        keyids: vec![key.id()],
        threshold: NonZeroU64::MIN,
        _extra: HashMap::new(),
    };
    Root {
        spec_version: SPEC_VERSION.to_owned(),
        consistent_snapshot: true,
        version,
        expires: RoleName::Root.expires(now),
        keys: of_roles
            .iter()
            .map(|(_, key)| (key.id(), key.0.clone()))
            .collect(),
        roles: of_roles
            .iter()
            .map(|(role, key)| (*role, one(key)))
            .collect(),
        _extra: HashMap::new(),
    }
}

/// A new root is signed by its own key and, where that changed, by those before: the signature of
/// a key that the published root does not name is not looked at [TUF §6.1].
async fn sign_root(vault: &Vault, root: Root) -> Result<(Root, String), OfferError> {
    let failed = |source| OfferError::Sign {
        role: "root",
        source: Box::new(source),
    };
    let keys = vault.root_keys();
    let own = KeyHolder::Root(root.clone());
    let mut signed = sign(root.clone(), &own, &keys[..1]).await.map_err(failed)?;
    for former in &keys[1..] {
        let mut before = root.clone();
        let public = former.public();
        before.keys.insert(public.id(), public.0.clone());
        if let Some(role) = before.roles.get_mut(&RoleType::Root) {
            role.keyids = vec![public.id()];
        }
        let by_former = sign(root.clone(), &KeyHolder::Root(before), &[former]).await;
        let signatures = by_former.map_err(failed)?.signed().signatures.clone();
        signed = signed.add_old_signatures(signatures).map_err(failed)?;
    }
    Ok((root, text(signed.buffer())))
}

async fn sign_targets(
    vault: &Vault,
    root: &Root,
    online: &OnlinePublic,
    mut targets: Targets,
) -> Result<String, OfferError> {
    targets.delegations = Some(delegations(&online.notices));
    let holder = KeyHolder::Root(root.clone());
    match sign(targets, &holder, &[vault.targets_key()]).await {
        Ok(signed) => Ok(text(signed.buffer())),
        Err(tough::error::Error::KeysNotFoundInRoot { .. }) => Err(OfferError::ForeignVault),
        Err(source) => Err(OfferError::Sign {
            role: "targets",
            source: Box::new(source),
        }),
    }
}

/// What the on-line role may say: names that begin with `notices/`.
pub(crate) fn delegations(notices: &PublicKey) -> Delegations {
    let pattern = PathPattern::new(NOTICES_PATHS).expect("a constant that is a pattern");
    Delegations {
        keys: HashMap::from([(notices.id(), notices.0.clone())]),
        roles: vec![DelegatedRole {
            name: NOTICES_ROLE.to_owned(),
            keyids: vec![notices.id()],
            threshold: NonZeroU64::MIN,
            paths: PathSet::Paths(vec![pattern]),
            terminating: true,
            targets: None,
        }],
    }
}

fn text(json: &[u8]) -> String {
    String::from_utf8(json.to_vec()).expect("JSON is UTF-8")
}

/// An offer with a target of this name, for tests of who refuses it.
#[cfg(test)]
pub(crate) async fn offer_naming(
    vault: &Vault,
    published: &Published,
    name: &str,
    now: Timestamp,
) -> Result<Offer, OfferError> {
    let (root, mut targets) = published.read()?;
    let named = target(1, [1; 32], HashMap::new());
    targets.targets.insert(target_name(name)?, named);
    let targets = renewed(targets, published.revision, now);
    Ok(Offer {
        roots: Vec::new(),
        targets: sign_targets(vault, &root, &published.online, targets).await?,
    })
}
