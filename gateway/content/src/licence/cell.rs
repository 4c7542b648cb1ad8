//! One cell of a list: what it may hold, and what it means.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::tz::TimeZone;
use lujiang_wire::{BlobHash, Label};
use url::Url;

use super::day::{self, DayFault};
use super::{Grant, Phone, Subject, Window};
use crate::book::line;

/// Characters of a cell that are told again in a message.
const SHOWN_MAX: usize = 40;

/// Copies of one licence at most: more than all readers of a country.
const COPIES_MAX: u32 = 1_000_000_000;

/// Characters of an address at most.
const ADDRESS_MAX: usize = 400;

/// Sites in one cell at most.
const SITES_MAX: usize = 1_000;

/// What is wrong with a cell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellFault {
    /// The table cannot be taken apart.
    #[error("not CSV: {0}")]
    Csv(String),
    /// The feed cannot be taken apart.
    #[error("not an OPDS 2.0 feed: {0}")]
    Feed(String),
    /// A list of too many titles.
    #[error("a list has at most {0} titles")]
    Long(usize),
    /// A heading is missing without which nothing is known.
    #[error("a column `file`, `isbn` or `sha256` is needed")]
    NoSubjectColumn,
    /// Two columns of the same meaning.
    #[error("two columns mean the same")]
    SameColumn,
    /// A column nobody knows: a mistyped `end` would make a licence endless.
    #[error("no such column; known are {0}")]
    UnknownColumn(String),
    /// Nothing says which title it is.
    #[error("it names no title")]
    NoSubject,
    /// Not a date.
    #[error("{found} is no date: {fault}")]
    Day {
        /// What stands there.
        found: String,
        /// Why.
        fault: DayFault,
    },
    /// It ends before it begins.
    #[error("it ends before it begins")]
    Backwards,
    /// Not a number of copies.
    #[error("{0} is no number of copies: 1 to {COPIES_MAX}, or nothing for as many as like")]
    Copies(String),
    /// Not a list of sites.
    #[error("{0} is no list of sites: `main;east`, or `main=2;east=1` with copies by site")]
    Sites(String),
    /// Copies by site, and another number of copies beside them.
    #[error("the copies by site are {by_site} together, and {beside} stand in `copies`")]
    CopiesBeside {
        /// Their sum.
        by_site: u64,
        /// What stands beside.
        beside: u32,
    },
    /// Neither yes nor no.
    #[error("{0} is neither yes, no, nor an address that begins with https://")]
    YesNo(String),
    /// Not an ISBN.
    #[error("{0} is no ISBN: 10 or 13 digits, the last of which fits the others")]
    Isbn(String),
    /// Not a SHA-256.
    #[error("{0} is no SHA-256: 64 hexadecimal digits")]
    Blob(String),
    /// Not the name of a file in the folder.
    #[error("{0} is no name of a file in the folder")]
    File(String),
}

/// What stood there, so that it can be shown on any terminal: cut, and every control character
/// written out.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_MAX).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{:?}{more}", cut)
}

pub(super) fn isbn(text: &str) -> Result<Subject, CellFault> {
    let isbn = text.parse().map(Subject::Isbn);
    isbn.map_err(|_| CellFault::Isbn(shown(text)))
}

pub(super) fn blob(text: &str) -> Result<Subject, CellFault> {
    let blob: Result<BlobHash, _> = text.to_ascii_lowercase().parse();
    blob.map(Subject::Blob)
        .map_err(|_| CellFault::Blob(shown(text)))
}

/// A name within the folder, with `/` on every system.
pub(super) fn file(text: &str) -> Result<Subject, CellFault> {
    let name = text.replace('\\', "/");
    let name = name.strip_prefix("./").unwrap_or(&name);
    let is_within = name
        .split('/')
        .all(|it| !it.is_empty() && it != "." && it != "..");
    let is_plain = name.len() <= 500 && !name.chars().any(char::is_control);
    match is_within && is_plain {
        true => Ok(Subject::File(name.to_owned())),
        false => Err(CellFault::File(shown(text))),
    }
}

