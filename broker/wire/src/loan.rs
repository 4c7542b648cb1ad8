//! `library.loan.*.v1`: what was lent, renewed and taken back, and what of it was undone.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Due, EventId, Label, Patron};

/// How the names of those blocks begin that are what a bus carries: lent to its own card, and
/// returned from it when they are unloaded or lent to a reader.
pub const LOAD_PREFIX: &str = "load-";

/// Whether a block is what a bus carries. The library system is told of it, but nobody borrows and
/// nobody brings back: it is no figure of lending.
#[must_use]
pub fn is_load(block: Option<&Label>) -> bool {
    block.is_some_and(|block| block.as_str().starts_with(LOAD_PREFIX))
}

/// An item lent, or lent on: `library.loan.checkout.v1`, `library.loan.renew.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoanCheckout {
    /// The item's barcode.
    pub item: Label,
    /// The reader: in off-line loans only, and in each of them that was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patron: Option<Patron>,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
    /// The session at the device; it groups what one reader did and names nobody.
    pub session: Label,
    /// Who decided.
    pub mode: Mode,
    /// What was decided.
    pub outcome: Outcome,
    /// The block loan it belongs to, where it was lent or taken back with many others at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Label>,
    /// The stop of the bus it happened at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Label>,
    /// Where it cancels a return that failed at the machine: then it counts as no loan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancels: Option<LoanCancelled>,
}

/// An item taken back: `library.loan.checkin.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoanCheckin {
    /// The item's barcode.
    pub item: Label,
    /// The session at the device.
    pub session: Label,
    /// Who decided.
    pub mode: Mode,
    /// What was decided.
    pub outcome: Outcome,
    /// The block loan it belongs to, where it was lent or taken back with many others at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Label>,
    /// The stop of the bus it happened at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Label>,
    /// Where it cancels a loan that failed at the machine: then it counts as no return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancels: Option<LoanCancelled>,
}

/// What failed at a machine after the library system had granted it, and is taken back there by
/// the opposite (SIP2 `BI`). The library system has heard of both; figures know neither.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoanCancelled {
    /// The fact that failed: an earlier one of the same device. None where none was granted, or
    /// the device does not know it any more; then there is nothing to subtract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<LoanFailed>,
}

/// A fact that is taken back by its opposite; figures subtract it where they had added it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoanFailed {
    /// Its event.
    pub fact: EventId,
    /// What it was.
    pub kind: LoanKind,
    /// Its time, as it said itself. Figures go by the fact; by this only where they do not have it.
    pub at: Timestamp,
    /// Its session.
    pub session: Label,
}

/// A loan, renewal or return that did not happen after all: `library.loan.undone.v1`. Nothing is
/// taken out of a ledger; figures subtract what this names where they had added it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoanUndone {
    /// The fact that is undone: an earlier one of the same device.
    pub fact: EventId,
    /// What that fact was.
    pub kind: LoanKind,
    /// Its item's barcode.
    pub item: Label,
    /// Its time, as it said itself. Figures go by the fact; by this only where they do not have it.
    pub at: Timestamp,
    /// Its session.
    pub session: Label,
    /// The block loan it belonged to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Label>,
    /// The stop of the bus it happened at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Label>,
}

/// What happened to an item.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LoanKind {
    /// It was lent.
    Checkout,
    /// It was lent on.
    Renew,
    /// It was taken back.
    Checkin,
}

/// Who decided about a loan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The library system, which therefore knows of it.
    Online,
    /// The device by its local policy; the library system has yet to hear of it.
    Offline,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// Whether it was granted.
    pub ok: bool,
    /// Why not, as a word for machines: `patron-blocked`. Never what a screen said, which may
    /// name the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Label>,
}

impl Outcome {
    /// The reason of what was asked of the library system and never answered: it may have been
    /// done.
    pub const UNRESOLVED: &'static str = "unresolved";

    /// Of what may have been done, and nobody knows.
    ///
    /// # Panics
    /// Never: the word is a label.
    #[must_use]
    pub fn unresolved() -> Self {
        let reason = Self::UNRESOLVED.parse().expect("our words are labels");
        Self {
            ok: false,
            reason: Some(reason),
        }
    }

    /// Whether nobody knows what became of it.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        let is_word = |reason: &Label| reason.as_str() == Self::UNRESOLVED;
        !self.ok && self.reason.as_ref().is_some_and(is_word)
    }
}

impl LoanCheckout {
    /// Checks what the types cannot say; the error is the place below `data` and the reason.
    pub(crate) fn validate(&self) -> Result<(), (String, String)> {
        validate_patron(self.patron.as_ref(), self.mode, &self.outcome)
    }
}

/// The library system knows who borrowed on-line; who borrowed off-line it must still be told.
pub(crate) fn validate_patron(
    patron: Option<&Patron>,
    mode: Mode,
    outcome: &Outcome,
) -> Result<(), (String, String)> {
    let reason = match (mode, patron) {
        (Mode::Online, Some(_)) => "expected none, since the mode is online",
        (Mode::Offline, None) if outcome.ok => "missing, although the mode is offline",
        (Mode::Online, None) | (Mode::Offline, None | Some(_)) => return Ok(()),
    };
    Err(("patron".to_owned(), reason.to_owned()))
}
