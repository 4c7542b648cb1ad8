//! A PDF: what its information dictionary and its catalogue say, and the picture its first page
//! consists of where it was scanned. The crate `lopdf` is named here only.

use std::fs::File;
use std::io::Read as _;

use lopdf::{Document, ObjectId, decode_text_string};
use lujiang_wire::Label;

use super::cover::{COVER_BYTES_MAX, Cover};
use super::package::number_in;
use super::wording::{line, paragraph};
use super::{Book, BookFault, BookFormat, Protection};

/// Pixels a scanned page has at least on its shorter side: a logo has fewer.
const SCAN_PIXELS_MIN: i64 = 300;

/// Reads a PDF. It is in memory meanwhile: its table is at its end, and leads anywhere.
pub(super) fn read(file: File, bytes: u64) -> Result<Book, BookFault> {
    let mut whole = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
    // One that grows meanwhile is not followed.
    file.take(bytes).read_to_end(&mut whole)?;
    let metadata = Document::load_metadata_mem(&whole).map_err(|error| BookFault::Pdf {
        reason: error.to_string(),
    })?;
    let protection = metadata.encrypted.then_some(Protection::Pdf);
    if metadata.page_count == 0 && protection.is_none() {
        return Err(BookFault::Pdf {
            reason: "it has no pages".into(),
        });
    }
    let text = |text: Option<String>| text.unwrap_or_default();
    let authors = text(metadata.author);
    // Authors stand in one text, parted as people do it.
    let authors = authors.split([';', '；', '、']).filter_map(line);
    let keywords = text(metadata.keywords);
    let isbn = keywords
        .split([',', ';', '，', '；'])
        .find_map(|word| number_in(word, false));
    let opened = match protection {
        None => open(&whole)?,
        Some(_) => Opened::default(),
    };
    Ok(Book {
        format: BookFormat::Pdf,
        title: metadata.title.as_deref().and_then(line),
        authors: authors.take(20).collect(),
        languages: opened.language.into_iter().collect(),
        publisher: None,
        description: metadata.subject.as_deref().and_then(paragraph),
        isbn,
        cover: Ok(opened.cover),
        protection,
    })
}

/// What only the whole document tells.
#[derive(Default)]
struct Opened {
    language: Option<Label>,
    cover: Option<Cover>,
}

/// Reads all of it, as a kiosk will.
fn open(whole: &[u8]) -> Result<Opened, BookFault> {
    let document = Document::load_mem(whole).map_err(|error| BookFault::Pdf {
        reason: error.to_string(),
    })?;
    let pages = document.get_pages();
    let first = pages.values().next().ok_or_else(|| BookFault::Pdf {
        reason: "none of its pages can be found".into(),
    })?;
    // The language of all its text [ISO 32000-1 §14.9.2].
    let said = document.catalog().and_then(|it| it.get(b"Lang"));
    let language = said.and_then(decode_text_string).ok();
    let scan = scan(&document, *first).filter(|bytes| bytes.len() as u64 <= COVER_BYTES_MAX);
    Ok(Opened {
        language: language.as_deref().and_then(line),
        // One that cannot be shown was no cover.
        cover: scan.and_then(|bytes| Cover::of(bytes.to_vec()).ok()),
    })
}

/// The picture a page consists of: a scanned page has one, a JPEG as it stands in the file.
fn scan(document: &Document, page: ObjectId) -> Option<&[u8]> {
    let pictures = document.get_page_images(page).ok()?;
    let [picture] = &pictures[..] else {
        return None;
    };
    let is_jpeg = picture.filters.as_deref() == Some(&["DCTDecode".to_owned()]);
    let is_page = picture.width.min(picture.height) >= SCAN_PIXELS_MIN;
    (is_jpeg && is_page).then_some(picture.content)
}
