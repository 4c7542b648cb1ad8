//! A book: what a file says of itself, read so that no file can harm the one who reads it.
//!
//! Files come from suppliers and are believed in nothing: every size, count and depth is bounded,
//! names are names within the book, and what is refused is refused with its reason. Blocking;
//! an EPUB is streamed, a PDF is held whole while it is read (its reader knows no other way).

mod archive;
mod chapter;
mod cover;
mod epub;
mod package;
mod pdf;
mod wording;
mod xml;

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use lujiang_wire::Label;

use crate::isbn::Isbn;

pub use archive::ArchiveFault;
pub use cover::{Cover, CoverFault};
pub(crate) use wording::line;
pub use xml::XmlFault;

/// What a file may take at most. The defaults let every real book through that a kiosk can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookLimits {
    /// Bytes of the file: 500 MB is what a kiosk's link of 2 Mbit/s takes half an hour for.
    pub file_bytes: u64,
    /// Bytes of a PDF, and of one file of an EPUB once expanded: who reads it holds that in memory.
    pub part_bytes: u64,
    /// Files within an EPUB; an illustrated encyclopaedia has some thousands.
    pub entries: usize,
    /// Bytes of all of them together once expanded.
    pub expanded_bytes: u64,
    /// How often larger than the file that may be. Text deflates to a fifth, hardly ever to a
    /// fiftieth.
    pub expansion: u64,
}

impl Default for BookLimits {
    fn default() -> Self {
        Self {
            file_bytes: 500_000_000,
            part_bytes: lujiang_wire::BOOK_FILE_BYTES_MAX,
            entries: 10_000,
            expanded_bytes: 1_000_000_000,
            expansion: 50,
        }
    }
}

/// A book as its file tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// What it is.
    pub format: BookFormat,
    /// Its title, where it says one.
    pub title: Option<Label>,
    /// Who wrote it.
    pub authors: Vec<Label>,
    /// BCP 47, as they stand there.
    pub languages: Vec<Label>,
    /// Who brought it out.
    pub publisher: Option<Label>,
    /// What it is about.
    pub description: Option<String>,
    /// Its number.
    pub isbn: Option<Isbn>,
    /// Its cover, or why the one it has is not taken.
    pub cover: Result<Option<Cover>, CoverFault>,
    /// What keeps a kiosk from opening it.
    pub protection: Option<Protection>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BookFormat {
    /// EPUB 2 or 3.
    Epub,
    /// PDF.
    Pdf,
}

/// By what a book is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Protection {
    /// A licence of Readium LCP.
    #[error("locked by Readium LCP")]
    Lcp,
    /// Rights of Adobe ADEPT.
    #[error("locked by Adobe rights management")]
    Adobe,
    /// FairPlay.
    #[error("locked by Apple FairPlay")]
    Apple,
    /// Files within it are encrypted, whoever has the key.
    #[error("parts of it are encrypted")]
    Encrypted,
    /// A PDF that needs a password, or was made to forbid things.
    #[error("an encrypted PDF")]
    Pdf,
}

/// Why a file is no book to us.
#[derive(Debug, thiserror::Error)]
pub enum BookFault {
    /// It is neither.
    #[error("neither an EPUB nor a PDF")]
    Unknown,
    /// Too much of it.
    #[error("{found} bytes, and at most {allowed} are taken")]
    Large {
        /// Bytes of it.
        found: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// The archive is broken, or hostile.
    #[error(transparent)]
    Archive(#[from] ArchiveFault),
    /// A document within it is broken, or hostile.
    #[error("{name}: {fault}")]
    Document {
        /// Which one.
        name: String,
        /// Why.
        fault: XmlFault,
    },
    /// It names no package document.
    #[error("META-INF/container.xml names no package document")]
    NoPackage,
    /// Nothing in it can be read.
    #[error("its spine is empty: there is nothing to read")]
    NothingToRead,
    /// It names a chapter it does not have.
    #[error("a chapter is missing: {name}")]
    MissingChapter {
        /// What it names.
        name: String,
    },
    /// A chapter that no browser shows.
    #[error("{name} is no chapter that can be shown: {reason}")]
    Chapter {
        /// Which one.
        name: String,
        /// Why.
        reason: String,
    },
    /// A PDF that cannot be understood.
    #[error("not a PDF that can be read: {reason}")]
    Pdf {
        /// The reader's words.
        reason: String,
    },
    /// The file itself.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
}

impl BookFormat {
    /// The media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Epub => "application/epub+zip",
            Self::Pdf => "application/pdf",
        }
    }
}

impl Book {
    /// Reads a book, all of it: what passes here was whole.
    ///
    /// # Errors
    /// Where it is none, is broken, or would take more than it may.
    pub fn read(file: &Path, limits: &BookLimits) -> Result<Self, BookFault> {
        let mut file = File::open(file)?;
        let found = file.metadata()?.len();
        let within = |allowed| match found > allowed {
            true => Err(BookFault::Large { found, allowed }),
            false => Ok(()),
        };
        within(limits.file_bytes)?;
        let mut beginning = Vec::new();
        // The header of a PDF may stand within its first 1,024 bytes [PDF 1.7 annex H.3.4.1].
        file.by_ref().take(1_024).read_to_end(&mut beginning)?;
        file.seek(SeekFrom::Start(0))?;
        if beginning.starts_with(b"PK\x03\x04") {
            epub::read(file, found, limits)
        } else if beginning.windows(5).any(|bytes| bytes == b"%PDF-") {
            within(limits.part_bytes)?;
            pdf::read(file, found)
        } else {
            Err(BookFault::Unknown)
        }
    }
}

#[cfg(test)]
mod tests;
