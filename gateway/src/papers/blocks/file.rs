//! A list of blocked readers as a library system exports it.
//!
//! Only the columns that matter are read, as bytes: names and addresses beside them may be in
//! any charset, and are never looked at.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil::Date;
use lujiang_wire::{Label, normalise_reader};

use super::BlockSource;

/// Most readers of a list: a device is sent 25 bytes for each.
const READERS_MAX: usize = 100_000;

/// Problems told one by one; the rest is counted.
const PROBLEMS_MAX: usize = 1_000;

/// The codes of Evergreen's off-line block list, and what each means here.
const EVERGREEN_CODES: [(&str, Why); 4] = [
    ("B", Why::Blocked),
    ("D", Why::Blocked),
    ("E", Why::Expired),
    ("L", Why::Blocked),
];

/// What was understood of a file. It is shown without its readers.
#[derive(Clone, PartialEq, Eq)]
pub struct BlockFile {
    /// Whom nothing is lent, in their one form.
    pub readers: BTreeSet<String>,
    /// What its lines said.
    pub understood: Understood,
    /// The first of its problems.
    pub problems: Vec<BlockProblem>,
    /// How many there are.
    pub problems_total: u64,
}

/// What the lines of a file said; together all that were understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Understood {
    /// A reader who is barred, or whose card is lost.
    pub blocked: u64,
    /// A reader whose card has expired.
    pub expired: u64,
    /// A reader who may borrow.
    pub free: u64,
    /// A reader who was blocked by an earlier line.
    pub repeated: u64,
}

/// A line that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockProblem {
    /// Which, from 1.
    pub line: u64,
    /// The column; the whole line where there is none.
    pub column: Option<String>,
    /// What was expected there.
    pub expected: String,
}

/// Why a file is no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    /// It has no heading, or one without the columns that matter.
    #[error("expected a heading with {0}")]
    Heading(String),
    /// It is longer than any device is given.
    #[error("more than {READERS_MAX} blocked readers")]
    TooLong,
}

/// Why nothing is lent to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Blocked,
    Expired,
}

/// What a column says about lending.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Blocked through this day; for good where none stands there.
    Until,
    /// Blocked through this day; not at all where none stands there.
    Debarred,
    /// Good through this day.
    Expiry,
    /// Blocked where it is set.
    Flag(Why),
    /// Blocked where it is not set.
    Active,
}

/// The columns of a format, by the names they go by.
struct Form {
    reader: &'static [&'static str],
    rules: &'static [(&'static str, Rule)],
    /// Whether a file may have none of the rules: then every line is a blocked reader.
    is_bare_good: bool,
}

const CSV: Form = Form {
    reader: &["reader", "barcode", "cardnumber", "读者证号", "证号"],
    rules: &[("until", Rule::Until)],
    is_bare_good: true,
};

const KOHA: Form = Form {
    reader: &["cardnumber"],
    rules: &[
        ("debarred", Rule::Debarred),
        ("dateexpiry", Rule::Expiry),
        ("lost", Rule::Flag(Why::Blocked)),
        ("gonenoaddress", Rule::Flag(Why::Blocked)),
    ],
    is_bare_good: false,
};

const EVERGREEN: Form = Form {
    reader: &["barcode", "patron_barcode"],
    rules: &[
        ("barred", Rule::Flag(Why::Blocked)),
        ("expire_date", Rule::Expiry),
        ("expired", Rule::Flag(Why::Expired)),
        ("deleted", Rule::Flag(Why::Blocked)),
        ("active", Rule::Active),
    ],
    is_bare_good: false,
};

