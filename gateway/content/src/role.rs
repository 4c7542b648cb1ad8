//! The roles of the repository: which are signed by whom, and for how long.

use std::num::NonZeroU64;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tough::editor::signed::SignedRole;
use tough::schema::{Hashes, KeyHolder, Metafile, Role};

use crate::role_key::RoleKey;

/// The version of the specification that is followed [TUF 1.0.31].
pub(crate) const SPEC_VERSION: &str = "1.0.31";

/// The roles [TUF §2.1], with the one that is delegated to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleName {
    /// Says whose keys the others are; off-line.
    Root,
    /// Says which releases there are; off-line.
    Targets,
    /// Adds notices and hides titles; on-line.
    Notices,
    /// Says which versions belong together; on-line.
    Snapshot,
    /// Says what is newest; on-line.
    Timestamp,
}

impl RoleName {
    /// All, from the least to the most often signed.
    pub const ALL: [Self; 5] = [
        Self::Root,
        Self::Targets,
        Self::Notices,
        Self::Snapshot,
        Self::Timestamp,
    ];

    /// The name in file names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Notices => "notices",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }

    /// How long what it signs is good. The off-line ones outlive the person who keeps the stick
    /// for a while; the on-line ones say soon when nobody renews them.
    #[must_use]
    pub fn life(self) -> Duration {
        const DAY: u64 = 24 * 3_600;
        let days = match self {
            Self::Root => 3_650,
            Self::Targets => 730,
            Self::Notices | Self::Snapshot => 90,
            Self::Timestamp => 14,
        };
        Duration::from_secs(days * DAY)
    }

    /// Whether the gateway has its key and renews it by itself.
    #[must_use]
    pub fn is_online(self) -> bool {
        match self {
            Self::Root | Self::Targets => false,
            Self::Notices | Self::Snapshot | Self::Timestamp => true,
        }
    }

    /// When what is signed now ends.
    pub(crate) fn expires(self, now: Timestamp) -> Timestamp {
        let life = SignedDuration::try_from(self.life()).expect("ten years are a duration");
        // Whole seconds: TUF has no fractions.
        let second = Timestamp::from_second(now.as_second()).expect("it is a time already");
        second.checked_add(life).unwrap_or(Timestamp::MAX)
    }
}

/// A version after this one.
pub(crate) fn next(version: NonZeroU64) -> NonZeroU64 {
    version.saturating_add(1)
}

/// The version of a timestamp after this one: the second it is signed in. A gateway that was
/// restored from an older copy signs a newer one than any device has seen, however often it was
/// renewed since.
pub(crate) fn next_timestamp(version: NonZeroU64, now: Timestamp) -> NonZeroU64 {
    let second = u64::try_from(now.as_second()).unwrap_or(0);
    let second = NonZeroU64::new(second).unwrap_or(NonZeroU64::MIN);
    next(version).max(second)
}

/// Signs a role.
pub(crate) async fn sign<T: Role + Serialize>(
    role: T,
    holder: &KeyHolder,
    keys: &[&RoleKey],
) -> Result<SignedRole<T>, tough::error::Error> {
    let sources: Vec<_> = keys.iter().map(|key| key.source()).collect();
    SignedRole::new(role, holder, &sources, &SystemRandom::new()).await
}

/// How another role names a file of this version.
pub(crate) fn metafile(version: NonZeroU64, bytes: &[u8]) -> Metafile {
    use sha2::{Digest as _, Sha256};
    Metafile {
        length: Some(bytes.len() as u64),
        hashes: Some(Hashes {
            sha256: Sha256::digest(bytes).to_vec().into(),
            _extra: Default::default(),
        }),
        version,
        _extra: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_signs_for_as_long_as_the_lifetimes_say() {
        let now: Timestamp = "2026-11-30T12:00:00.25Z".parse().unwrap();
        let days = |role: RoleName| {
            let second: Timestamp = "2026-11-30T12:00:00Z".parse().unwrap();
            role.expires(now).duration_since(second).as_hours() / 24
        };
        assert_eq!(days(RoleName::Root), 3_650, "ten years");
        assert_eq!(days(RoleName::Targets), 730, "two years");
        assert_eq!(days(RoleName::Snapshot), 90);
        assert_eq!(days(RoleName::Notices), 90);
        assert_eq!(days(RoleName::Timestamp), 14);
    }

    #[test]
    fn a_timestamp_is_newer_than_the_one_before_whatever_the_clock_says() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let of = |version| NonZeroU64::new(version).unwrap();
        assert_eq!(next_timestamp(of(7), at(1_000)), of(1_000));
        assert_eq!(next_timestamp(of(1_000), at(1_000)), of(1_001));
        assert_eq!(next_timestamp(of(5_000), at(-1)), of(5_001));
    }
}