pub(super) fn since(text: &str, zone: &TimeZone) -> Result<Window, CellFault> {
    let since = day::beginning(text, zone).map_err(|fault| day_fault(text, fault))?;
    Ok(Window { since, until: None })
}

/// The window with its end; an end before the beginning is no window.
pub(super) fn until(window: Window, text: &str, zone: &TimeZone) -> Result<Window, CellFault> {
    let until = day::end(text, zone).map_err(|fault| day_fault(text, fault))?;
    let window = Window { until, ..window };
    match (window.since, window.until) {
        (Some(since), Some(until)) if until <= since => Err(CellFault::Backwards),
        _ => Ok(window),
    }
}

fn day_fault(text: &str, fault: DayFault) -> CellFault {
    let found = shown(text);
    CellFault::Day { found, fault }
}

pub(super) fn copies(text: &str) -> Result<Option<NonZeroU32>, CellFault> {
    match text.to_lowercase().as_str() {
        "" | "unlimited" | "不限" => Ok(None),
        number => {
            let number: Option<NonZeroU32> = number.parse().ok();
            let number = number.filter(|number| number.get() <= COPIES_MAX);
            number
                .map(Some)
                .ok_or_else(|| CellFault::Copies(shown(text)))
        }
    }
}

/// What a cell of sites allows: `main;east` together, or `main=2;east=1` each.
pub(super) fn grant(text: &str, copies: Option<NonZeroU32>) -> Result<Grant, CellFault> {
    let refused = || CellFault::Sites(shown(text));
    let parts = text.split([';', '；', '、']).map(str::trim);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Ok(Grant::Everywhere(copies));
    }
    if parts.len() > SITES_MAX {
        return Err(refused());
    }
    if !parts.iter().any(|part| part.contains(['=', '＝'])) {
        let site = |part: &&str| part.parse().map_err(|_| refused());
        let mut sites: Vec<Label> = parts.iter().map(site).collect::<Result<_, _>>()?;
        sites.sort();
        sites.dedup();
        return Ok(Grant::Within { sites, copies });
    }
    let mut by_site = BTreeMap::new();
    for part in parts {
        let (site, number) = part.split_once(['=', '＝']).ok_or_else(refused)?;
        let site: Label = site.trim().parse().map_err(|_| refused())?;
        let number: NonZeroU32 = number.trim().parse().map_err(|_| refused())?;
        if number.get() > COPIES_MAX || by_site.insert(site, number).is_some() {
            return Err(refused());
        }
    }
    let sum: u64 = by_site.values().map(|number| u64::from(number.get())).sum();
    match copies {
        Some(copies) if u64::from(copies.get()) != sum => Err(CellFault::CopiesBeside {
            by_site: sum,
            beside: copies.get(),
        }),
        Some(_) | None => Ok(Grant::BySite(by_site)),
    }
}

pub(super) fn phone(text: &str) -> Result<Phone, CellFault> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "是" => Ok(Phone::Allowed),
        "" | "no" | "n" | "false" | "0" | "否" => Ok(Phone::NotAllowed),
        _ => address(text)
            .map(Phone::At)
            .ok_or_else(|| CellFault::YesNo(shown(text))),
    }
}

/// An address on the Web, short enough for a code that a phone reads off a screen.
pub(super) fn address(text: &str) -> Option<Url> {
    let address = Url::parse(text).ok()?;
    let is_web = matches!(address.scheme(), "https" | "http") && address.has_host();
    let is_plain = address.username().is_empty() && address.password().is_none();
    (is_web && is_plain && address.as_str().len() <= ADDRESS_MAX).then_some(address)
}

/// Several names in one cell.
pub(super) fn names(text: &str) -> Vec<Label> {
    text.split([';', '；', '、'])
        .filter_map(line)
        .take(20)
        .collect()
}