impl BlockFile {
    /// Reads a file as of a day.
    ///
    /// # Errors
    /// Where it is no list at all.
    pub fn read(from: BlockSource, bytes: &[u8], today: Date) -> Result<Self, NotAList> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let form = match from {
            BlockSource::Csv => &CSV,
            BlockSource::Koha => &KOHA,
            BlockSource::Evergreen if is_code_list(bytes) => return Self::code_list(bytes),
            BlockSource::Evergreen => &EVERGREEN,
        };
        Self::table(form, bytes, today)
    }

    /// Its readers, one a line, as they are sealed.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let readers: Vec<&str> = self.readers.iter().map(String::as_str).collect();
        readers.join("\n").into_bytes()
    }

    fn empty() -> Self {
        Self {
            readers: BTreeSet::new(),
            understood: Understood::default(),
            problems: Vec::new(),
            problems_total: 0,
        }
    }

    fn table(form: &Form, bytes: &[u8], today: Date) -> Result<Self, NotAList> {
        let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
        let count = |delimiter: u8| first.iter().filter(|byte| **byte == delimiter).count();
        let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|it| count(*it));
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter.unwrap_or(b','))
            .from_reader(bytes);
        let mut record = ByteRecord::new();
        let heading = match reader.read_byte_record(&mut record) {
            Ok(true) => Heading::of(form, &record)?,
            // A slice is always read; without a line it is empty.
            Ok(false) | Err(_) => return Err(form.not_a_list()),
        };
        let mut file = Self::empty();
        // As above: reading a slice does not fail, and lines may be of any length.
        while let Ok(true) = reader.read_byte_record(&mut record) {
            let line = record.position().map_or(0, csv::Position::line);
            match heading.line(&record, today) {
                Ok((reader, why)) => file.take(reader, why)?,
                Err((column, expected)) => file.complain(line, column, expected),
            }
        }
        Ok(file)
    }

    /// A barcode, a blank and a letter a line.
    fn code_list(bytes: &[u8]) -> Result<Self, NotAList> {
        let mut file = Self::empty();
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let text = String::from_utf8_lossy(line);
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let read = text.rsplit_once(' ').and_then(|(reader, code)| {
                let known = EVERGREEN_CODES.iter().find(|(known, _)| *known == code);
                Some((reader_of(reader.as_bytes())?, known?.1))
            });
            match read {
                Some((reader, why)) => file.take(reader, Some(why))?,
                None => {
                    let expected = "a barcode and one of B, D, E, L".to_owned();
                    file.complain(number as u64 + 1, None, expected);
                }
            }
        }
        Ok(file)
    }

    fn take(&mut self, reader: String, why: Option<Why>) -> Result<(), NotAList> {
        let Some(why) = why else {
            self.understood.free += 1;
            return Ok(());
        };
        if !self.readers.insert(reader) {
            self.understood.repeated += 1;
            return Ok(());
        }
        match why {
            Why::Blocked => self.understood.blocked += 1,
            Why::Expired => self.understood.expired += 1,
        }
        match self.readers.len() > READERS_MAX {
            true => Err(NotAList::TooLong),
            false => Ok(()),
        }
    }

    fn complain(&mut self, line: u64, column: Option<String>, expected: String) {
        self.problems_total += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(BlockProblem {
                line,
                column,
                expected,
            });
        }
    }
}

impl std::fmt::Debug for BlockFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockFile")
            .field("readers", &self.readers.len())
            .field("understood", &self.understood)
            .field("problems", &self.problems)
            .field("problems_total", &self.problems_total)
            .finish()
    }
}

impl Form {
    fn not_a_list(&self) -> NotAList {
        let rules: Vec<&str> = self.rules.iter().map(|(name, _)| *name).collect();
        let reader = self.reader[0];
        NotAList::Heading(match self.is_bare_good {
            true => format!("{reader}, and {} where there is one", rules.join(", ")),
            false => format!("{reader} and at least one of {}", rules.join(", ")),
        })
    }
}

/// Where the columns of a form stand in one file.
struct Heading {
    columns: usize,
    reader: (usize, String),
    rules: BTreeMap<usize, (String, Rule)>,
    is_bare: bool,
}

/// What is wrong in a line: the column, and what was expected there.
type Complaint = (Option<String>, String);

impl Heading {
    fn of(form: &Form, record: &ByteRecord) -> Result<Self, NotAList> {
        let name = |field: &[u8]| {
            let text = String::from_utf8_lossy(field).trim().to_lowercase();
            // A query over several tables names them.
            let name = text.rsplit_once('.').map(|(_, name)| name.to_owned());
            name.unwrap_or(text)
        };
        let names: Vec<String> = record.iter().map(name).collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let reader = form
            .reader
            .iter()
            .find_map(|wanted| Some((place(wanted)?, (*wanted).to_owned())));
        let rules: BTreeMap<_, _> = (form.rules.iter())
            .filter_map(|(wanted, rule)| Some((place(wanted)?, ((*wanted).to_owned(), *rule))))
            .collect();
        let is_bare = rules.is_empty();
        match reader {
            Some(reader) if !is_bare || form.is_bare_good => Ok(Self {
                columns: names.len(),
                reader,
                rules,
                is_bare,
            }),
            Some(_) | None => Err(form.not_a_list()),
        }
    }

