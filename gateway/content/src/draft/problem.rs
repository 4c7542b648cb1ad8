//! What is wrong with a draft, in words that say what to do.

use crate::book::{BookFault, CoverFault, Protection};
use crate::licence::CellFault;

/// A problem with a file, a line of the licences, or a title.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{about}: {fault}")]
pub struct Problem {
    /// Which file, line or title; fit to be shown.
    pub about: String,
    /// What is wrong.
    pub fault: Fault,
}

/// How grave a problem is; the graver, the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// What it is about is not in the release.
    Refused,
    /// It is; somebody should look.
    Warning,
}

/// What may be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file is no book, or means harm.
    #[error("{0}")]
    Book(String),
    /// The file is no book, nor calls itself one.
    #[error("neither an EPUB nor a PDF: it is left out")]
    NoBook,
    /// No kiosk could open it.
    #[error("{0}: no kiosk can open it")]
    Protected(Protection),
    /// Nobody says it may be shown.
    #[error("no line of the licences is about it")]
    NoLicence,
    /// Several lines of the licences are about it.
    #[error("{0} are about it: one title has one licence")]
    TwoLicences(String),
    /// The licence is over.
    #[error("its licence ended {0}")]
    Over(String),
    /// The licence names a site that is none.
    #[error("{0:?} is no site here")]
    NoSite(String),
    /// Names one site in two ways.
    #[error("{0:?} is named twice")]
    SiteTwice(String),
    /// A line is not understood.
    #[error("{0}")]
    Cell(CellFault),
    /// A line is about what is nowhere.
    #[error("{0} is neither in the folder nor on the shelf")]
    NoTitle(String),
    /// What is to be retired is not on the shelf.
    #[error("it cannot be retired: the release before does not have it")]
    NothingToRetire,
    /// It has the same bytes as another.
    #[error("the same bytes as {other}: it is left out")]
    SameBytes {
        /// The other file.
        other: String,
    },
    /// Another file has its number.
    #[error("it has the ISBN of {other}: it is known by its hash")]
    SameIsbn {
        /// The other title.
        other: String,
    },
    /// It takes the place of a title that is called otherwise.
    #[error("it takes the place of {before:?}, which has its ISBN: is it the same book?")]
    AnotherTitle {
        /// What that one is called.
        before: String,
    },
    /// It was on the shelf in a release before the last.
    #[error("the same file was in {release} already")]
    Earlier {
        /// Which.
        release: String,
    },
    /// It does not say what it is called.
    #[error("it tells no title: its file's name is shown")]
    NoName,
    /// Its cover is not taken.
    #[error("{0}: it is shown without one")]
    Cover(CoverFault),
    /// Nobody shows books at all.
    #[error("no device is a kiosk: what is licensed in a number is shown nowhere")]
    NoKiosks,
    /// Nobody stands where it is licensed.
    #[error("no kiosk stands where it is licensed: it is shown nowhere")]
    NoKiosk,
    /// Fewer copies than kiosks.
    #[error("{copies} copies for {kiosks} kiosks: some have none")]
    FewCopies {
        /// Copies.
        copies: u32,
        /// Kiosks that might have it.
        kiosks: usize,
    },
}

impl Problem {
    /// How grave it is.
    #[must_use]
    pub fn gravity(&self) -> Gravity {
        match &self.fault {
            Fault::Book(_)
            | Fault::Protected(_)
            | Fault::NoLicence
            | Fault::TwoLicences(_)
            | Fault::Over(_)
            | Fault::NoSite(_)
            | Fault::SiteTwice(_)
            | Fault::Cell(_)
            | Fault::NoTitle(_)
            | Fault::NothingToRetire => Gravity::Refused,
            Fault::NoBook
            | Fault::SameBytes { .. }
            | Fault::SameIsbn { .. }
            | Fault::AnotherTitle { .. }
            | Fault::Earlier { .. }
            | Fault::NoName
            | Fault::Cover(_)
            | Fault::NoKiosk
            | Fault::NoKiosks
            | Fault::FewCopies { .. } => Gravity::Warning,
        }
    }
}

impl Fault {
    /// What is wrong as a word, for who says it in another language.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Book(_) => "book",
            Self::NoBook => "no-book",
            Self::Protected(_) => "protected",
            Self::NoLicence => "no-licence",
            Self::TwoLicences(_) => "two-licences",
            Self::Over(_) => "over",
            Self::NoSite(_) => "no-site",
            Self::SiteTwice(_) => "site-twice",
            Self::Cell(_) => "cell",
            Self::NoTitle(_) => "no-title",
            Self::NothingToRetire => "nothing-to-retire",
            Self::SameBytes { .. } => "same-bytes",
            Self::SameIsbn { .. } => "same-isbn",
            Self::AnotherTitle { .. } => "another-title",
            Self::Earlier { .. } => "earlier",
            Self::NoName => "no-name",
            Self::Cover(_) => "cover",
            Self::NoKiosks => "no-kiosks",
            Self::NoKiosk => "no-kiosk",
            Self::FewCopies { .. } => "few-copies",
        }
    }
}

impl From<BookFault> for Fault {
    fn from(fault: BookFault) -> Self {
        Self::Book(fault.to_string())
    }
}
