//! The package document [EPUB 3.3 §5]: which files there are, in which order they are read, and
//! which of them is the table of contents.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::BookError;
use super::archive::Archive;
use super::resource::MediaType;

/// Where every EPUB says where its package is.
const CONTAINER: &str = "META-INF/container.xml";

/// What a book consists of.
#[derive(Debug)]
pub(super) struct Package {
    /// The documents in reading order, by their names in the zip.
    pub(super) spine: Vec<String>,
    /// The navigation document of EPUB 3.
    pub(super) navigation: Option<String>,
    /// The table of contents of EPUB 2.
    pub(super) ncx: Option<String>,
    media_types: HashMap<String, String>,
}

#[derive(Debug)]
struct Item {
    name: String,
    media_type: String,
    is_navigation: bool,
}

impl Package {
    /// Reads it from a book.
    pub(super) fn read(archive: &Archive) -> Result<Self, BookError> {
        let container = archive.text(CONTAINER)?;
        let mut name = None;
        for_each_start(CONTAINER, &container, |element, start| {
            if element == "rootfile" && name.is_none() {
                name = attribute(start, "full-path");
            }
        })?;
        let name = name.ok_or_else(|| malformed(CONTAINER, "it names no package"))?;
        let text = archive.text(&name)?;
        Self::parse(&name, &text)
    }

    fn parse(name: &str, text: &str) -> Result<Self, BookError> {
        let mut items: HashMap<String, Item> = HashMap::new();
        let (mut order, mut ncx) = (Vec::new(), None);
        for_each_start(name, text, |element, start| match element {
            "item" => {
                let read = (|| {
                    let item = Item {
                        name: resolve(name, &attribute(start, "href")?)?.0,
                        media_type: attribute(start, "media-type")?,
                        is_navigation: attribute(start, "properties")
                            .is_some_and(|it| it.split_whitespace().any(|word| word == "nav")),
                    };
                    Some((attribute(start, "id")?, item))
                })();
                items.extend(read);
            }
            "spine" => ncx = attribute(start, "toc"),
            "itemref" => order.extend(attribute(start, "idref")),
            _ => {}
        })?;
        let is_document = |item: &&Item| {
            let kind = MediaType::of(&item.name, Some(&item.media_type));
            matches!(
                kind,
                Some(MediaType::Document | MediaType::Part("image/svg+xml"))
            )
        };
        let spine = order.iter().filter_map(|id| items.get(id));
        let spine: Vec<String> = spine
            .filter(is_document)
            .map(|item| item.name.clone())
            .collect();
        if spine.is_empty() {
            return Err(malformed(name, "it has nothing to read"));
        }
        let navigation = items.values().find(|item| item.is_navigation);
        Ok(Self {
            spine,
            navigation: navigation.map(|item| item.name.clone()),
            ncx: ncx.and_then(|id| items.get(&id)).map(|it| it.name.clone()),
            media_types: items
                .into_values()
                .map(|item| (item.name, item.media_type))
                .collect(),
        })
    }

    /// What the package declares a file to be.
    pub(super) fn media_type(&self, name: &str) -> Option<&str> {
        self.media_types.get(name).map(String::as_str)
    }
}

/// The name in the zip, and the fragment, of a reference from a file in it; none where it leads
/// out of the book.
pub(super) fn resolve(from: &str, reference: &str) -> Option<(String, Option<String>)> {
    let (path, fragment) = match reference.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment.to_owned())),
        None => (reference, None),
    };
    let path = path.split('?').next()?;
    if path.contains(':') || path.starts_with('/') {
        return None;
    }
    let path = percent_decode_str(path).decode_utf8().ok()?;
    if path.is_empty() {
        return Some((from.to_owned(), fragment));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some((parts.join("/"), fragment))
}

/// Calls for each element that begins, by its local name.
fn for_each_start(
    file: &str,
    text: &str,
    mut each: impl FnMut(&str, &BytesStart<'_>),
) -> Result<(), BookError> {
    let mut reader = Reader::from_str(text);
    loop {
        let event = reader.read_event();
        match event.map_err(|error| malformed(file, &error.to_string()))? {
            Event::Start(start) | Event::Empty(start) => {
                let name = start.local_name();
                each(
                    std::str::from_utf8(name.as_ref()).unwrap_or_default(),
                    &start,
                );
            }
            Event::Eof => return Ok(()),
            Event::End(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

/// An attribute by its local name, with its references resolved.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|it| it.key.local_name().as_ref() == name.as_bytes())?;
    let text = std::str::from_utf8(&found.value).ok()?;
    Some(quick_xml::escape::unescape(text).ok()?.trim().to_owned())
}

pub(super) fn malformed(file: &str, reason: &str) -> BookError {
    BookError::Malformed {
        file: file.to_owned(),
        reason: reason.to_owned(),
    }
}
