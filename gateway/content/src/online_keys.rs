//! The keys the gateway itself signs with: what belongs together, what is newest, and notices.
//! Whoever steals them can hold releases back for a while and hide titles; he can add none.

use serde::{Deserialize, Serialize};

use crate::role_key::{PublicKey, RoleKey};

/// The on-line keys. Debug shows none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnlineKeys {
    pub(crate) notices: RoleKey,
    pub(crate) snapshot: RoleKey,
    pub(crate) timestamp: RoleKey,
}

/// Their public halves, for the root of the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnlinePublic {
    /// Of the role `notices`.
    pub notices: PublicKey,
    /// Of the role `snapshot`.
    pub snapshot: PublicKey,
    /// Of the role `timestamp`.
    pub timestamp: PublicKey,
}

impl OnlineKeys {
    /// Makes new ones.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            notices: RoleKey::generate(),
            snapshot: RoleKey::generate(),
            timestamp: RoleKey::generate(),
        }
    }

    /// Their public halves.
    #[must_use]
    pub fn public(&self) -> OnlinePublic {
        OnlinePublic {
            notices: self.notices.public(),
            snapshot: self.snapshot.public(),
            timestamp: self.timestamp.public(),
        }
    }
}
