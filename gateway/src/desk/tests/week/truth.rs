//! What really happened: deals between readers and machines, in true order.

use lujiang_wire::{LoanKind, Mode};

/// An item, a reader, a machine, by number.
pub(super) type Thing = u8;
pub(super) type Reader = u8;
pub(super) type Machine = usize;

/// A deal by its place in the list of all.
pub(super) type Deal = usize;

/// Something that happened to an item.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    /// The true second.
    pub(super) at: i64,
    pub(super) machine: Machine,
    pub(super) thing: Thing,
    pub(super) kind: LoanKind,
    /// Who lent or renewed it.
    pub(super) reader: Reader,
    pub(super) mode: Mode,
    pub(super) due: Option<i64>,
    /// The deal this takes back, or the one that takes this back.
    pub(super) undoes: Option<Deal>,
    pub(super) is_undone: bool,
}

impl Happened {
    /// Whether it stands: it is no word about another, and no other takes it back.
    pub(super) fn stands(&self) -> bool {
        self.undoes.is_none() && !self.is_undone
    }
}
