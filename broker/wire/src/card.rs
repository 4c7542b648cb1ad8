//! `library.card.issued.v1`: a card issued by a self-service card machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::loan::validate_patron;
use crate::{Label, Mode, Outcome, Patron};

/// A card issued, or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardIssued {
    /// Whose: only where the library system has yet to hear of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patron: Option<Patron>,
    /// The kind of card, as the library system names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Label>,
    /// The session at the device.
    pub session: Label,
    /// Who decided.
    pub mode: Mode,
    /// What was decided.
    pub outcome: Outcome,
}

impl CardIssued {
    /// Checks what the types cannot say; the error is the place below `data` and the reason.
    pub(crate) fn validate(&self) -> Result<(), (String, String)> {
        validate_patron(self.patron.as_ref(), self.mode, &self.outcome)
    }
}
