//! The tables of the presence.

/// What is created at the first opening.
pub(crate) const TABLES: &str = "";
