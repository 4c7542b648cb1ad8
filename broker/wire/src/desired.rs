//! `…/desired`: the state the gateway wants a device to be in. It is retained, and whoever may read
//! `#` may read it: it names secrets by their revision and holds none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Label;

/// The state a device should have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Desired {
    /// The revision of the [`LoanPapers`](crate::LoanPapers) there are for it; it fetches them
    /// where it has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub papers: Option<Label>,
    /// What its shelf should have, where it is a kiosk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<DesiredContent>,
}

/// What the shelf of a kiosk should have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DesiredContent {
    /// The newest revision of the repository: the version of its snapshot. Who has seen an older
    /// one asks for notices, withdrawals and releases anew.
    pub revision: u64,
    /// The release its rollout offers it; none where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Label>,
    /// Raised by one each time a failed release is to be tried again.
    #[serde(default)]
    pub attempt: u32,
}
