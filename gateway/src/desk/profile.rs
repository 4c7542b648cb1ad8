//! What a make of library system does with what already happened; everything else is found out
//! by asking (`ability.rs`).

use serde::{Deserialize, Serialize};

/// The make of a library system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Koha: honours "no block", and itself takes an item back from the one before.
    Koha,
    /// Evergreen: refuses what it would refuse on-line.
    Evergreen,
    /// Any other: nothing is relied on.
    Generic,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Koha, Self::Evergreen, Self::Generic];

    /// Whether "no block" (this already happened) is said to it.
    #[must_use]
    pub fn honours_no_block(self) -> bool {
        match self {
            Self::Koha => true,
            Self::Evergreen | Self::Generic => false,
        }
    }

    /// Whether a "no block" loan of an item that is out to another also takes it back from there.
    #[must_use]
    pub fn takes_back_itself(self) -> bool {
        match self {
            Self::Koha => true,
            Self::Evergreen | Self::Generic => false,
        }
    }
}
