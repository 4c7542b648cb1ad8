//! What the desk says: one thing at a time, in the largest letters of the page. Which words it
//! uses is for the page.

use lujiang_wire::{Due, Label, LoanKind};

use super::desk::{Order, Work};
use crate::lending::Refused;

/// What was last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Come, whoever is next.
    Ready(Work),
    /// A reader is at the desk.
    ReaderCame(Work),
    /// The reader was forgotten, since nothing happened.
    ReaderLeft,
    /// An item was lent, lent on or taken back.
    Done {
        /// Which of it.
        kind: LoanKind,
        /// The item.
        item: Label,
        /// Until when.
        due: Option<Due>,
    },
    /// It was undone.
    Undone {
        /// What.
        kind: LoanKind,
        /// The item.
        item: Label,
    },
    /// There is nothing that could be.
    NothingToUndo,
    /// A command barcode of another desk.
    UnknownCommand,
    /// Not done.
    Refused {
        /// What was wanted.
        wanted: Wanted,
        /// Why not.
        why: Refused,
        /// The item as scanned; never a reader's card.
        item: Option<Label>,
    },
}

/// What was wanted when something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// That a reader comes.
    Reader(Work),
    /// That an item is lent, lent on or taken back.
    Item(LoanKind),
    /// That something is undone.
    Undoing,
}

/// How something is said: by colour, sign and sound alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing was done and nothing is wrong.
    Idle,
    /// It is done.
    Good,
    /// It could not be, and nobody has to do anything.
    Doubt,
    /// It was refused: somebody has to do something else.
    Bad,
}

impl Said {
    /// A refusal of this order.
    pub(crate) fn refused(order: &Order, work: Work, why: Refused) -> Self {
        let (wanted, code) = match order {
            Order::Admit(_) => (Wanted::Reader(work), None),
            Order::Lend(_, code) => (Wanted::Item(LoanKind::Checkout), Some(code)),
            Order::Renew(_, code) => (Wanted::Item(LoanKind::Renew), Some(code)),
            Order::TakeBack(code) => (Wanted::Item(LoanKind::Checkin), Some(code)),
            Order::Undo(..) => (Wanted::Undoing, None),
        };
        // What was scanned as an item may be a reader's card, which is shown nowhere.
        let item =
            code.filter(|_| !matches!(why, Refused::LooksLikeAReader | Refused::UnknownForm));
        Self::Refused {
            wanted,
            why,
            item: item.and_then(|code| code.reveal().parse().ok()),
        }
    }

    /// How it is said.
    pub(crate) fn tone(&self) -> Tone {
        match self {
            Self::Ready(_) | Self::ReaderLeft => Tone::Idle,
            Self::ReaderCame(_) | Self::Done { .. } | Self::Undone { .. } => Tone::Good,
            Self::NothingToUndo => Tone::Doubt,
            Self::UnknownCommand | Self::Refused { .. } => Tone::Bad,
        }
    }
}