    /// The reader of a line, and why nothing is lent to him.
    fn line(&self, record: &ByteRecord, today: Date) -> Result<(String, Option<Why>), Complaint> {
        if record.len() != self.columns {
            let expected = format!("{} columns, as in the heading", self.columns);
            return Err((None, expected));
        }
        let (place, column) = &self.reader;
        let reader = reader_of(&record[*place])
            .ok_or_else(|| (Some(column.clone()), "the number of a card".to_owned()))?;
        let mut why = self.is_bare.then_some(Why::Blocked);
        for (place, (column, rule)) in &self.rules {
            let said = rule
                .ask(&record[*place], today)
                .ok_or_else(|| (Some(column.clone()), rule.expected().to_owned()))?;
            // Barred goes before expired: it does not end by renewing a card.
            why = match (why, said) {
                (Some(Why::Blocked), _) | (_, Some(Why::Blocked)) => Some(Why::Blocked),
                (why, said) => why.or(said),
            };
        }
        Ok((reader, why))
    }
}

impl Rule {
    /// What a field says; none where it is not understood.
    fn ask(self, field: &[u8], today: Date) -> Option<Option<Why>> {
        let text = std::str::from_utf8(field).ok()?.trim();
        Some(match self {
            // Whoever stands in a list of blocked readers without an end is blocked for good.
            Self::Until => day(text)?
                .is_none_or(|day| day >= today)
                .then_some(Why::Blocked),
            // Koha lists all its readers, and bars for good until 9999-12-31.
            Self::Debarred => day(text)?
                .is_some_and(|day| day >= today)
                .then_some(Why::Blocked),
            Self::Expiry => day(text)?
                .is_some_and(|day| day < today)
                .then_some(Why::Expired),
            Self::Flag(why) => flag(text)?.unwrap_or(false).then_some(why),
            Self::Active => (!flag(text)?.unwrap_or(true)).then_some(Why::Blocked),
        })
    }

    fn expected(self) -> &'static str {
        match self {
            Self::Until | Self::Debarred | Self::Expiry => "a date as 2026-12-31, or nothing",
            Self::Flag(_) | Self::Active => "1 or 0, t or f, yes or no, or nothing",
        }
    }
}

/// A day, with or without a time after it. The outer none: it is not understood.
fn day(text: &str) -> Option<Option<Date>> {
    if is_nothing(text) || text.starts_with("0000-00-00") {
        return Some(None);
    }
    if text == "infinity" {
        return Some(Some(Date::MAX));
    }
    let (day, rest) = text.split_at_checked(10)?;
    let is_whole = rest.is_empty() || rest.starts_with([' ', 'T']);
    is_whole.then_some(Some(day.parse().ok()?))
}

fn flag(text: &str) -> Option<Option<bool>> {
    if is_nothing(text) {
        return Some(None);
    }
    match text.to_lowercase().as_str() {
        "1" | "t" | "true" | "y" | "yes" => Some(Some(true)),
        "0" | "f" | "false" | "n" | "no" => Some(Some(false)),
        _ => None,
    }
}

/// How databases write that nothing stands there.
fn is_nothing(text: &str) -> bool {
    text.is_empty() || text == "\\N" || text.eq_ignore_ascii_case("null")
}

/// A reader in the one form, where it can be one.
fn reader_of(field: &[u8]) -> Option<String> {
    let reader = normalise_reader(std::str::from_utf8(field).ok()?);
    // What is sealed and sent by devices is a label.
    reader.parse::<Label>().is_ok().then_some(reader)
}

/// Whether it is Evergreen's off-line block list: no heading, and a letter after each barcode.
fn is_code_list(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let text = String::from_utf8_lossy(first);
    let code = text.trim().rsplit_once(' ').map(|(_, code)| code);
    code.is_some_and(|code| code.len() == 1 && code.bytes().all(|b| b.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests;
