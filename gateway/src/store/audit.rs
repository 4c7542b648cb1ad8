//! The tables of the audit.

/// What is created at the first opening.
pub(crate) const TABLES: &str = "";
