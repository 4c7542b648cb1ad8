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
    pub(super) reply: Reply,
}

/// What the machine was told of a deal, and so the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Yes, by whoever decided.
    Granted,
    /// Nothing, and the machine could not go on by itself: it said no.
    Unanswered(Fate),
}

/// What came of a deal that nobody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The item is where the deal would have it: it lies in the box, or is lent on.
    Holds,
    /// The reader went without it, whatever the library system has.
    Fails,
}

impl Happened {
    /// Whether it stands: it is no word about another, no other takes it back, and it came about.
    pub(super) fn stands(&self) -> bool {
        let failed = self.reply == Reply::Unanswered(Fate::Fails);
        self.undoes.is_none() && !self.is_undone && !failed
    }

    /// Whether the machine was left without an answer, and could not go on by itself.
    pub(super) fn is_unanswered(&self) -> bool {
        self.reply != Reply::Granted
    }
}
