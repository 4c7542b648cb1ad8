//! The repository as the gateway has it: its metadata, and how one state follows another.
//!
//! It is a core: [`Repository`] is never changed, each step makes the next one, and whoever keeps
//! it writes all of its files at once. What the operator offers is verified as a client verifies
//! it, before anything is signed on-line.

mod check;
mod online;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use lujiang_wire::{BlobHash, Label};
use tough::schema::{Root, Signed, Snapshot, Targets, Timestamp as TimestampRole};

pub use check::{Needed, PublicationError};
pub use online::Said;

use crate::offer::{Offer, Published};
use crate::online_keys::OnlineKeys;
use crate::role::RoleName;

/// How many versions of a file are kept beside the newest: who began to read as another was
/// published finds what he began with.
const VERSIONS_KEPT: u64 = 3;

/// A state of the repository.
#[derive(Debug, Clone)]
pub struct Repository {
    root: Signed<Root>,
    targets: Signed<Targets>,
    notices: Signed<Targets>,
    snapshot: Signed<Snapshot>,
    timestamp: Signed<TimestampRole>,
    /// What is served, by file name.
    files: BTreeMap<String, Vec<u8>>,
}

/// How it stands with a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleStanding {
    /// Which.
    pub role: RoleName,
    /// Its version.
    pub version: u64,
    /// When what it signed ends.
    pub expires: Timestamp,
    /// Whether somebody has to see to it: less than a quarter of its life is left.
    pub ends_soon: bool,
}

/// Why files are no repository.
#[derive(Debug, thiserror::Error)]
#[error("{file} of the repository cannot be read: {reason}")]
pub struct RestoreError {
    /// Which file.
    pub file: String,
    /// Why.
    pub reason: String,
}

impl Repository {
    /// Begins a repository with the operator's first offer.
    ///
    /// # Errors
    /// Where the offer does not hold.
    pub async fn begin(
        offer: &Offer,
        keys: &OnlineKeys,
        now: Timestamp,
    ) -> Result<Self, PublicationError> {
        let accepted = check::first(offer, keys, now)?;
        online::assemble(None, accepted, keys, now).await
    }

    /// The state with what the operator offers. That the blobs it [names](Repository::needed) are
    /// there is for the caller to see to, before.
    ///
    /// # Errors
    /// Where the offer does not hold.
    pub async fn publish(
        &self,
        offer: &Offer,
        keys: &OnlineKeys,
        now: Timestamp,
    ) -> Result<Self, PublicationError> {
        let accepted = check::next(self, offer, keys, now)?;
        online::assemble(Some(self), accepted, keys, now).await
    }

    /// Reads back what was kept.
    ///
    /// # Errors
    /// Where a file is missing or is no metadata.
    pub fn restore(files: BTreeMap<String, Vec<u8>>) -> Result<Self, RestoreError> {
        let timestamp: Signed<TimestampRole> = read(&files, "timestamp.json")?;
        let named = |meta: &std::collections::HashMap<String, tough::schema::Metafile>, file| {
            let version = meta.get(file).map_or(0, |it| it.version.get());
            format!("{version}.{file}")
        };
        let snapshot: Signed<Snapshot> =
            read(&files, &named(&timestamp.signed.meta, "snapshot.json"))?;
        let meta = &snapshot.signed.meta;
        let targets = read(&files, &named(meta, "targets.json"))?;
        let notices = read(&files, &named(meta, "notices.json"))?;
        let roots = (1..).map(|version| format!("{version}.root.json"));
        let newest = roots.take_while(|name| files.contains_key(name)).last();
        let root = read(&files, newest.as_deref().unwrap_or("1.root.json"))?;
        Ok(Self {
            root,
            targets,
            notices,
            snapshot,
            timestamp,
            files,
        })
    }

    /// What is served, by file name.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The revision that devices are told: the version of the snapshot.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.snapshot.signed.version.get()
    }

    /// The releases that are signed now.
    #[must_use]
    pub fn releases(&self) -> Vec<Label> {
        let names = self.targets.signed.targets.keys();
        let mut releases: Vec<Label> = names
            .filter_map(|name| {
                name.raw()
                    .strip_prefix("releases/")?
                    .strip_suffix("/catalogue.json")
            })
            .filter_map(|name| name.parse().ok())
            .collect();
        releases.sort();
        releases
    }

    /// The blob of a target.
    #[must_use]
    pub fn target(&self, name: &str) -> Option<BlobHash> {
        let mut all = self.targets.signed.targets.iter();
        let own = all.find(|(it, _)| it.raw() == name);
        let mut notices = self.notices.signed.targets.iter();
        let (_, target) = own.or_else(|| notices.find(|(it, _)| it.raw() == name))?;
        let digest: [u8; 32] = target.hashes.sha256.as_ref().try_into().ok()?;
        Some(BlobHash::new(digest))
    }

    /// Every blob that a target names.
    #[must_use]
    pub fn needed(&self) -> Vec<Needed> {
        let roles = [&self.targets, &self.notices];
        roles.into_iter().flat_map(check::needed_by).collect()
    }

    /// What the operator goes on from.
    #[must_use]
    pub fn published(&self, keys: &OnlineKeys) -> Published {
        let file = |name: String| {
            let bytes = self.files.get(&name).cloned().unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        };
        Published {
            revision: self.revision(),
            root: file(format!("{}.root.json", self.root.signed.version)),
            targets: file(format!("{}.targets.json", self.targets.signed.version)),
            online: keys.public(),
        }
    }

    /// How it stands with each role.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Vec<RoleStanding> {
        RoleName::ALL
            .into_iter()
            .map(|role| {
                let (version, expires) = self.of(role);
                let quarter = role.life() / 4;
                let left = std::time::Duration::try_from(expires.duration_since(now));
                RoleStanding {
                    role,
                    version,
                    expires,
                    ends_soon: left.map_or(true, |left| left < quarter),
                }
            })
            .collect()
    }

    fn of(&self, role: RoleName) -> (u64, Timestamp) {
        let (version, expires) = match role {
            RoleName::Root => (self.root.signed.version, self.root.signed.expires),
            RoleName::Targets => (self.targets.signed.version, self.targets.signed.expires),
            RoleName::Notices => (self.notices.signed.version, self.notices.signed.expires),
            RoleName::Snapshot => (self.snapshot.signed.version, self.snapshot.signed.expires),
            RoleName::Timestamp => (self.timestamp.signed.version, self.timestamp.signed.expires),
        };
        (version.get(), expires)
    }
}

fn read<T: serde::de::DeserializeOwned>(
    files: &BTreeMap<String, Vec<u8>>,
    name: &str,
) -> Result<T, RestoreError> {
    let failed = |reason: String| RestoreError {
        file: name.to_owned(),
        reason,
    };
    let bytes = files
        .get(name)
        .ok_or_else(|| failed("it is missing".to_owned()))?;
    serde_json::from_slice(bytes).map_err(|error| failed(error.to_string()))
}
