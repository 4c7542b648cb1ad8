//! Lists as CSV [RFC 4180], for spreadsheets.

use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::spreadsheet::harmless;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
}

impl Format {
    /// The parameter `format` goes before the header `Accept`.
    pub(super) fn asked(parameter: Option<&str>, headers: &HeaderMap) -> Result<Self, Problem> {
        match parameter {
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some(other) => Err(Problem::parameter("format", other, "json or csv")),
            None => Ok(Self::accepted(headers)),
        }
    }

    fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let names = |kind| accept.is_some_and(|accept| accept.contains(kind));
        match names("text/csv") && !names("application/json") {
            true => Self::Csv,
            false => Self::Json,
        }
    }
}

/// A table on its way to a spreadsheet.
pub(super) struct Table {
    name: &'static str,
    text: String,
}

impl Table {
    /// Begins with the names of the columns.
    pub(super) fn new(name: &'static str, columns: &[&str]) -> Self {
        let mut table = Self {
            name,
            text: String::new(),
        };
        table.row(columns.iter().map(|column| (*column).to_owned()));
        table
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        for (position, cell) in cells.into_iter().enumerate() {
            if position > 0 {
                self.text.push(',');
            }
            self.text.push_str(&quoted(cell));
        }
        self.text.push_str("\r\n");
    }
}

impl IntoResponse for Table {
    fn into_response(self) -> Response {
        let name = format!("attachment; filename=\"{}.csv\"", self.name);
        let head = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
            ),
            (
                CONTENT_DISPOSITION,
                HeaderValue::from_str(&name).expect("names of tables are ASCII"),
            ),
            (VARY, HeaderValue::from_static("accept")),
        ];
        (head, self.text).into_response()
    }
}

/// A cell between quotes where it needs them.
fn quoted(cell: String) -> String {
    let cell = harmless(cell);
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cell_neither_breaks_the_table_nor_computes() {
        let quoted = |cell: &str| super::quoted(cell.to_owned());
        assert_eq!(quoted("主馆, 北门"), "\"主馆, 北门\"");
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
        assert_eq!(quoted("=1,1"), "\"'=1,1\"");
    }
}
