//! The table of rights: what a role may do. Which route needs which right stands in `http.rs`.

/// A right that a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

impl Role {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    /// The table.
    #[must_use]
    pub fn may(self, right: Right) -> bool {
        match (self, right) {
            (Self::Admin, Right::Read | Right::Operate | Right::Administer) => true,
        }
    }
}
