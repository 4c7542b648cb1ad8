//! Licences as a table (CSV): a line of headings, and a line for each title. The crate `csv` is
//! named here only.
//!
//! | heading | also | what stands below it |
//! |---|---|---|
//! | `file` | 文件 | the name of the file in the folder |
//! | `isbn` | | the number of the book |
//! | `sha256` | | the SHA-256 of the file |
//! | `start` | 开始 | the first day, from 00:00 of the library's time; empty: it has begun |
//! | `end` | 结束 | the last day, with all of it; empty: it never ends |
//! | `copies` | 份数 | how many may read at once in all places; empty: as many as like |
//! | `sites` | 馆点 | `main;east`: for these together; `main=2;east=1`: so many in each |
//! | `phone` | 手机 | `yes` where it may be borrowed on a phone, or the address where |
//! | `title`, `author`, `language`, `publisher` | 书名 作者 语言 出版社 | where the file does not say it |
//!
//! One of the first three is needed in each line; the first that is filled counts. Text is UTF-8,
//! or GB 18030 as spreadsheet programs save it; cells are parted by commas or tabs.

use std::borrow::Cow;
use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};
use jiff::tz::TimeZone;

use super::cell::{self, CellFault, shown};
use super::{Licence, LicenceList, LicenceProblem, Place, Subject, TITLES_MAX, Told, Window};
use crate::book::line;

/// What a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    File,
    Isbn,
    Sha256,
    Start,
    End,
    Copies,
    Sites,
    Phone,
    Title,
    Author,
    Language,
    Publisher,
}

/// Every column by its heading, and by its heading in Chinese.
const COLUMNS: [(Column, &str, &str); 12] = [
    (Column::File, "file", "文件"),
    (Column::Isbn, "isbn", "书号"),
    (Column::Sha256, "sha256", "哈希"),
    (Column::Start, "start", "开始"),
    (Column::End, "end", "结束"),
    (Column::Copies, "copies", "份数"),
    (Column::Sites, "sites", "馆点"),
    (Column::Phone, "phone", "手机"),
    (Column::Title, "title", "书名"),
    (Column::Author, "author", "作者"),
    (Column::Language, "language", "语言"),
    (Column::Publisher, "publisher", "出版社"),
];

/// Which column stands where, and what it is called.
type Headings = BTreeMap<Column, (usize, String)>;

/// How a cell says which title it is.
type ReadSubject = fn(&str) -> Result<Subject, CellFault>;

/// Reads a table.
pub(super) fn read(bytes: &[u8], zone: &TimeZone) -> LicenceList {
    let text = decoded(bytes);
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains('\t') { b'\t' } else { b',' };
    let mut rows = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut list = LicenceList::default();
    let mut headings = None;
    for (index, row) in rows.records().enumerate() {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let at = error.position().map_or(0, csv::Position::line);
                let fault = CellFault::Csv(error.to_string());
                list.problem(at, "the table", fault);
                return list;
            }
        };
        let at = row
            .position()
            .map_or(0, |position| line_at(position, &text));
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if index > TITLES_MAX {
            list.problem(at, "the table", CellFault::Long(TITLES_MAX));
            return list;
        }
        match &headings {
            Some(headings) => match licence(&row, headings, zone) {
                Ok(licence) => list.licences.push(Licence {
                    place: Place::Line(at),
                    ..licence
                }),
                Err((column, fault)) => list.problem(at, &column, fault),
            },
            None => match read_headings(&row) {
                Ok(found) => headings = Some(found),
                Err((column, fault)) => {
                    list.problem(at, &column, fault);
                    return list;
                }
            },
        }
    }
    if headings.is_none() {
        list.problem(1, "the headings", CellFault::NoSubjectColumn);
    }
    list
}

/// The line of a row. `csv` counts it from the end of the row before, blank lines left out.
fn line_at(position: &csv::Position, text: &str) -> u64 {
    let rest = usize::try_from(position.byte())
        .ok()
        .and_then(|at| text.as_bytes().get(at..));
    let blank = rest
        .unwrap_or_default()
        .iter()
        .take_while(|it| matches!(it, b'\r' | b'\n'));
    position.line() + blank.filter(|it| **it == b'\n').count() as u64
}

impl LicenceList {
    fn problem(&mut self, line: u64, column: &str, fault: CellFault) {
        self.problems.push(LicenceProblem {
            place: Place::Line(line),
            column: column.to_owned(),
            fault,
        });
    }
}

/// UTF-8 with or without its mark, otherwise GB 18030, of which GBK and GB 2312 are parts.
fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::GB18030.decode_without_bom_handling(bytes).0,
    }
}

fn read_headings(row: &StringRecord) -> Result<Headings, (String, CellFault)> {
    let mut headings = Headings::new();
    for (at, heading) in row.iter().enumerate() {
        let heading = heading.trim();
        if heading.is_empty() {
            continue;
        }
        let lower = heading.to_ascii_lowercase();
        let known = COLUMNS
            .iter()
            .find(|(_, name, chinese)| *name == lower || *chinese == heading);
        let Some((column, ..)) = known else {
            let names: Vec<_> = COLUMNS.iter().map(|(_, name, _)| *name).collect();
            return Err((shown(heading), CellFault::UnknownColumn(names.join(", "))));
        };
        if headings.insert(*column, (at, heading.to_owned())).is_some() {
            return Err((shown(heading), CellFault::SameColumn));
        }
    }
    let subjects = [Column::File, Column::Isbn, Column::Sha256];
    match subjects.iter().any(|column| headings.contains_key(column)) {
        true => Ok(headings),
        false => Err(("the headings".into(), CellFault::NoSubjectColumn)),
    }
}

fn licence(
    row: &StringRecord,
    headings: &Headings,
    zone: &TimeZone,
) -> Result<Licence, (String, CellFault)> {
    let cell = |column| {
        let at = headings.get(&column).map(|(at, _)| *at);
        at.and_then(|at| row.get(at)).unwrap_or_default().trim()
    };
    let under = |column| {
        move |fault| {
            let heading = headings.get(&column).map(|(_, heading)| heading.clone());
            (heading.unwrap_or_else(|| "the line".into()), fault)
        }
    };
    let readers: [(Column, ReadSubject); 3] = [
        (Column::File, cell::file),
        (Column::Isbn, cell::isbn),
        (Column::Sha256, cell::blob),
    ];
    let filled = readers.iter().find(|(column, _)| !cell(*column).is_empty());
    let Some((column, read)) = filled else {
        return Err(("the line".into(), CellFault::NoSubject));
    };
    let subject = read(cell(*column)).map_err(under(*column))?;
    let window = cell::since(cell(Column::Start), zone).map_err(under(Column::Start))?;
    let window: Window =
        cell::until(window, cell(Column::End), zone).map_err(under(Column::End))?;
    let copies = cell::copies(cell(Column::Copies)).map_err(under(Column::Copies))?;
    let grant = cell::grant(cell(Column::Sites), copies).map_err(under(Column::Sites))?;
    let phone = cell::phone(cell(Column::Phone)).map_err(under(Column::Phone))?;
    Ok(Licence {
        subject,
        window,
        grant,
        phone,
        told: Told {
            title: line(cell(Column::Title)),
            authors: cell::names(cell(Column::Author)),
            languages: cell::names(cell(Column::Language)),
            publisher: line(cell(Column::Publisher)),
        },
        place: Place::Line(0),
    })
}
