//! What the gateway signs itself: notices, what belongs together, what is newest.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;

use jiff::Timestamp;
use lujiang_wire::{BlobHash, NOTICES_TARGET, Notices, notice_image_target};
use sha2::{Digest as _, Sha256};
use tough::schema::{
    DelegatedTargets, KeyHolder, Signed, Snapshot, Targets, Timestamp as TimestampRole,
};

use super::check::{Accepted, PublicationError};
use super::{Repository, VERSIONS_KEPT};
use crate::offer::{document, target, target_name};
use crate::online_keys::OnlineKeys;
use crate::role::{RoleName, SPEC_VERSION, metafile, next, next_timestamp, sign};

/// Most revisions that a restored gateway may have lost: ten thousand steps are decades. Beyond it
/// a device says what cannot be.
const LOST_MAX: u64 = 10_000;

/// So many revisions are left free above what one device has seen.
const ROOM: u64 = 100;

/// What the delegated role is to say, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The document.
    pub notices: Notices,
    /// The pictures it names, with their sizes.
    pub images: BTreeMap<BlobHash, u64>,
}

impl Repository {
    /// The state in which the delegated role says this.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub async fn say(
        &self,
        said: &Said,
        keys: &OnlineKeys,
        now: Timestamp,
    ) -> Result<Self, PublicationError> {
        let version = next(self.notices.signed.version);
        let notices = notices_role(said, version, now)?;
        let mut following = self.clone();
        following.put_notices(notices, keys).await?;
        following.seal(keys, now).await?;
        Ok(following)
    }

    /// The state with everything on-line signed anew that is past half its life; none where
    /// nothing is.
    ///
    /// # Errors
    /// Where it cannot be signed.
    pub async fn renew(
        &self,
        keys: &OnlineKeys,
        now: Timestamp,
    ) -> Result<Option<Self>, PublicationError> {
        let is_due = |role: RoleName| {
            let (_, expires) = self.of(role);
            let left = std::time::Duration::try_from(expires.duration_since(now));
            left.map_or(true, |left| left < role.life() / 2)
        };
        if is_due(RoleName::Notices) || is_due(RoleName::Snapshot) {
            let mut following = self.clone();
            let mut notices = self.notices.signed.clone();
            notices.version = next(notices.version);
            notices.expires = RoleName::Notices.expires(now);
            following.put_notices(notices, keys).await?;
            following.seal(keys, now).await?;
            return Ok(Some(following));
        }
        if is_due(RoleName::Timestamp) {
            let mut following = self.clone();
            let version = next_timestamp(following.timestamp.signed.version, now);
            following.put_timestamp(version, keys, now).await?;
            return Ok(Some(following));
        }
        Ok(None)
    }

    /// The state above a revision that a device has seen: this gateway was restored from an older
    /// copy, and what it signs next would be refused as older. None where it is above already.
    ///
    /// # Errors
    /// Where so many revisions were never lost, or it cannot be signed.
    pub async fn above(
        &self,
        seen: u64,
        keys: &OnlineKeys,
        now: Timestamp,
    ) -> Result<Option<Self>, PublicationError> {
        let own = self.revision();
        let Some(lost) = seen.checked_sub(own).filter(|lost| *lost > 0) else {
            return Ok(None);
        };
        if lost > LOST_MAX {
            return Err(PublicationError::Beyond { seen, own });
        }
        // With room for the next device, which may have seen some more.
        let version = NonZeroU64::new(seen.saturating_add(ROOM)).unwrap_or(NonZeroU64::MAX);
        let mut following = self.clone();
        let mut notices = self.notices.signed.clone();
        notices.version = version.max(next(notices.version));
        notices.expires = RoleName::Notices.expires(now);
        following.put_notices(notices, keys).await?;
        following.put_snapshot(version, keys, now).await?;
        let version = next_timestamp(self.timestamp.signed.version, now);
        following.put_timestamp(version, keys, now).await?;
        Ok(Some(following))
    }

    #[cfg(test)]
    pub(super) async fn put_notices_for_test(&mut self, notices: Targets, keys: &OnlineKeys) {
        let now = Timestamp::now();
        self.put_notices(notices, keys).await.unwrap();
        self.seal(keys, now).await.unwrap();
    }

    async fn put_notices(
        &mut self,
        notices: Targets,
        keys: &OnlineKeys,
    ) -> Result<(), PublicationError> {
        let delegations = self.targets.signed.delegations.clone();
        let delegations = delegations.ok_or(PublicationError::Delegation)?;
        let role = DelegatedTargets {
            name: RoleName::Notices.as_str().to_owned(),
            targets: notices,
        };
        let holder = KeyHolder::Delegations(delegations);
        let signed = sign(role, &holder, &[&keys.notices])
            .await
            .map_err(failed)?;
        let version = signed.signed().signed.targets.version;
        self.put_file(RoleName::Notices, version, signed.buffer().clone());
        let signatures = signed.signed().signatures.clone();
        self.notices = Signed {
            signed: signed.signed().signed.targets.clone(),
            signatures,
        };
        Ok(())
    }

    /// Signs a snapshot of what there is, and a timestamp of it.
    async fn seal(&mut self, keys: &OnlineKeys, now: Timestamp) -> Result<(), PublicationError> {
        let version = next(self.snapshot.signed.version);
        self.put_snapshot(version, keys, now).await?;
        let version = next_timestamp(self.timestamp.signed.version, now);
        self.put_timestamp(version, keys, now).await
    }

    async fn put_snapshot(
        &mut self,
        version: NonZeroU64,
        keys: &OnlineKeys,
        now: Timestamp,
    ) -> Result<(), PublicationError> {
        let expires = RoleName::Snapshot.expires(now);
        let mut snapshot = Snapshot::new(SPEC_VERSION.to_owned(), version, expires);
        let files = [
            (RoleName::Targets, self.targets.signed.version),
            (RoleName::Notices, self.notices.signed.version),
        ];
        for (role, version) in files {
            let file = format!("{}.json", role.as_str());
            let bytes = self.files.get(&format!("{version}.{file}"));
            let bytes = bytes.expect("it was put there with its version");
            snapshot.meta.insert(file, metafile(version, bytes));
        }
        let holder = KeyHolder::Root(self.root.signed.clone());
        let signed = sign(snapshot, &holder, &[&keys.snapshot])
            .await
            .map_err(failed)?;
        self.put_file(RoleName::Snapshot, version, signed.buffer().clone());
        self.snapshot = signed.signed().clone();
        Ok(())
    }

    async fn put_timestamp(
        &mut self,
        version: NonZeroU64,
        keys: &OnlineKeys,
        now: Timestamp,
    ) -> Result<(), PublicationError> {
        let snapshot = self.snapshot.signed.version;
        let bytes = self.files.get(&format!("{snapshot}.snapshot.json"));
        let bytes = bytes.expect("it was put there with its version");
        let expires = RoleName::Timestamp.expires(now);
        let mut role = TimestampRole::new(SPEC_VERSION.to_owned(), version, expires);
        let named = metafile(snapshot, bytes);
        role.meta.insert("snapshot.json".to_owned(), named);
        let holder = KeyHolder::Root(self.root.signed.clone());
        let signed = sign(role, &holder, &[&keys.timestamp])
            .await
            .map_err(failed)?;
        self.files
            .insert("timestamp.json".to_owned(), signed.buffer().clone());
        self.timestamp = signed.signed().clone();
        Ok(())
    }

    /// Puts a file there, and takes those away that are too old for anybody to be reading.
    fn put_file(&mut self, role: RoleName, version: NonZeroU64, bytes: Vec<u8>) {
        let file = role.as_str();
        self.files.insert(format!("{version}.{file}.json"), bytes);
        let of_role = |name: &str| {
            let version = name.strip_suffix(".json")?.strip_suffix(file)?;
            version.strip_suffix('.')?.parse::<u64>().ok()
        };
        // Versions may have gaps between them.
        let mut versions: Vec<u64> = self.files.keys().filter_map(|it| of_role(it)).collect();
        versions.sort_unstable();
        let kept = usize::try_from(VERSIONS_KEPT).unwrap_or(usize::MAX) + 1;
        for old in versions.iter().rev().skip(kept) {
            self.files.remove(&format!("{old}.{file}.json"));
        }
    }
}

