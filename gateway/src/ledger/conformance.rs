//! conformance of a ledger.
