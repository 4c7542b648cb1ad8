//! Books that nobody wrote: valid EPUB 3 and PDF files of a wanted size, the same for the same
//! seed, with the licence table a supplier would send along.
//!
//! Their weight is pictures of noise, which no compression takes away, so that a book of 5 MB is
//! 5 MB on the line, too.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

mod licences;
mod pdf;
mod picture;
mod words;

pub use licences::Licence;
pub use words::isbn_of;

use words::Words;

/// Chapters of a book.
const CHAPTERS: usize = 6;

/// Bytes of one picture at most: a book of 200 MB has two hundred of them.
const PICTURE_BYTES_MAX: u64 = 1 << 20;

/// What a book weighs without its pictures, nearly.
const BARE_BYTES: u64 = 8_000;

/// What a book says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// Where it is.
    pub file: PathBuf,
    /// Its title.
    pub title: String,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// `zh-CN`.
    pub language: String,
    /// Who brought it out.
    pub publisher: String,
    /// A sentence.
    pub description: String,
    /// Thirteen digits with a right check digit. A PDF does not tell it.
    pub isbn: String,
    /// Bytes of the file.
    pub bytes: u64,
}

/// A folder of books.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The same seed makes the same books.
    pub seed: u64,
    /// So many EPUBs, `book-0001.epub` on.
    pub epubs: u32,
    /// So many PDFs, `paper-0001.pdf` on.
    pub pdfs: u32,
    /// Bytes of each book, met within 2 per cent from 100 kB on.
    pub book_bytes: u64,
    /// What stands in the table for each of them.
    pub licence: Licence,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The books, in the order of their names.
    pub books: Vec<Book>,
    /// The licence table beside them: `licences.csv`.
    pub licences: PathBuf,
}

/// Makes a folder of books and its `licences.csv`.
///
/// # Errors
/// The folder cannot be written.
pub fn deliver(folder: &Path, wish: &Wish) -> anyhow::Result<Delivery> {
    std::fs::create_dir_all(folder).context("making the folder of books")?;
    let mut books = Vec::new();
    for number in 1..=wish.epubs {
        let file = folder.join(format!("book-{number:04}.epub"));
        books.push(write_epub(&file, wish.seed, number, wish.book_bytes)?);
    }
    for number in 1..=wish.pdfs {
        let file = folder.join(format!("paper-{number:04}.pdf"));
        // Numbers of their own, so that no PDF shares a title's words with an EPUB.
        books.push(write_pdf(
            &file,
            wish.seed,
            number + 50_000,
            wish.book_bytes,
        )?);
    }
    let licences = folder.join("licences.csv");
    wish.licence.write(&licences, &books)?;
    Ok(Delivery { books, licences })
}

/// Makes one EPUB 3 of about so many bytes.
///
/// # Errors
/// The file cannot be written.
pub fn write_epub(file: &Path, seed: u64, number: u32, bytes: u64) -> anyhow::Result<Book> {
    let mut dice = StdRng::seed_from_u64(seed ^ (u64::from(number) << 32));
    let mut words = Words::new(seed, number);
    let book = words.book(file);
    let cover = picture::cover(dice.next_u64())?;
    let pictures = picture_bytes(bytes.saturating_sub(BARE_BYTES + cover.len() as u64));

    let out = File::create(file).with_context(|| format!("making {}", file.display()))?;
    let mut zip = ZipWriter::new(BufWriter::new(out));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("mimetype", stored)?;
    zip.write_all(b"application/epub+zip")?;
    let text = |zip: &mut ZipWriter<_>, name: &str, text: &str| -> anyhow::Result<()> {
        zip.start_file(name, deflated)?;
        Ok(zip.write_all(text.as_bytes())?)
    };
    text(&mut zip, "META-INF/container.xml", CONTAINER)?;
    text(
        &mut zip,
        "EPUB/package.opf",
        &words.package(&book, CHAPTERS, pictures.len()),
    )?;
    text(&mut zip, "EPUB/nav.xhtml", &words.navigation(CHAPTERS))?;
    for chapter in 1..=CHAPTERS {
        let shown = (0..pictures.len()).filter(|picture| picture % CHAPTERS + 1 == chapter);
        let page = words.chapter(chapter, shown);
        text(&mut zip, &format!("EPUB/chapter-{chapter}.xhtml"), &page)?;
    }
    zip.start_file("EPUB/cover.png", stored)?;
    zip.write_all(&cover)?;
    for (index, bytes) in pictures.iter().enumerate() {
        zip.start_file(format!("EPUB/picture-{index}.png"), stored)?;
        zip.write_all(&picture::noise(&mut dice, *bytes)?)?;
    }
    zip.finish()?.flush()?;
    weighed(book)
}

/// Makes one PDF of about so many bytes: one page with a picture of noise.
///
/// # Errors
/// The file cannot be written.
pub fn write_pdf(file: &Path, seed: u64, number: u32, bytes: u64) -> anyhow::Result<Book> {
    let book = Words::new(seed, number).book(file);
    let dice = StdRng::seed_from_u64(seed ^ (u64::from(number) << 32));
    pdf::write(&book, dice, bytes).with_context(|| format!("making {}", file.display()))?;
    weighed(book)
}

/// How the wanted bytes are cut into pictures.
fn picture_bytes(wanted: u64) -> Vec<u64> {
    let mut left = wanted;
    let mut pictures = Vec::new();
    while left > 2_000 {
        let next = left.min(PICTURE_BYTES_MAX);
        pictures.push(next);
        left -= next;
    }
    pictures
}

fn weighed(book: Book) -> anyhow::Result<Book> {
    let bytes = std::fs::metadata(&book.file)?.len();
    Ok(Book { bytes, ..book })
}

const CONTAINER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_bytes_and_another_seed_others() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, seed| {
            let file = folder.path().join(name);
            write_epub(&file, seed, 7, 150_000).unwrap();
            std::fs::read(file).unwrap()
        };
        assert!(make("a", 1) == make("b", 1));
        assert!(make("c", 1) != make("d", 2));
    }

    #[test]
    fn a_book_weighs_what_was_wished_for() {
        let folder = tempfile::tempdir().unwrap();
        for wanted in [100_000, 1_000_000, 5_000_000_u64] {
            let epub = write_epub(&folder.path().join("a.epub"), 3, 1, wanted).unwrap();
            let pdf = write_pdf(&folder.path().join("a.pdf"), 3, 2, wanted).unwrap();
            for book in [epub, pdf] {
                let off = book.bytes.abs_diff(wanted);
                assert!(off * 50 <= wanted, "{wanted}: {} bytes", book.bytes);
            }
        }
    }

    #[test]
    fn no_two_of_two_thousand_titles_share_a_number() {
        let numbers: std::collections::BTreeSet<_> = (1..=2_000).map(|n| isbn_of(9, n)).collect();
        assert_eq!(numbers.len(), 2_000);
    }
}
