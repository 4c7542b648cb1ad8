//! verify of a ledger.
