//! Licences as suppliers write them: which title, from when to when, how many copies, where, and
//! whether it may be borrowed on a phone.
//!
//! Two forms are read, a table ([`table`]) and an OPDS 2.0 feed ([`feed`]). What is not
//! understood is told by line and column, all of it at once.

mod cell;
pub(crate) mod day;
mod feed;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_wire::{BlobHash, Label};
use url::Url;

use crate::isbn::Isbn;

pub use cell::CellFault;

/// Bytes of a list of licences at most: 50,000 titles.
pub const LICENCES_BYTES_MAX: u64 = 16 << 20;

/// Titles in a list at most.
const TITLES_MAX: usize = 50_000;

/// Problems told at most; a list with more of them is another kind of file.
const PROBLEMS_MAX: usize = 200;

/// What a list says of one title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Licence {
    /// Which title.
    pub subject: Subject,
    /// When it may be read.
    pub window: Window,
    /// How many copies, and where.
    pub grant: Grant,
    /// Whether it may be borrowed on a phone.
    pub phone: Phone,
    /// What the list says of the title; it counts where the file says nothing.
    pub told: Told,
    /// Where it stands.
    pub place: Place,
}

/// Which title a licence is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The one in this file of the folder.
    File(String),
    /// The one with this number.
    Isbn(Isbn),
    /// The one with these bytes.
    Blob(BlobHash),
}

/// When a title may be read, half open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Window {
    /// From then on; none where it has always begun.
    pub since: Option<Timestamp>,
    /// No more from then on; none where it never ends.
    pub until: Option<Timestamp>,
}

/// How many copies a licence allows, and where. Sites are named as the list names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// In all places together: so many, or as many as like.
    Everywhere(Option<NonZeroU32>),
    /// In these sites together.
    Within {
        /// Where.
        sites: Vec<Label>,
        /// So many, or as many as like.
        copies: Option<NonZeroU32>,
    },
    /// In each of these sites so many.
    BySite(BTreeMap<Label, NonZeroU32>),
}

/// Whether a title may be borrowed on a phone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Phone {
    /// The licence allows it; where, is the library's own affair.
    Allowed,
    /// It may, at this address of the licence's own.
    At(Url),
    /// It does not, or says nothing.
    #[default]
    NotAllowed,
}

/// What a list says of a title.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Its title.
    pub title: Option<Label>,
    /// Who wrote it.
    pub authors: Vec<Label>,
    /// BCP 47.
    pub languages: Vec<Label>,
    /// Who brought it out.
    pub publisher: Option<Label>,
}

/// Where in a list something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of a table; the first is 1.
    Line(u64),
    /// A publication of a feed; the first is 1.
    Publication(u64),
}

/// What in a list is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}, {column}: {fault}")]
pub struct LicenceProblem {
    /// Where.
    pub place: Place,
    /// Under which heading, or as which member.
    pub column: String,
    /// What is wrong.
    pub fault: CellFault,
}

/// A list, as far as it is understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LicenceList {
    /// What it says, in its order.
    pub licences: Vec<Licence>,
    /// What of it is not understood.
    pub problems: Vec<LicenceProblem>,
}

impl LicenceList {
    /// Reads a list: a feed where it begins as JSON, otherwise a table. Days are the library's.
    #[must_use]
    pub fn read(bytes: &[u8], zone: &TimeZone) -> Self {
        let begins = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut list = match begins.trim_ascii_start().first() {
            Some(b'{') => feed::read(begins, zone),
            _ => table::read(bytes, zone),
        };
        list.problems.truncate(PROBLEMS_MAX);
        list
    }
}

impl Window {
    /// The window as people of a zone read it; a day's end is 24:00 of that day.
    #[must_use]
    pub fn shown(&self, zone: &TimeZone) -> String {
        let since = self.since.map(|at| day::shown_beginning(at, zone));
        let until = self.until.map(|at| day::shown_end(at, zone));
        match (since, until) {
            (None, None) => "always".into(),
            (Some(since), None) => format!("from {since}"),
            (None, Some(until)) => format!("until {until}"),
            (Some(since), Some(until)) => format!("{since} – {until}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Publication(number) => write!(f, "publication {number}"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => write!(f, "the file {name:?}"),
            Self::Isbn(isbn) => write!(f, "ISBN {isbn}"),
            Self::Blob(blob) => write!(f, "SHA-256 {blob}"),
        }
    }
}

#[cfg(test)]
mod tests;
