//! What the library system answers, in words the desk's core can judge. The shell translates.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest words kept of the library system, in characters: a screen of a self-checkout.
const WORDS_CHARS_MAX: usize = 300;

/// An answer to what the desk asked or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a question: the state of the item and, where asked, of the reader.
    Seen(Sighting),
    /// To a deed: done, or refused.
    Told(Told),
    /// The reader's identity is erased or cannot be opened: nothing was sent.
    NoReader,
    /// There is none: a deed may have been done.
    Failed(Failure),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong, for the desk to judge.
    pub kind: FailureKind,
    /// What happened, for people to read. It names no reader.
    pub words: Option<Words>,
}

/// What is wrong where there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The connection broke, or no answer came in time.
    Broken,
    /// It was answered, but with something that is no answer to it.
    Unmatched,
    /// It cannot be written as the library system reads it: nothing was sent.
    Unwritable,
}

impl Failure {
    /// The connection broke, and nobody says how.
    #[must_use]
    pub fn broken() -> Self {
        Self {
            kind: FailureKind::Broken,
            words: None,
        }
    }
}

/// The state of an item, and whether a reader has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Where the item is, by the item information.
    pub circulation: Circulation,
    /// When it is due back, where the library system says.
    pub due: Option<Timestamp>,
    /// The reader that was asked about; none where none was.
    pub reader: Option<ReaderSeen>,
    /// The library system's own words, where it had any.
    pub words: Option<Words>,
}

/// Where an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Circulation {
    /// Lent to somebody (charged, recalled, claimed returned).
    OnLoan,
    /// In the library, or on its way within it.
    In,
    /// In the library, and kept for somebody.
    OnHoldShelf,
    /// Lost or missing.
    Lost,
    /// The library system does not know such an item.
    NoSuchItem,
    /// It does not say.
    Silent,
}

/// A reader as the library system shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderSeen {
    /// Whether the library system lends to this reader.
    pub standing: ReaderStanding,
    /// Whether the item is among what the reader has.
    pub item: Charged,
}

/// Whether the library system lends to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReaderStanding {
    /// It does.
    Good,
    /// It does not: fines, overdue items, a card reported lost.
    Blocked,
    /// It does not: the reader has as much as one may have.
    AtLimit,
    /// It does not know the reader, or no longer.
    Unknown,
}

/// Whether an item is among what a reader has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charged {
    /// It is listed.
    Listed,
    /// It is not among the items listed, if any are.
    NotListed,
    /// The reader has items, but they are not listed.
    Withheld,
}

/// What became of a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether the library system did it.
    pub is_done: bool,
    /// Its own words, where it had any.
    pub words: Option<Words>,
}

/// What the library system said, for people to read. Whoever makes these has taken out what names
/// a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Words(String);

impl Words {
    /// Words as given, cut to 300 characters; none where there are none. They must name no reader.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().take(WORDS_CHARS_MAX).collect();
        (!text.is_empty()).then_some(Self(text))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Sighting {
    /// Nothing was seen.
    pub(crate) fn nothing() -> Self {
        Self {
            circulation: Circulation::Silent,
            due: None,
            reader: None,
            words: None,
        }
    }

    /// Whether the reader that was asked about is shown to have the item.
    #[must_use]
    pub(crate) fn is_with_reader(&self) -> bool {
        self.charged() == Some(Charged::Listed)
    }

    pub(crate) fn charged(&self) -> Option<Charged> {
        self.reader.as_ref().map(|reader| reader.item)
    }

    pub(crate) fn reader_standing(&self) -> Option<ReaderStanding> {
        self.reader.as_ref().map(|reader| reader.standing)
    }
}
