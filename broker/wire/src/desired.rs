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
}
