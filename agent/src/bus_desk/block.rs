//! Block loans (整借整还): a list is looked at, confirmed, and written as one transaction. What was
//! looked at waits here to be confirmed, in memory only, since it may name a reader; what was
//! done leaves a receipt.

use std::collections::VecDeque;

use jiff::civil::Date;
use lujiang_wire::{Due, LOAD_PREFIX, Label, is_load};

use super::compared::Compared;
use super::list::Checked;
use crate::lending::{Barcode, ReaderCard, Refused};

/// Lists that wait to be confirmed, and receipts that can be printed again; the oldest goes.
const KEPT_MAX: usize = 32;

/// Names of other blocks begin so.
pub(crate) const BLOCK_PREFIX: &str = "block-";

/// What shall be done with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// It is lent to an institution.
    Lend,
    /// It comes back.
    Return,
    /// It is lent to the bus.
    Load,
    /// It comes back from the bus.
    Unload,
}

impl BlockKind {
    /// Its name in forms.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Lend => "lend",
            Self::Return => "return",
            Self::Load => "load",
            Self::Unload => "unload",
        }
    }

    /// The kind of this name.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let all = [Self::Lend, Self::Return, Self::Load, Self::Unload];
        all.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether items go out.
    pub(crate) fn is_loan(self) -> bool {
        match self {
            Self::Lend | Self::Load => true,
            Self::Return | Self::Unload => false,
        }
    }

    /// What was done when a block of this name went out.
    pub(crate) fn of_name(block: &Label) -> Self {
        if is_load(Some(block)) {
            Self::Load
        } else {
            Self::Lend
        }
    }

    /// How names of its blocks begin.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Lend | Self::Return => BLOCK_PREFIX,
            Self::Load | Self::Unload => LOAD_PREFIX,
        }
    }
}

/// What is asked: a list, for a card where it is a loan, of a block where one is named.
#[derive(Clone)]
pub(crate) struct BlockAsked {
    /// What shall be done.
    pub(crate) kind: BlockKind,
    /// The institution's card as read; empty where it comes from the list looked at before.
    pub(crate) card: String,
    /// The list as typed.
    pub(crate) list: String,
    /// The block that is to come back whole.
    pub(crate) block: Option<Label>,
    /// The list looked at before, of which this is a better one.
    pub(crate) draft: Option<DraftId>,
    /// Whether lines with a problem are left out.
    pub(crate) leave_out: bool,
}

/// Card and list may name readers.
impl std::fmt::Debug for BlockAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockAsked")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Names a list that waits to be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DraftId(pub(crate) u64);

/// A list that was looked at.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    /// Its name.
    pub(crate) id: DraftId,
    /// What shall be done.
    pub(crate) kind: BlockKind,
    /// For whom; none where it comes back, or the card was refused.
    pub(crate) reader: Option<ReaderCard>,
    /// The block that comes back whole.
    pub(crate) block: Option<Label>,
    /// The list as typed.
    pub(crate) list: String,
    /// What can be done, and what not.
    pub(crate) checked: Checked,
    /// How it compares with the blocks that are out, where it comes back.
    pub(crate) compared: Compared,
    /// What is wrong with the whole of it.
    pub(crate) refused: Option<Refused>,
}

impl Draft {
    /// Whether it can be confirmed.
    pub(crate) fn is_good(&self) -> bool {
        self.refused.is_none() && self.checked.troubles.is_empty() && !self.checked.good.is_empty()
    }
}

/// The list may name readers.
impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Draft")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The block.
    pub(crate) block: Label,
    /// What was done with it.
    pub(crate) kind: BlockKind,
    /// The end of the institution's card, where it is known.
    pub(crate) card: Option<String>,
    /// On which day, in the library.
    pub(crate) day: Date,
    /// Until when, where it was lent.
    pub(crate) due: Option<Due>,
    /// Which items.
    pub(crate) items: Vec<Barcode>,
    /// Which were undone since, as far as that is remembered.
    pub(crate) undone: Vec<Barcode>,
}

/// What came of undoing one item of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ItemUndone {
    /// What was undone; or why nothing was.
    pub(crate) done: Result<Barcode, Refused>,
    /// The block as it is now; none where nothing of it is left.
    pub(crate) receipt: Option<Receipt>,
}

/// Lists that wait, and receipts.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    drafts: VecDeque<Draft>,
    receipts: VecDeque<(DraftId, Receipt)>,
    last: u64,
}

impl Blocks {
    /// A name for the next list.
    pub(crate) fn next_id(&mut self) -> DraftId {
        self.last += 1;
        DraftId(self.last)
    }

    /// Keeps a list until it is confirmed.
    pub(crate) fn keep(&mut self, draft: Draft) {
        if self.drafts.len() == KEPT_MAX {
            self.drafts.pop_front();
        }
        self.drafts.push_back(draft);
    }

    /// A list that waits.
    pub(crate) fn draft(&self, id: DraftId) -> Option<&Draft> {
        self.drafts.iter().find(|draft| draft.id == id)
    }

    /// A list was done: it waits no more, and a second confirmation finds its receipt.
    pub(crate) fn done(&mut self, id: DraftId, receipt: Receipt) {
        self.drafts.retain(|draft| draft.id != id);
        if self.receipts.len() == KEPT_MAX {
            self.receipts.pop_front();
        }
        self.receipts.push_back((id, receipt));
    }

    /// A list was refused as a whole; it stays, and says why.
    pub(crate) fn refuse(&mut self, id: DraftId, why: Refused) {
        if let Some(draft) = self.drafts.iter_mut().find(|draft| draft.id == id) {
            draft.refused = Some(why);
        }
    }

    /// The receipt of a list that was done.
    pub(crate) fn receipt_of(&self, id: DraftId) -> Option<&Receipt> {
        let found = self.receipts.iter().find(|(of, _)| *of == id);
        found.map(|(_, receipt)| receipt)
    }

    /// An item of a block was undone.
    pub(crate) fn undone(&mut self, block: &Label, item: &Barcode) {
        let mut newest = self.receipts.iter_mut().rev();
        if let Some((_, receipt)) = newest.find(|(_, receipt)| receipt.block == *block) {
            receipt.items.retain(|it| it != item);
            receipt.undone.push(item.clone());
        }
    }

    /// The last receipt about a block.
    pub(crate) fn receipt(&self, block: &Label) -> Option<&Receipt> {
        let mut newest = self.receipts.iter().rev();
        let found = newest.find(|(_, receipt)| receipt.block == *block);
        found.map(|(_, receipt)| receipt)
    }
}
