//! A book that is open: its documents in reading order, its table of contents, and each of its
//! files, straight from the zip. EPUB 2 and 3 [EPUB 3.3]; of a PDF its pages, without what acts.
//!
//! Whatever a book says, it is bounded here, and named where it is refused. What a browser may do
//! with it is for whoever serves it.

mod archive;
mod chapter;
mod contents;
mod outward;
mod package;
mod pdf;
mod resource;

use std::path::Path;

pub(crate) use archive::BookBounds;
pub(crate) use chapter::with_house_style;
pub(crate) use contents::Heading;
pub(crate) use pdf::Pdf;
pub(crate) use resource::{MediaType, Resource};

use archive::Archive;
use package::Package;

/// A book.
#[derive(Debug)]
pub(crate) enum BookView {
    /// Chapters in a zip.
    Epub(Box<Epub>),
    /// Pages in one file.
    Pdf(Pdf),
}

/// An EPUB.
#[derive(Debug)]
pub(crate) struct Epub {
    archive: Archive,
    package: Package,
    contents: Vec<Heading>,
}

/// Why a book cannot be opened, or a file of it not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BookError {
    /// The disk.
    #[error("the book cannot be read")]
    Disk(#[source] std::io::Error),
    /// It is no zip, or a broken one.
    #[error("the book is no whole zip file")]
    Zip(#[source] zip::result::ZipError),
    /// It is larger than a book may be.
    #[error("{what} {found}, more than {most}")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How much.
        found: u64,
        /// How much it may be.
        most: u64,
    },
    /// A name that leads out of the book, a place of the zip that is used twice, a lock.
    #[error("the zip is no honest one: {0}")]
    Trick(String),
    /// It has no such file.
    #[error("the book has no {0:?}")]
    Absent(String),
    /// A document is not what EPUB says.
    #[error("{file}: {reason}")]
    Malformed {
        /// Which.
        file: String,
        /// Why.
        reason: String,
    },
    /// It is no PDF, or a locked one.
    #[error("the PDF cannot be read")]
    Pdf(#[source] lopdf::Error),
    /// Neither EPUB nor PDF.
    #[error("no kind of book that is shown here: {0}")]
    Kind(String),
}

impl BookView {
    /// Opens a book of this media type. It reads the disk.
    pub(crate) fn open(
        file: &Path,
        media_type: &str,
        bounds: BookBounds,
    ) -> Result<Self, BookError> {
        match media_type {
            "application/epub+zip" => Epub::open(file, bounds).map(Box::new).map(Self::Epub),
            "application/pdf" => Pdf::open(file, bounds).map(Self::Pdf),
            other => Err(BookError::Kind(other.to_owned())),
        }
    }
}

impl BookView {
    /// How many documents it has, or pages.
    pub(crate) fn documents(&self) -> usize {
        match self {
            Self::Epub(epub) => epub.spine().len(),
            Self::Pdf(pdf) => pdf.pages(),
        }
    }
}

impl Epub {
    fn open(file: &Path, bounds: BookBounds) -> Result<Self, BookError> {
        let archive = Archive::open(file, bounds)?;
        let package = Package::read(&archive)?;
        let contents = contents::read(&archive, &package);
        Ok(Self {
            archive,
            package,
            contents,
        })
    }

    /// Its documents in reading order, by their names; at least one.
    pub(crate) fn spine(&self) -> &[String] {
        &self.package.spine
    }

    /// Its table of contents; where it has none, its documents by number.
    pub(crate) fn contents(&self) -> &[Heading] {
        &self.contents
    }

    /// One of its files, as it may be given to a browser. It reads the disk.
    pub(crate) fn resource(&self, name: &str) -> Result<Resource, BookError> {
        let declared = self.package.media_type(name);
        let media_type =
            MediaType::of(name, declared).ok_or_else(|| BookError::Absent(name.to_owned()))?;
        let bytes = self.archive.read(name)?;
        Ok(Resource { media_type, bytes })
    }
}

#[cfg(test)]
pub(crate) mod tests;
