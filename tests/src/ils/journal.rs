//! What a library system executed, in its order: what exactly once is counted by.

use jiff::Timestamp;
use jiff::civil::DateTime;

/// All that was executed; what was refused is not in it.
#[derive(Debug, Clone, Default)]
pub struct Journal(Vec<Entry>);

/// One thing that was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, by the system's clock.
    pub executed: Timestamp,
    /// When it happened, as the request says; the system's time where it does not.
    pub happened: DateTime,
    /// Whether the request said that nothing is to be refused.
    pub no_block: bool,
    /// What.
    pub deed: Deed,
}

/// What was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// An item went out.
    Checkout {
        /// Which.
        item: String,
        /// To whom.
        patron: String,
        /// Until when.
        due: DateTime,
    },
    /// An item is kept longer: by 29, or by 11 from the patron who has it.
    Renew {
        /// Which.
        item: String,
        /// By whom.
        patron: String,
        /// Until when.
        due: DateTime,
    },
    /// An item came back.
    Checkin {
        /// Which.
        item: String,
        /// From whom; none where nobody had it.
        patron: Option<String>,
    },
    /// A card was blocked.
    Block {
        /// Whose.
        patron: String,
    },
    /// A fee was paid.
    FeePaid {
        /// By whom.
        patron: String,
        /// How much.
        amount: String,
    },
}

impl Journal {
    /// In the order of execution.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// What was done, without when.
    #[must_use]
    pub fn deeds(&self) -> Vec<Deed> {
        self.0.iter().map(|entry| entry.deed.clone()).collect()
    }

    /// What happened to one item.
    #[must_use]
    pub fn of_item(&self, barcode: &str) -> Vec<Deed> {
        self.deeds()
            .into_iter()
            .filter(|deed| deed.item() == Some(barcode))
            .collect()
    }

    pub(crate) fn note(&mut self, entry: Entry) {
        self.0.push(entry);
    }
}

impl Deed {
    /// The item it is about.
    #[must_use]
    pub fn item(&self) -> Option<&str> {
        match self {
            Self::Checkout { item, .. } | Self::Renew { item, .. } | Self::Checkin { item, .. } => {
                Some(item)
            }
            Self::Block { .. } | Self::FeePaid { .. } => None,
        }
    }
}
