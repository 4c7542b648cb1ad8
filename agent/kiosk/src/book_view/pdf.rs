//! A PDF, without what acts in it. A browser's own viewer shows it, and that viewer runs the
//! scripts of a PDF and follows its links, in no frame that could be sandboxed; so scripts, links,
//! forms and whatever opens by itself are taken out before it sees the file (decision record 0028).

use std::path::Path;

use lopdf::{Dictionary, Document, Object};
use tempfile::NamedTempFile;

use super::BookError;
use super::archive::{BookBounds, check};

/// What a catalogue [PDF 1.7 §7.7.2] may hold that acts, or leads to what acts.
const OF_THE_CATALOGUE: [&[u8]; 8] = [
    b"OpenAction",
    b"AA",
    b"AcroForm",
    b"Names",
    b"URI",
    b"Outlines",
    b"Collection",
    b"Threads",
];

/// The same of a page [§7.7.3.3]. Annotations are links, forms, films and notes.
const OF_A_PAGE: [&[u8]; 3] = [b"Annots", b"AA", b"B"];

/// The kinds of actions [§12.6.4]; a dictionary that is one of them is emptied wherever it stands.
const ACTIONS: [&[u8]; 16] = [
    b"JavaScript",
    b"URI",
    b"Launch",
    b"GoTo",
    b"GoToR",
    b"GoToE",
    b"GoToDp",
    b"SubmitForm",
    b"ImportData",
    b"ResetForm",
    b"Rendition",
    b"RichMediaExecute",
    b"Movie",
    b"Sound",
    b"Named",
    b"Thread",
];

/// Deepest nesting of values that is looked through.
const DEPTH_MAX: usize = 64;

/// A PDF that shows its pages and does nothing.
#[derive(Debug)]
pub(crate) struct Pdf {
    /// Beside the book, gone with this.
    still: NamedTempFile,
    pages: usize,
}

impl Pdf {
    /// Opens a PDF. It reads the whole, and writes what is left.
    pub(super) fn open(file: &Path, bounds: BookBounds) -> Result<Self, BookError> {
        let bytes = std::fs::metadata(file).map_err(BookError::Disk)?.len();
        check("bytes in the PDF:", bytes, bounds.file_max)?;
        let mut document = Document::load(file).map_err(BookError::Pdf)?;
        if document.is_encrypted() {
            return Err(BookError::Trick("a locked PDF".to_owned()));
        }
        let pages = document.get_pages();
        if pages.is_empty() {
            return Err(BookError::Absent("page".to_owned()));
        }
        still(&mut document, pages.values().copied())?;
        let mut still = NamedTempFile::new().map_err(BookError::Disk)?;
        document.save_to(&mut still).map_err(BookError::Disk)?;
        Ok(Self {
            still,
            pages: pages.len(),
        })
    }

    /// How many pages it has, at least one.
    pub(crate) fn pages(&self) -> usize {
        self.pages
    }

    /// The file without what acts.
    pub(crate) fn still(&self) -> &Path {
        self.still.path()
    }
}

/// Takes out what acts.
fn still(
    document: &mut Document,
    pages: impl Iterator<Item = lopdf::ObjectId>,
) -> Result<(), BookError> {
    let catalogue = document.catalog_mut().map_err(BookError::Pdf)?;
    remove(catalogue, &OF_THE_CATALOGUE);
    for page in pages {
        let page = document.get_object_mut(page).map_err(BookError::Pdf)?;
        remove(page.as_dict_mut().map_err(BookError::Pdf)?, &OF_A_PAGE);
    }
    for object in document.objects.values_mut() {
        empty_actions(object, DEPTH_MAX)?;
    }
    // Nothing of what was taken out stays in the file.
    document.prune_objects();
    Ok(())
}

fn remove(dictionary: &mut Dictionary, keys: &[&[u8]]) {
    for key in keys {
        dictionary.remove(key);
    }
}

fn empty_actions(object: &mut Object, depth: usize) -> Result<(), BookError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(BookError::Trick("a PDF nested too deeply".to_owned()));
    };
    match object {
        Object::Dictionary(dictionary) => empty_action(dictionary, depth),
        Object::Stream(stream) => empty_action(&mut stream.dict, depth),
        Object::Array(values) => values
            .iter_mut()
            .try_for_each(|it| empty_actions(it, depth)),
        Object::Null
        | Object::Boolean(_)
        | Object::Integer(_)
        | Object::Real(_)
        | Object::Name(_)
        | Object::String(_, _)
        | Object::Reference(_) => Ok(()),
    }
}

fn empty_action(dictionary: &mut Dictionary, depth: usize) -> Result<(), BookError> {
    let kind = dictionary.get(b"S").and_then(Object::as_name);
    if kind.is_ok_and(|kind| ACTIONS.contains(&kind)) {
        *dictionary = Dictionary::new();
        return Ok(());
    }
    dictionary
        .iter_mut()
        .try_for_each(|(_, value)| empty_actions(value, depth))
}
