//! Views: figures folded from the ledger, kept in sled, rebuilt whenever in doubt.

pub mod report;
