//! What comes out of the desk: what to commit, what to ask, what to do.

use jiff::Timestamp;
use lujiang_wire::Label;
use serde::{Deserialize, Serialize};

use crate::desk::ability::Abilities;
use crate::desk::fact::ReaderRef;
use crate::desk::item::ItemRecord;
use crate::desk::step::Errand;
use crate::entry::EntryNumber;
use crate::ruling::RulingReason;

/// What the shell is to do next. One is on disk, or answered, before the next is performed.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Commit this.
    Keep(Box<Keep>),
    /// Commit what the library system has been found able to answer.
    KeepAbilities(Abilities),
    /// Ask the library system; nothing changes there.
    Ask(Question),
    /// Have the library system do something. The intent is on disk.
    Do(Order),
}

/// What is to be committed at once, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Keep {
    /// The item's row, whole; it replaces the one before.
    pub record: ItemRecord,
    /// What is still to be done about it.
    pub rest: Rest,
    /// The facts that are settled by this.
    pub settled: Vec<Settlement>,
}

/// What is still to be done about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Something: after a restart the desk wants the row.
    Moving,
    /// Nothing until staff rules, or another fact comes. The row is no longer in the desk.
    Held,
    /// Nothing. The row is no longer in the desk.
    Quiet,
}

/// A fact that needs no more doing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The fact.
    pub number: EntryNumber,
    /// Why.
    pub settled: Settled,
    /// When.
    pub at: Timestamp,
}

/// Why a fact needs no more doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settled {
    /// The library system granted it itself.
    OnLine,
    /// The desk told the library system.
    Told,
    /// The library system knew.
    AlreadyKnown,
    /// It went out in a file for the library system.
    Exported,
    /// It is history.
    Over(Over),
    /// Nobody knew whether it was done, and the library system shows nothing of it.
    NotDone,
    /// It did not happen after all; or the word that says so was heeded.
    Undone,
    /// Staff let it be.
    Dismissed(RulingReason),
}

/// Why a fact is history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// The item came back since.
    ReturnedSince,
    /// The item was lent since.
    LentSince,
    /// It was renewed again since.
    RenewedSince,
    /// The library system, asked, has the item with nobody, and had heard of it since.
    GoneSince,
    /// The item came back since; the library system was told of the loan and of its return.
    ToldWithReturn,
    /// It was in dispute, and a later fact at hand ends the loan: nothing is left to decide.
    Moot,
}

/// A question to the library system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// To be given back with the answer.
    pub request: RequestNumber,
    /// The fact it is asked for.
    pub fact: EntryNumber,
    /// The item whose state is asked.
    pub item: Label,
    /// The reader whose standing and items are asked too.
    pub reader: Option<ReaderRef>,
}

/// A deed the library system is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// To be given back with the answer.
    pub request: RequestNumber,
    /// The fact it is done for.
    pub fact: EntryNumber,
    /// The item.
    pub item: Label,
    /// What for; [`Errand::kind`] is what the message says.
    pub errand: Errand,
    /// To whom, where it is lent or lent on.
    pub reader: Option<ReaderRef>,
    /// Until when, where it is lent or lent on and the fact says so.
    pub due: Option<Timestamp>,
    /// When it happened.
    pub happened: Timestamp,
    /// Whether to say that it already happened and is not to be refused ("no block").
    pub no_block: bool,
}

/// Names one request of this run of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestNumber(pub u64);

impl Settled {
    /// The name in the store and the API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::OnLine => "on-line",
            Self::Told => "told",
            Self::AlreadyKnown => "already-known",
            Self::Exported => "exported",
            Self::Over(Over::ReturnedSince) => "returned-since",
            Self::Over(Over::LentSince) => "lent-since",
            Self::Over(Over::RenewedSince) => "renewed-since",
            Self::Over(Over::GoneSince) => "gone-since",
            Self::Over(Over::ToldWithReturn) => "told-with-return",
            Self::Over(Over::Moot) => "moot",
            Self::NotDone => "not-done",
            Self::Undone => "undone",
            Self::Dismissed(_) => "dismissed",
        }
    }
}
