//! A PDF: what its information dictionary says. The crate `lopdf` is named here only.

use std::fs::File;
use std::io::Read as _;

use lopdf::Document;

use super::package::number_in;
use super::wording::{line, paragraph};
use super::{Book, BookFault, BookFormat, Protection};

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
    // As a kiosk will: all of it.
    if protection.is_none() {
        let document = Document::load_mem(&whole).map_err(|error| BookFault::Pdf {
            reason: error.to_string(),
        })?;
        if document.get_pages().is_empty() {
            return Err(BookFault::Pdf {
                reason: "none of its pages can be found".into(),
            });
        }
    }
    Ok(Book {
        format: BookFormat::Pdf,
        title: metadata.title.as_deref().and_then(line),
        authors: authors.take(20).collect(),
        languages: Vec::new(),
        publisher: None,
        description: metadata.subject.as_deref().and_then(paragraph),
        isbn,
        cover: Ok(None),
        protection,
    })
}
