//! Scans of every table, for the verifier.
