//! Stops of the bus in years before the ledger: the table 流动服务活动一览表 as a library printed
//! it, read from CSV.
//!
//! Columns are found by their names. Dates are as people write them (`6月08日`, `6月29—7月7日`); the
//! first day counts, the text is kept as it stands. Every problem is named by its line; a file
//! with problems is not taken at all.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lujiang_wire::Label;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Rows of one year at most: a stop an hour, all year.
const ROWS_MAX: usize = 10_000;

/// Problems that are named; a file with more is of another kind.
const PROBLEMS_MAX: usize = 100;

/// A stop of an earlier year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastStop {
    /// Its number in the printed table (序号).
    pub number: u32,
    /// Whom it served (流动服务单位).
    pub unit: Label,
    /// On what occasion (活动内容).
    pub occasion: Label,
    /// Its first day.
    pub date: Date,
    /// Its date as printed (活动时间).
    pub printed: Label,
    /// Where (活动地点).
    pub place: Label,
    /// Volumes carried (册数).
    pub volumes: u64,
    /// Persons who took part (参与人数).
    pub participants: u64,
}

/// What is wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("line {line}, {column}: found {found:?}, expected {expected}")]
pub struct RowProblem {
    /// The line, from 1.
    pub line: u64,
    /// The column's name.
    pub column: String,
    /// What stands there, cut to 40 characters.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

/// The columns of the printed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Number,
    Unit,
    Occasion,
    Date,
    Place,
    Volumes,
    Participants,
}

impl Column {
    const ALL: [Self; 7] = [
        Self::Number,
        Self::Unit,
        Self::Occasion,
        Self::Date,
        Self::Place,
        Self::Volumes,
        Self::Participants,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Number => "序号",
            Self::Unit => "流动服务单位",
            Self::Occasion => "活动内容",
            Self::Date => "活动时间",
            Self::Place => "活动地点",
            Self::Volumes => "册数",
            Self::Participants => "参与人数",
        }
    }
}

/// Reads the table of a year.
///
/// # Errors
/// Everything that is wrong with it, in the order of lines.
pub fn read_past_stops(year: i16, text: &str) -> Result<Vec<PastStop>, Vec<RowProblem>> {
    // A spreadsheet writes a mark before the text; it is no part of a column's name.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().cloned().unwrap_or_default();
    let columns = columns(&headers)?;
    let (mut stops, mut problems) = (Vec::new(), Vec::new());
    // On which line each number stands.
    let mut lines = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                problems.push(problem(line, "", "", "a row of a CSV file"));
                break;
            }
        };
        if record.iter().all(str::is_empty) {
            continue;
        }
        let row = Row {
            line: record.position().map_or(0, csv::Position::line),
            record: &record,
            columns: &columns,
        };
        match row.stop(year) {
            Ok(stop) => match lines.insert(stop.number, row.line) {
                None => stops.push(stop),
                Some(before) => {
                    let expected = format!("another number than on line {before}");
                    problems.push(row.problem(Column::Number, &expected));
                }
            },
            Err(problem) => problems.push(problem),
        }
        if problems.len() >= PROBLEMS_MAX || stops.len() > ROWS_MAX {
            break;
        }
    }
    if stops.len() > ROWS_MAX {
        let rows = format!("at most {ROWS_MAX} rows");
        problems.push(problem(0, "", "", &rows));
    }
    match problems.is_empty() {
        true => Ok(stops),
        false => Err(problems),
    }
}

/// Where each column stands.
fn columns(headers: &csv::StringRecord) -> Result<[usize; 7], Vec<RowProblem>> {
    let mut places = [0; 7];
    let mut problems = Vec::new();
    for (place, column) in places.iter_mut().zip(Column::ALL) {
        match headers.iter().position(|header| header == column.name()) {
            Some(found) => *place = found,
            None => problems.push(problem(1, column.name(), "", "a column of this name")),
        }
    }
    match problems.is_empty() {
        true => Ok(places),
        false => Err(problems),
    }
}

/// A row on its way to a stop.
struct Row<'a> {
    line: u64,
    record: &'a csv::StringRecord,
    columns: &'a [usize; 7],
}

impl Row<'_> {
    fn stop(&self, year: i16) -> Result<PastStop, RowProblem> {
        let printed = self.label(Column::Date)?;
        let date = printed_date(year, printed.as_str()).ok_or_else(|| {
            let expected = format!("a date of {year} such as 6月08日 or 6月29—7月7日");
            self.problem(Column::Date, &expected)
        })?;
        Ok(PastStop {
            number: self.number(Column::Number)?,
            unit: self.label(Column::Unit)?,
            occasion: self.label(Column::Occasion)?,
            date,
            printed,
            place: self.label(Column::Place)?,
            volumes: self.number(Column::Volumes)?,
            participants: self.number(Column::Participants)?,
        })
    }

    fn text(&self, column: Column) -> &str {
        let place = Column::ALL.iter().position(|known| *known == column);
        let place = place.map_or(0, |place| self.columns[place]);
        self.record.get(place).unwrap_or("")
    }

    fn label(&self, column: Column) -> Result<Label, RowProblem> {
        let expected = "1 to 200 characters";
        let read = self.text(column).parse();
        read.map_err(|_| self.problem(column, expected))
    }

    fn number<T: std::str::FromStr>(&self, column: Column) -> Result<T, RowProblem> {
        let digits = half_width(self.text(column)).replace(',', "");
        let read = digits.parse();
        read.map_err(|_| self.problem(column, "a whole number"))
    }

    fn problem(&self, column: Column, expected: &str) -> RowProblem {
        problem(self.line, column.name(), self.text(column), expected)
    }
}

