//! A configuration file being read: its text, its TOML tables, and what was found wrong so far.
//!
//! Knows TOML and nothing of our keys. Reading never stops at a problem: the reader goes on with
//! the default, so that one run names them all.

use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::DeTable;

use crate::problem::{Fault, Problem, Problems};
use crate::section::Section;

/// Longest excerpt of a value in a problem, in characters.
const EXCERPT_MAX: usize = 60;

/// A configuration file being read.
pub(crate) struct Document<'d> {
    file: &'d Path,
    text: &'d str,
    problems: RefCell<Vec<Problem>>,
    keys: RefCell<Vec<KnownKey>>,
}

/// A key the program knows, noted as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownKey {
    /// The key with its sections.
    pub(crate) path: String,
    /// What is expected of its value.
    pub(crate) expected: String,
    /// Its default as it would stand in a file; none where it has none.
    pub(crate) default: Option<String>,
}

/// What came of reading a file: the value, and every key that was asked for.
pub(crate) type Reading<T> = Result<(T, Vec<KnownKey>), Problems>;

/// Reads a file and then its sections.
pub(crate) fn load<T>(
    path: &Path,
    parse: fn(&str, &Path) -> Result<T, Problems>,
) -> Result<T, Problems> {
    let unreadable = |error: std::io::Error| Problem {
        file: path.to_path_buf(),
        line: None,
        key: String::new(),
        fault: Fault::Unreadable {
            reason: error.to_string(),
        },
    };
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path),
        Err(error) => Err(Problems::of(vec![unreadable(error)]).expect("there is one")),
    }
}

/// Reads the sections of a text; `read` gives none only where it named a problem.
pub(crate) fn parse<T>(
    text: &str,
    file: &Path,
    read: impl FnOnce(&mut Section<'_>) -> Option<T>,
) -> Reading<T> {
    let document = Document {
        file,
        text,
        problems: RefCell::default(),
        keys: RefCell::default(),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        document.syntax(&error);
    }
    if let Some(problems) = Problems::of(document.problems.take()) {
        return Err(problems);
    }
    let mut root = Section::root(&document, &table);
    let value = read(&mut root);
    root.finish();
    match Problems::of(document.problems.take()) {
        Some(problems) => Err(problems),
        None => Ok((
            value.expect("a value that could not be made was named as a problem"),
            document.keys.take(),
        )),
    }
}

impl Document<'_> {
    /// Notes a key the program asked for.
    pub(crate) fn know(&self, key: KnownKey) {
        self.keys.borrow_mut().push(key);
    }

    /// Notes a problem at a place of the text.
    pub(crate) fn fault(&self, at: Option<Range<usize>>, key: String, fault: Fault) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.to_path_buf(),
            line: at.map(|span| self.line_and_column(span.start).0),
            key,
            fault,
        });
    }

    /// The text at this place: its first line, cut.
    pub(crate) fn excerpt<T>(&self, value: &Spanned<T>) -> String {
        let text = self.text.get(value.span()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        if line.chars().count() > EXCERPT_MAX || line.len() < text.len() {
            line.chars().take(EXCERPT_MAX).chain(['…']).collect()
        } else {
            line.to_owned()
        }
    }

    /// A path of the file, which is relative to the folder the file is in.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        folder.join(path)
    }

    /// Notes a fault of the TOML itself; of several in one line the first, the others follow
    /// from it.
    fn syntax(&self, error: &toml::de::Error) {
        let start = error.span().map_or(self.text.len(), |span| span.start);
        let (line, column) = self.line_and_column(start);
        let mut problems = self.problems.borrow_mut();
        if problems.iter().any(|problem| problem.line == Some(line)) {
            return;
        }
        problems.push(Problem {
            file: self.file.to_path_buf(),
            line: Some(line),
            key: String::new(),
            fault: Fault::Syntax {
                column,
                reason: error.message().to_owned(),
            },
        });
    }

    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (line, column)
    }
}
