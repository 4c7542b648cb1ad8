//! The tables of the registry.

/// What is created at the first opening.
pub(crate) const TABLES: &str = "";
