//! What keeps the promises about identities, and what would break them.

/// How promises about identities are kept. The default is right; the other values exist so that
/// the identity suites can show that they would notice, and no configuration reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdentityOptions {
    /// What becomes of the connections of a device that is revoked.
    pub withdrawn: Withdrawing,
    /// How often a token is good.
    pub tokens: Spending,
}

/// What becomes of connections whose right is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Withdrawing {
    /// They are cut at once.
    #[default]
    Cuts,
    /// Planted fault: they stay.
    LeavesAlone,
}

/// How often a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spending {
    /// Once.
    #[default]
    Once,
    /// Planted fault: again and again.
    Again,
}