/// A state with what was accepted in it.
pub(super) async fn assemble(
    before: Option<&Repository>,
    accepted: Accepted,
    keys: &OnlineKeys,
    now: Timestamp,
) -> Result<Repository, PublicationError> {
    let first = NonZeroU64::MIN;
    let nothing = || notices_role(&Said::default(), first, now);
    // Version 0 is none: the first that is signed is 1.
    let empty = |role: RoleName| (SPEC_VERSION.to_owned(), first, role.expires(now));
    let mut following = match before {
        Some(before) => before.clone(),
        None => {
            let (spec, version, expires) = empty(RoleName::Snapshot);
            let snapshot = Snapshot::new(spec, version, expires);
            let (spec, version, expires) = empty(RoleName::Timestamp);
            Repository {
                root: accepted.root.clone(),
                targets: accepted.targets.clone(),
                notices: unsigned(nothing()?),
                snapshot: unsigned(snapshot),
                timestamp: unsigned(TimestampRole::new(spec, version, expires)),
                files: BTreeMap::new(),
            }
        }
    };
    for (version, bytes) in accepted.roots {
        // Every root is kept for ever: a device that was away for years follows the chain.
        following
            .files
            .insert(format!("{version}.root.json"), bytes);
    }
    following.root = accepted.root;
    let version = accepted.targets.signed.version;
    following.targets = accepted.targets;
    following.put_file(RoleName::Targets, version, accepted.targets_bytes);
    let mut notices = following.notices.signed.clone();
    if before.is_some() {
        notices.version = next(notices.version);
        notices.expires = RoleName::Notices.expires(now);
    }
    following.put_notices(notices, keys).await?;
    match before {
        Some(_) => following.seal(keys, now).await?,
        None => {
            following.put_snapshot(first, keys, now).await?;
            let version = next_timestamp(first, now);
            following.put_timestamp(version, keys, now).await?;
        }
    }
    Ok(following)
}

fn notices_role(
    said: &Said,
    version: NonZeroU64,
    now: Timestamp,
) -> Result<Targets, PublicationError> {
    let expires = RoleName::Notices.expires(now);
    let mut role = Targets::new(SPEC_VERSION.to_owned(), version, expires);
    let bytes = document(&said.notices);
    let size = bytes.len() as u64;
    let images = said.images.iter();
    let images = images.map(|(blob, size)| (notice_image_target(blob), *size, *blob.as_bytes()));
    let own = (
        NOTICES_TARGET.to_owned(),
        size,
        Sha256::digest(&bytes).into(),
    );
    for (name, size, digest) in images.chain([own]) {
        let named = target_name(&name).map_err(|_| PublicationError::Target(name.clone()))?;
        role.targets
            .insert(named, target(size, digest, HashMap::new()));
    }
    Ok(role)
}

fn unsigned<T>(role: T) -> Signed<T> {
    Signed {
        signed: role,
        signatures: Vec::new(),
    }
}

fn failed(source: tough::error::Error) -> PublicationError {
    PublicationError::Sign(Box::new(source))
}
