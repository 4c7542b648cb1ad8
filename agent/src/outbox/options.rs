//! What keeps the promises of an outbox, and what would break them.

/// How the outbox keeps its promises. The default is right; the other values exist so that the
/// fault suites can show that they would notice, and no configuration reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxOptions {
    /// Whether a commit waits for the disk.
    pub synchronous: Synchronous,
    /// Whether a note is written with its facts or in a transaction of its own.
    pub notes: Notes,
    /// What settles a fact.
    pub settle: Settle,
}

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// It does.
    #[default]
    Full,
    /// Planted fault: it does not.
    Off,
}

/// Whether a note is written with its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notes {
    /// In the same transaction.
    #[default]
    WithFacts,
    /// Planted fault: in a transaction after theirs.
    Apart,
}

/// What settles a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Settle {
    /// The gateway's receipt, and the row is kept for a while.
    #[default]
    OnReceipt,
    /// Planted fault: the PUBACK, and the row is deleted.
    OnPuback,
}
