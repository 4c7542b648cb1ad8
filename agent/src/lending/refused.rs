//! Why something is not done at a desk: a word for machines, from which pages and SIP2 screens
//! make their own words.

use lujiang_wire::Label;

/// Why it is not done. Nothing in it names a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// What was read is neither of the form of a reader nor of an item.
    #[error("this is no barcode of ours")]
    UnknownForm,
    /// An item was read where a reader is expected.
    #[error("this looks like an item, not like a reader")]
    LooksLikeAnItem,
    /// A reader was read where an item is expected.
    #[error("this looks like a reader, not like an item")]
    LooksLikeAReader,
    /// By the policy of this device nothing is lent off-line.
    #[error("this device lends nothing off-line")]
    NotLentOffline,
    /// Without papers nobody knows whom to seal the reader to, or who is blocked.
    #[error("this device has no papers to lend with")]
    NoPapers,
    /// The reader stands on the block list.
    #[error("this reader is blocked")]
    ReaderBlocked,
    /// The item was lent here and never came back.
    #[error("this item was lent here and is not back yet")]
    ItemAlreadyLentHere,
    /// The item stands twice in one list.
    #[error("this item stands twice in the list")]
    ItemListedTwice,
    /// More items than a block loan may have.
    #[error("more than {most} items at once")]
    TooManyItems {
        /// How many it may have.
        most: u32,
    },
    /// A list without items.
    #[error("no items")]
    NoItems,
    /// The reader has as many items as one may have.
    #[error("this reader may have {most} items")]
    LimitReached {
        /// Which limit.
        limit: Limit,
        /// What it is.
        most: u32,
    },
    /// By the policy of this device items are not lent on off-line.
    #[error("this device lends nothing on off-line")]
    NotRenewedOffline,
    /// The item may be lent on if it was lent here, and it was not, as far as is remembered.
    #[error("this item was not lent here")]
    NotLentHere,
    /// The item was lent here, to another reader.
    #[error("this item was lent to another reader")]
    LentToAnother,
    /// The item was lent on as often as it may be.
    #[error("this item may be lent on {most} times")]
    RenewalLimitReached {
        /// How often.
        most: u16,
    },
    /// Lent on today it would be due no later.
    #[error("lent on today, this item would be due no later")]
    RenewalGainsNothing,
    /// The item was returned at this stop, and nothing happened to it here since.
    #[error("this item was returned at this stop already")]
    ReturnedAlready,
    /// Not the last that happened to its item here, or undone already.
    #[error("this cannot be undone: it is not the last that happened to its item")]
    NotUndoable,
    /// A stop is open already.
    #[error("a stop is open already")]
    StopOpen,
    /// No such stop is open.
    #[error("no such stop is open")]
    NoStopOpen,
    /// The outbox is full of what the gateway has not confirmed, or the disk is full.
    #[error("there is no room for another loan until the gateway has taken those that wait")]
    NoRoom,
    /// The disk or the process failed; the log says more.
    #[error("it could not be written down")]
    Failed,
}

/// Which limit of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Items out by loans of this device.
    Out,
    /// Items lent in one day.
    Day,
}

impl Refused {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::UnknownForm => "unknown-form",
            Self::LooksLikeAnItem => "looks-like-an-item",
            Self::LooksLikeAReader => "looks-like-a-reader",
            Self::NotLentOffline => "not-lent-offline",
            Self::NoPapers => "no-papers",
            Self::ReaderBlocked => "reader-blocked",
            Self::ItemAlreadyLentHere => "item-already-lent-here",
            Self::ItemListedTwice => "item-listed-twice",
            Self::TooManyItems { .. } => "too-many-items",
            Self::NoItems => "no-items",
            Self::LimitReached { .. } => "limit-reached",
            Self::NotRenewedOffline => "not-renewed-offline",
            Self::NotLentHere => "not-lent-here",
            Self::LentToAnother => "lent-to-another",
            Self::RenewalLimitReached { .. } => "renewal-limit-reached",
            Self::RenewalGainsNothing => "renewal-gains-nothing",
            Self::ReturnedAlready => "returned-already",
            Self::NotUndoable => "not-undoable",
            Self::StopOpen => "stop-open",
            Self::NoStopOpen => "no-stop-open",
            Self::NoRoom => "no-room",
            Self::Failed => "failed",
        }
    }

    /// The word as it stands in the outcome of a fact.
    #[must_use]
    pub fn reason(self) -> Label {
        self.word().parse().expect("our words are labels")
    }
}
