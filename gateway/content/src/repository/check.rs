//! What of the operator's offer is taken: all of it, or none.

use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use lujiang_wire::{BlobCustom, BlobHash, NOTICES_ROLE, blob_target};
use tough::schema::{PathSet, RoleType, Root, Signed, Targets};

use super::Repository;
use crate::offer::Offer;
use crate::online_keys::{OnlineKeys, OnlinePublic};

/// Most roots in one offer: a year of monthly rotations.
const ROOTS_MAX: usize = 16;

/// An offer that holds.
pub(super) struct Accepted {
    pub(super) root: Signed<Root>,
    /// The new roots as they were signed, with their versions.
    pub(super) roots: Vec<(NonZeroU64, Vec<u8>)>,
    pub(super) targets: Signed<Targets>,
    pub(super) targets_bytes: Vec<u8>,
}

/// A blob that a target names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The target.
    pub target: String,
    /// Its bytes are these.
    pub blob: BlobHash,
    /// So many.
    pub size: u64,
    /// The SHA-256 of its block list, where it is a file of a title.
    pub blocks: Option<BlobHash>,
}

/// Why an offer does not hold.
#[derive(Debug, thiserror::Error)]
pub enum PublicationError {
    /// A document is not the metadata it should be.
    #[error("the {0} offered cannot be read: {1}")]
    Document(&'static str, String),
    /// A version does not follow the one there is.
    #[error("version {found} of the {role} was offered, expected {expected}")]
    Version {
        /// Of which role.
        role: &'static str,
        /// What was offered.
        found: u64,
        /// What may follow.
        expected: u64,
    },
    /// Signatures are missing, or of keys that are not the role's.
    #[error("the {role} offered is not signed by the keys it needs: {reason}")]
    Signature {
        /// Of which role.
        role: &'static str,
        /// What tough says.
        reason: String,
    },
    /// It would have ended already.
    #[error("the {0} offered has expired: is the clock of the machine with the vault right?")]
    Expired(&'static str),
    /// The root does not name the gateway's own keys.
    #[error(
        "the root offered names other on-line keys than this gateway's: run `content keys renew`"
    )]
    OnlineKeys,
    /// Something else than the one role is delegated to.
    #[error("the targets offered delegate to something else than the role {NOTICES_ROLE}")]
    Delegation,
    /// A target of a name we do not know.
    #[error("{0:?} is no target of ours")]
    Target(String),
    /// A device says that it has seen what this gateway cannot have signed.
    #[error(
        "a device reports revision {seen}, and this gateway is at {own}: so many steps are never \
         lost by a restore"
    )]
    Beyond {
        /// What it reports.
        seen: u64,
        /// Ours.
        own: u64,
    },
    /// No root at all, or too many.
    #[error("{0} roots were offered, expected {1}")]
    Roots(usize, &'static str),
    /// Signing on-line failed.
    #[error("the gateway could not sign")]
    Sign(#[source] Box<tough::error::Error>),
}

/// A first offer: its root is believed because the operator offers it.
pub(super) fn first(
    offer: &Offer,
    keys: &OnlineKeys,
    now: Timestamp,
) -> Result<Accepted, PublicationError> {
    let [text] = offer.roots.as_slice() else {
        return Err(PublicationError::Roots(offer.roots.len(), "one"));
    };
    let root: Signed<Root> = parse("root", text)?;
    expect_version("root", root.signed.version, NonZeroU64::MIN)?;
    verify("root", &root.signed, &root)?;
    accept(root, offer, NonZeroU64::MIN..=NonZeroU64::MIN, keys, now)
}

/// An offer after others.
pub(super) fn next(
    repository: &Repository,
    offer: &Offer,
    keys: &OnlineKeys,
    now: Timestamp,
) -> Result<Accepted, PublicationError> {
    if offer.roots.len() > ROOTS_MAX {
        return Err(PublicationError::Roots(offer.roots.len(), "at most 16"));
    }
    let mut root = repository.root.clone();
    for text in &offer.roots {
        let newer: Signed<Root> = parse("root", text)?;
        expect_version(
            "root",
            newer.signed.version,
            crate::role::next(root.signed.version),
        )?;
        // By the one before, and by itself [TUF §5.3.4].
        verify("root", &root.signed, &newer)?;
        verify("root", &newer.signed, &newer)?;
        root = newer;
    }
    let first = crate::role::next(repository.targets.signed.version);
    // Targets are numbered by the revision they come with, so that they are above what devices
    // have seen where this gateway is; and one after the other where it was not always so.
    let last = first.max(crate::role::next(repository.snapshot.signed.version));
    accept(root, offer, first..=last, keys, now)
}

fn accept(
    root: Signed<Root>,
    offer: &Offer,
    versions: RangeInclusive<NonZeroU64>,
    keys: &OnlineKeys,
    now: Timestamp,
) -> Result<Accepted, PublicationError> {
    let online = keys.public();
    let targets: Signed<Targets> = parse("targets", &offer.targets)?;
    let version = targets.signed.version;
    if !versions.contains(&version) {
        expect_version("targets", version, *versions.start())?;
    }
    verify("targets", &root.signed, &targets)?;
    for (role, expires) in [
        ("root", root.signed.expires),
        ("targets", targets.signed.expires),
    ] {
        if expires <= now {
            return Err(PublicationError::Expired(role));
        }
    }
    check_online_keys(&root.signed, &online)?;
    check_delegation(&targets.signed, &online)?;
    check_names(&targets)?;
    let roots = offer.roots.iter().map(|text| {
        let root: Signed<Root> = parse("root", text)?;
        Ok((root.signed.version, text.clone().into_bytes()))
    });
    Ok(Accepted {
        roots: roots.collect::<Result<_, PublicationError>>()?,
        root,
        targets,
        targets_bytes: offer.targets.clone().into_bytes(),
    })
}

/// With keys of another gateway in it, nobody could ever renew what this root begins.
fn check_online_keys(root: &Root, online: &OnlinePublic) -> Result<(), PublicationError> {
    let wanted = [
        (RoleType::Snapshot, &online.snapshot),
        (RoleType::Timestamp, &online.timestamp),
    ];
    let is_named = wanted.iter().all(|(role, key)| {
        let keys = root.roles.get(role);
        keys.is_some_and(|keys| keys.keyids == [key.id()] && keys.threshold.get() == 1)
    });
    match is_named && root.consistent_snapshot {
        true => Ok(()),
        false => Err(PublicationError::OnlineKeys),
    }
}

fn check_delegation(targets: &Targets, online: &OnlinePublic) -> Result<(), PublicationError> {
    let expected = crate::offer::delegations(&online.notices);
    let found = targets.delegations.as_ref();
    let is_right = found.is_some_and(|found| {
        let [role] = found.roles.as_slice() else {
            return false;
        };
        let paths = match &role.paths {
            PathSet::Paths(paths) => paths.iter().map(|it| it.value()).collect(),
            PathSet::PathHashPrefixes(_) => Vec::new(),
        };
        role.name == NOTICES_ROLE
            && role.keyids == expected.roles[0].keyids
            && paths == [lujiang_wire::NOTICES_PATHS]
    });
    match is_right {
        true => Ok(()),
        false => Err(PublicationError::Delegation),
    }
}

/// Names are part of what is signed, and become paths of nothing: a blob is named by its hash.
fn check_names(targets: &Signed<Targets>) -> Result<(), PublicationError> {
    for needed in needed_by(targets) {
        let name = needed.target.as_str();
        let release = name
            .strip_prefix("releases/")
            .and_then(|rest| rest.split_once('/'));
        let is_ours = match release {
            Some((release, file)) => {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                release.chars().all(is_plain)
                    && !release.starts_with('.')
                    && ["catalogue.json", "allotment.json"].contains(&file)
            }
            None => name == blob_target(&needed.blob) && needed.blocks.is_some(),
        };
        if !is_ours {
            return Err(PublicationError::Target(needed.target));
        }
    }
    Ok(())
}

/// The blobs that the targets of a role name.
pub(super) fn needed_by(targets: &Signed<Targets>) -> Vec<Needed> {
    let all = targets.signed.targets.iter();
    all.filter_map(|(name, target)| {
        let digest: [u8; 32] = target.hashes.sha256.as_ref().try_into().ok()?;
        let custom = serde_json::to_value(&target.custom).ok()?;
        let custom: Option<BlobCustom> = serde_json::from_value(custom).ok();
        Some(Needed {
            target: name.raw().to_owned(),
            blob: BlobHash::new(digest),
            size: target.length,
            blocks: custom.map(|custom| custom.blocks),
        })
    })
    .collect()
}

fn parse<T: serde::de::DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, PublicationError> {
    serde_json::from_str(text).map_err(|error| PublicationError::Document(what, error.to_string()))
}

fn expect_version(
    role: &'static str,
    found: NonZeroU64,
    expected: NonZeroU64,
) -> Result<(), PublicationError> {
    match found == expected {
        true => Ok(()),
        false => Err(PublicationError::Version {
            role,
            found: found.get(),
            expected: expected.get(),
        }),
    }
}

fn verify<T: tough::schema::Role + serde::Serialize>(
    role: &'static str,
    root: &Root,
    signed: &Signed<T>,
) -> Result<(), PublicationError> {
    root.verify_role(signed)
        .map_err(|error| PublicationError::Signature {
            role,
            reason: error.to_string(),
        })
}
