//! What is asked of lending, and what it answers.

use jiff::Timestamp;
use lujiang_wire::{Due, EventId, Label, LoanCancelled, LoanKind, Mode, Outcome};

use super::{Barcode, ReaderCard, Refused};

/// One item for one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    /// Who borrows.
    pub reader: ReaderCard,
    /// What.
    pub item: Barcode,
    /// The session at the device; it groups what one reader did and names nobody.
    pub session: Label,
    /// The stop of the bus it happens at.
    pub stop: Option<Label>,
    /// The block loan it belongs to; such items count towards no limit.
    pub block: Option<Label>,
}

/// One item that comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// What.
    pub item: Barcode,
    /// The session at the device.
    pub session: Label,
    /// The stop of the bus it happens at.
    pub stop: Option<Label>,
    /// The block it comes back in.
    pub block: Option<Label>,
    /// Where it cancels a loan that failed at the machine: that.
    pub cancels: Option<LoanCancelled>,
}

/// Many items for one reader: a branch, a reading room (整借整还).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockLoan {
    /// Who borrows.
    pub reader: ReaderCard,
    /// What; no item twice.
    pub items: Vec<Barcode>,
    /// The name of the block; all its facts carry it.
    pub block: Label,
    /// The session at the device.
    pub session: Label,
    /// The stop of the bus it happens at.
    pub stop: Option<Label>,
}

/// Many items that come back at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockReturn {
    /// What; no item twice.
    pub items: Vec<Barcode>,
    /// The name of the block; all its facts carry it.
    pub block: Label,
    /// The session at the device.
    pub session: Label,
    /// The stop of the bus it happens at.
    pub stop: Option<Label>,
}

/// What the library system decided about an item while it could be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlineLoan {
    /// What was asked.
    pub kind: LoanKind,
    /// The item, of whatever form: the library system knows it, or does not.
    pub item: Label,
    /// When it is due, where it said so.
    pub due: Option<Due>,
    /// The session at the device.
    pub session: Label,
    /// What it decided.
    pub outcome: Outcome,
    /// Where it cancels what failed at the machine: that.
    pub cancels: Option<LoanCancelled>,
}

/// A fact as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its event.
    pub fact: EventId,
    /// When, by the wall clock.
    pub at: Timestamp,
}

/// A card that was issued, or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Whose, where the library system has yet to hear of it; none where it decided itself.
    pub reader: Option<ReaderCard>,
    /// Who decided.
    pub mode: Mode,
    /// The kind of card, as the library system names it.
    pub kind: Option<Label>,
    /// The session at the device.
    pub session: Label,
    /// What was decided.
    pub outcome: Outcome,
}

/// An item that is lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lent {
    /// When it is due.
    pub due: Due,
    /// The fact, to undo it by.
    pub fact: EventId,
    /// When, by the wall clock.
    pub at: Timestamp,
}

/// An item that is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// The fact, to undo it by.
    pub fact: EventId,
}

/// A fact that was undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// What it was.
    pub kind: LoanKind,
    /// Its item.
    pub item: Barcode,
    /// The fact that undoes it.
    pub fact: EventId,
}

/// Why a list of items was neither lent nor taken back; nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockRefused {
    /// The whole of it.
    #[error(transparent)]
    Whole(#[from] Refused),
    /// These items, each for its reason.
    #[error("{} of the items cannot be lent or taken back", .0.len())]
    Items(Vec<(Barcode, Refused)>),
}
