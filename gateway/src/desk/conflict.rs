//! A conflict: a fact the library system disputes, or of which nobody knows what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::desk::policy::Response;
use crate::desk::sighting::{Circulation, ReaderStanding, Sighting, Words};
use crate::desk::step::{Errand, Intent};

/// A fact in dispute. It holds back the later facts of its item, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// What is wrong.
    pub kind: ConflictKind,
    /// The library system's own words, where it had any; where it could not be asked, what happened.
    pub words: Option<Words>,
    /// Since when the fact is in dispute, on and off.
    pub since: Timestamp,
    /// When it is tried again by itself; none where it is held for staff.
    pub retry_at: Option<Timestamp>,
    /// What may or may not have been done, where that is the question.
    pub(crate) intent: Option<Intent>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictKind {
    /// The item is on loan to another reader.
    OutToAnother,
    /// A renewal of what is not on loan.
    NotOnLoan,
    /// No such item.
    ItemUnknown,
    /// The item is lost or missing.
    ItemLost,
    /// No such reader, or no longer one.
    ReaderUnknown,
    /// The reader's identity was erased, or cannot be opened.
    ReaderErased,
    /// The reader is blocked.
    Block,
    /// The reader has as much as one may have.
    ReaderLimit,
    /// The item is kept for another reader.
    Reserved,
    /// It may not be renewed again.
    RenewalLimit,
    /// Refused for a reason only the words tell.
    Refused,
    /// Nobody knows whether it was done.
    Unresolved,
    /// Late news of a loan, and the item is on loan to another since.
    LateWhileLent,
    /// The time of the fact is unknown, and it matters.
    OrderUnclear,
    /// A return or renewal was undone that the library system had heard of, or a loan that had taken
    /// the item from its reader there: nobody knows to whom, or until when, it was lent before.
    UndoneTooLate,
    /// The library system had lent or renewed the item by the time it heard of an earlier loan or
    /// return.
    Overtaken,
}

impl ConflictKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::OutToAnother,
        Self::NotOnLoan,
        Self::ItemUnknown,
        Self::ItemLost,
        Self::ReaderUnknown,
        Self::ReaderErased,
        Self::Block,
        Self::ReaderLimit,
        Self::Reserved,
        Self::RenewalLimit,
        Self::Refused,
        Self::Unresolved,
        Self::LateWhileLent,
        Self::OrderUnclear,
        Self::UndoneTooLate,
        Self::Overtaken,
    ];

    /// The name in the store, the API and the papers of devices.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutToAnother => "on-loan-to-another",
            Self::NotOnLoan => "not-on-loan",
            Self::ItemUnknown => "item-unknown",
            Self::ItemLost => "item-lost",
            Self::ReaderUnknown => "reader-unknown",
            Self::ReaderErased => "reader-erased",
            Self::Block => "reader-blocked",
            Self::ReaderLimit => "reader-at-limit",
            Self::Reserved => "reserved",
            Self::RenewalLimit => "renewal-limit",
            Self::Refused => "refused",
            Self::Unresolved => "unresolved",
            Self::LateWhileLent => "late-while-lent",
            Self::OrderUnclear => "order-unclear",
            Self::UndoneTooLate => "undone-too-late",
            Self::Overtaken => "overtaken",
        }
    }

    /// What it means, for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::OutToAnother => "The library system has the item on loan to another reader.",
            Self::NotOnLoan => "It was renewed, but the library system has it on loan to nobody.",
            Self::ItemUnknown => "The library system does not know the item.",
            Self::ItemLost => "The library system has the item as lost or missing.",
            Self::ReaderUnknown => "The library system does not know the reader, or no longer.",
            Self::ReaderErased => "The reader's identity is no longer kept here.",
            Self::Block => "The library system has blocked the reader.",
            Self::ReaderLimit => "The reader has as much as one may have.",
            Self::Reserved => "The item is kept for another reader.",
            Self::RenewalLimit => "The library system does not renew it again.",
            Self::Refused => "The library system refused.",
            Self::Unresolved => "The library system cannot say whether it was done.",
            Self::LateWhileLent => {
                "The item was lent again before this loan was heard of, and another reader has it."
            }
            Self::OrderUnclear => {
                "Its time is unknown, and so is whether the item was lent or returned before it."
            }
            Self::UndoneTooLate => {
                "It was undone after the library system had heard of it, or after it had gone out in \
                 a file, and what was before cannot be told again."
            }
            Self::Overtaken => {
                "It was lent or renewed on-line, and an earlier fact that came in later has ended \
                 that in the library system."
            }
        }
    }

    /// What is done about it unless the library wants otherwise: what may mend itself is tried
    /// again, what may harm a reader is left to people.
    #[must_use]
    pub fn usual_response(self) -> Response {
        match self {
            Self::ReaderUnknown | Self::ReaderLimit => Response::RetryLater,
            Self::OutToAnother | Self::NotOnLoan | Self::ItemUnknown => Response::Hold,
            Self::ItemLost | Self::ReaderErased | Self::Block | Self::Reserved => Response::Hold,
            Self::RenewalLimit | Self::Refused | Self::Unresolved => Response::Hold,
            Self::LateWhileLent | Self::OrderUnclear | Self::UndoneTooLate => Response::Hold,
            Self::Overtaken => Response::Hold,
        }
    }

    /// Why a deed was refused, by what had been seen before it.
    pub(crate) fn of_refusal(errand: Errand, saw: &Sighting) -> Self {
        let is_held = saw.circulation == Circulation::OnHoldShelf;
        match (errand, saw.reader_standing()) {
            (Errand::Checkin | Errand::TakeBackFirst | Errand::PastCheckin, _) => Self::Refused,
            (_, Some(ReaderStanding::Unknown)) => Self::ReaderUnknown,
            (_, Some(ReaderStanding::Blocked)) => Self::Block,
            (Errand::Renew, _) => Self::RenewalLimit,
            (_, Some(ReaderStanding::AtLimit)) => Self::ReaderLimit,
            (Errand::Checkout | Errand::PastCheckout, _) if is_held => Self::Reserved,
            (Errand::Checkout | Errand::PastCheckout, _) => Self::Refused,
        }
    }
}

impl std::str::FromStr for ConflictKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no kind of conflict"))
    }
}
