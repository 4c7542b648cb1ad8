//! What a draft, and a file of one, may be called: names that are safe as those of files.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data_dir::random_bytes;

/// Random bytes of an id: nobody guesses one, and no two are the same.
const ID_BYTES: usize = 8;

/// Bytes of a file's name at most: what file systems take.
const FILE_NAME_BYTES_MAX: usize = 200;

/// The endings a file of a draft may have.
const ENDINGS: [(&str, FileKind); 4] = [
    (".epub", FileKind::Book),
    (".pdf", FileKind::Book),
    (".csv", FileKind::Licences),
    (".json", FileKind::Licences),
];

/// Which draft: 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DraftId(String);

/// The name of a file of a draft: one of a folder, with an ending that says what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// What a file of a draft is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An EPUB or PDF.
    Book,
    /// A table or a feed of licences.
    Licences,
}

/// Why a name is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No id of a draft.
    #[error("expected the id of a draft: 16 hexadecimal digits")]
    Id,
    /// No name of a file.
    #[error(
        "expected the name of an EPUB, PDF, CSV or JSON file, of at most 200 bytes, without / and not beginning with a dot"
    )]
    File,
}

impl DraftId {
    /// One that was never there.
    #[must_use]
    pub fn new_random() -> Self {
        Self(hex::encode(random_bytes::<ID_BYTES>()))
    }

    /// As it stands in a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DraftId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match text.len() == 2 * ID_BYTES && text.bytes().all(is_digit) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::Id),
        }
    }
}

impl fmt::Display for DraftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FileName {
    /// As it stands in its folder.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is for, by its ending.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        kind_of(&self.0).expect("a name has one of the endings")
    }
}

fn kind_of(name: &str) -> Option<FileKind> {
    let lower = name.to_ascii_lowercase();
    let found = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending));
    found.map(|(_, kind)| *kind)
}

impl FromStr for FileName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_odd = |c: char| c == '/' || c == '\\' || c.is_control();
        let is_name = text.len() <= FILE_NAME_BYTES_MAX
            && !text.starts_with('.')
            && !text.contains(is_odd)
            && kind_of(text).is_some();
        match is_name {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError::File),
        }
    }
}

impl TryFrom<String> for FileName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_leads_nowhere_else_and_says_what_it_is() {
        for (name, kind) in [
            ("庄子.epub", FileKind::Book),
            ("A.PDF", FileKind::Book),
            ("licences 2026-12.csv", FileKind::Licences),
            ("feed.json", FileKind::Licences),
        ] {
            assert_eq!(name.parse::<FileName>().unwrap().kind(), kind, "{name}");
        }
        let long = format!("{}.pdf", "a".repeat(200));
        for odd in [
            "",
            "..",
            ".epub",
            "../a.epub",
            "a/b.epub",
            "a\\b.pdf",
            "a\0.pdf",
            "a.exe",
            &long,
        ] {
            assert_eq!(odd.parse::<FileName>(), Err(NameError::File), "{odd:?}");
        }
    }

    #[test]
    fn an_id_is_hexadecimal_and_nothing_else() {
        let id = DraftId::new_random();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        for odd in ["", "..", "0123456789abcde/", "0123456789ABCDEF"] {
            assert_eq!(odd.parse::<DraftId>(), Err(NameError::Id), "{odd:?}");
        }
    }
}