fn problem(line: u64, column: &str, found: &str, expected: &str) -> RowProblem {
    RowProblem {
        line,
        column: column.to_owned(),
        found: found.chars().take(40).collect(),
        expected: expected.to_owned(),
    }
}

/// The first day of a date as people write it, in this year; a year that is written must be it.
fn printed_date(year: i16, printed: &str) -> Option<Date> {
    let text: String = half_width(printed)
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    if let Ok(date) = text.parse::<Date>() {
        return (date.year() == year).then_some(date);
    }
    let rest = match text.split_once('年') {
        Some((written, rest)) => (written.parse::<i16>().ok()? == year).then_some(rest)?,
        None => &text,
    };
    let (month, rest) = rest.split_once('月')?;
    let digits = rest.chars().take_while(char::is_ascii_digit).count();
    let (day, rest) = rest.split_at(digits);
    let date = Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()?;
    let rest = rest.strip_prefix(['日', '号']).unwrap_or(rest);
    (rest.is_empty() || is_range_end(rest)).then_some(date)
}

/// What follows the first day of a range: `-11日`, `—7月7日`, `—6日`.
fn is_range_end(rest: &str) -> bool {
    let is_dash = |c| ['-', '—', '–', '~', '至', '―'].contains(&c);
    let end = rest.trim_start_matches(is_dash);
    let is_day = |c: char| c.is_ascii_digit() || ['月', '日', '号'].contains(&c);
    end.len() < rest.len()
        && end.starts_with(|c: char| c.is_ascii_digit())
        && end.chars().all(is_day)
}

/// Full-width digits and signs as ASCII.
fn half_width(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    text.chars().map(narrow).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The library's own table of 2016 (annual report 2016 of the Liling City Library).
    const OF_2016: &str = include_str!("../../tests/data/mobile_service_2016.csv");

    #[test]
    fn the_table_of_2016_is_44_rows_7300_volumes_and_14405_participants() {
        let stops = read_past_stops(2016, OF_2016).unwrap();

        assert_eq!(stops.len(), 44);
        let volumes: u64 = stops.iter().map(|stop| stop.volumes).sum();
        let participants: u64 = stops.iter().map(|stop| stop.participants).sum();
        assert_eq!((volumes, participants), (7_300, 14_405));
        assert!(stops.iter().all(|stop| stop.date.year() == 2016));
        assert_eq!(stops[0].unit.as_str(), "奥特莱斯广场");
    }

    #[test]
    fn dates_are_read_as_people_write_them() {
        let date = |printed| printed_date(2016, printed).map(|date| date.to_string());
        for (printed, expected) in [
            ("1月2日", "2016-01-02"),
            ("6月08日", "2016-06-08"),
            ("６月８日", "2016-06-08"),
            ("2016年6月8号", "2016-06-08"),
            ("2016-06-08", "2016-06-08"),
            ("3月7-11日", "2016-03-07"),
            ("6月29—7月7日", "2016-06-29"),
            ("8月3日—6日", "2016-08-03"),
        ] {
            assert_eq!(date(printed).as_deref(), Some(expected), "{printed}");
        }
        for wrong in [
            "",
            "6月",
            "13月1日",
            "2月30日",
            "2015年6月8日",
            "2015-06-08",
            "6月8日左右",
            "8月3日—",
        ] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_problem_is_named_by_line_and_column() {
        let text = "序号,流动服务单位,活动内容,活动时间,活动地点,册数,参与人数\n\
                    1,小学,送书,下周,小学,10,20\n\
                    2,小学,送书,6月8日,小学,很多,20\n\
                    3,,送书,6月8日,小学,10,20\n\
                    4,小学,送书,6月8日,小学,10,20\n\
                    4,中学,送书,6月9日,中学,10,20\n";
        let problems = read_past_stops(2016, text).unwrap_err();
        let told: Vec<_> = problems
            .iter()
            .map(|problem| {
                (
                    problem.line,
                    problem.column.as_str(),
                    problem.found.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (2, "活动时间", "下周"),
                (3, "册数", "很多"),
                (4, "流动服务单位", ""),
                (6, "序号", "4"),
            ]
        );
        assert_eq!(problems[3].expected, "another number than on line 5");
        let other = read_past_stops(2016, "a,b\n1,2\n").unwrap_err();
        assert_eq!(other.len(), 7);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_file_it_is_read_or_named(text in "\\PC{0,200}") {
            if let Err(problems) = read_past_stops(2016, &text) {
                prop_assert!(!problems.is_empty());
            }
        }
    }
}
