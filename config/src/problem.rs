//! What is wrong with a configuration file, so that a person can put it right without guessing.

use std::fmt;
use std::path::PathBuf;

/// One thing wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1; none where the file as a whole is meant.
    pub line: Option<usize>,
    /// The key with its sections, as `mqtt.listen`; empty where no key is meant.
    pub key: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong at a place of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The file could not be read.
    Unreadable {
        /// What the system says.
        reason: String,
    },
    /// It is no TOML.
    Syntax {
        /// The column of the fault, from 1, in characters.
        column: usize,
        /// What the parser says.
        reason: String,
    },
    /// The key or section is not known.
    Unknown {
        /// The known name most like it, if one is.
        nearest: Option<String>,
    },
    /// A key that has no default is not there.
    Missing {
        /// What is expected.
        expected: String,
    },
    /// The value is not what it should be.
    Value {
        /// The value as it stands in the file, or the default, cut to 60 characters.
        found: String,
        /// What is expected.
        expected: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        let key = &self.key;
        match &self.fault {
            Fault::Unreadable { reason } => write!(f, ": cannot be read: {reason}"),
            Fault::Syntax { column, reason } => write!(f, ":{column}: not TOML: {reason}"),
            Fault::Unknown { nearest: None } => write!(f, ": {key}: unknown"),
            Fault::Unknown {
                nearest: Some(name),
            } => write!(f, ": {key}: unknown; did you mean {name}?"),
            Fault::Missing { expected } => write!(f, ": {key}: missing: expected {expected}"),
            Fault::Value { found, expected } => {
                write!(f, ": {key} = {found}: expected {expected}")
            }
        }
    }
}

/// Everything wrong with a configuration file, in the order of its lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Sorts these problems by line; none where there are none.
    pub(crate) fn of(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by_key(|problem| problem.line);
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
