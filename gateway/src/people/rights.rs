//! What one may be allowed to do. Which route needs which right stands in `http/rights.rs`.

use std::fmt;
use std::str::FromStr;

/// A right: what a route asks for, and how far a token reaches. Each is within the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Look at figures, devices and quarantine.
    Read,
    /// Do what can be undone: rebuild views.
    Operate,
    /// Change the registry, make links and credentials, read the audit.
    Administer,
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything; the only role of this version.
    Admin,
}

/// No right is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected read, operate or administer")]
pub struct NoRight;

impl Right {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Administer];

    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Administer => "administer",
        }
    }

    /// Whether who has this right may do what asks for that one.
    #[must_use]
    pub fn covers(self, needed: Self) -> bool {
        self >= needed
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Right {
    type Err = NoRight;

    fn from_str(text: &str) -> Result<Self, NoRight> {
        let named = Self::ALL.into_iter().find(|right| right.as_str() == text);
        named.ok_or(NoRight)
    }
}

impl Role {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    /// The widest right it has.
    #[must_use]
    pub fn right(self) -> Right {
        match self {
            Self::Admin => Right::Administer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_covers_itself_and_what_is_narrower() {
        for (position, right) in Right::ALL.into_iter().enumerate() {
            assert_eq!(right.as_str().parse(), Ok(right));
            for (other, needed) in Right::ALL.into_iter().enumerate() {
                assert_eq!(right.covers(needed), position >= other, "{right} {needed}");
            }
        }
        assert_eq!("admin".parse::<Right>(), Err(NoRight));
    }
}
