//! export of a ledger.
