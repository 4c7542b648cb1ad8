//! The table of contents: of EPUB 3 the navigation document, of EPUB 2 the NCX. A book without a
//! readable one is read by the numbers of its documents.

use quick_xml::Reader;
use quick_xml::events::Event;

use super::archive::Archive;
use super::package::{Package, attribute, resolve};

/// Most headings that are shown.
const HEADINGS_MAX: usize = 2_000;

/// Longest heading in characters.
const HEADING_LENGTH_MAX: usize = 120;

/// A line of the table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// What it says; empty where the book says nothing.
    pub(crate) text: String,
    /// How deep it stands, from 0.
    pub(crate) depth: usize,
    /// The document in reading order.
    pub(crate) document: usize,
    /// A place within.
    pub(crate) fragment: Option<String>,
}

/// What is known of the heading that is being read.
#[derive(Debug, Default)]
struct Draft {
    text: String,
    target: Option<String>,
    depth: usize,
}

/// Reads the table of contents of a book.
pub(super) fn read(archive: &Archive, package: &Package) -> Vec<Heading> {
    let navigation = package.navigation.as_ref();
    let read = navigation.and_then(|name| Some((name, archive.text(name).ok()?)));
    let headings = read.map(|(name, text)| headings(name, &text, package, &NAVIGATION));
    let headings = headings
        .filter(|headings| !headings.is_empty())
        .or_else(|| {
            let name = package.ncx.as_ref()?;
            let text = archive.text(name).ok()?;
            Some(self::headings(name, &text, package, &NCX))
        });
    headings.filter(|it| !it.is_empty()).unwrap_or_else(|| {
        let numbered = |document| Heading {
            text: String::new(),
            depth: 0,
            document,
            fragment: None,
        };
        (0..package.spine.len().min(HEADINGS_MAX))
            .map(numbered)
            .collect()
    })
}

/// The names of what is alike in both kinds.
struct Form {
    /// Within this and nothing else.
    root: &'static str,
    /// A level.
    level: &'static str,
    /// What leads somewhere.
    link: &'static str,
    /// By this.
    target: &'static str,
    /// What holds the words.
    words: &'static str,
}

const NAVIGATION: Form = Form {
    root: "nav",
    level: "ol",
    link: "a",
    target: "href",
    words: "a",
};

const NCX: Form = Form {
    root: "navMap",
    level: "navPoint",
    link: "content",
    target: "src",
    words: "text",
};

/// The headings as far as the document can be read.
fn headings(file: &str, text: &str, package: &Package, form: &Form) -> Vec<Heading> {
    let mut reader = Reader::from_str(text);
    let (mut found, mut draft) = (Vec::new(), Draft::default());
    let (mut is_within, mut is_words, mut depth) = (false, false, 0_usize);
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(ref start) | Event::Empty(ref start) => {
                let name = start.local_name();
                let name = std::str::from_utf8(name.as_ref()).unwrap_or_default();
                if name == form.root {
                    let kind = attribute(start, "type");
                    is_within = kind.is_none_or(|kind| kind == "toc");
                } else if name == form.level && matches!(event, Event::Start(_)) {
                    depth += 1;
                }
                is_words |= is_within && name == form.words;
                if is_within && name == form.link {
                    draft.target = attribute(start, form.target);
                    draft.depth = depth.saturating_sub(1);
                }
            }
            Event::Text(text) if is_words => {
                draft.text.push_str(&text.decode().unwrap_or_default())
            }
            Event::GeneralRef(reference) if is_words => {
                draft.text.push_str(&character(&reference));
            }
            Event::End(end) => {
                let name = end.local_name();
                let name = std::str::from_utf8(name.as_ref()).unwrap_or_default();
                is_words &= name != form.words;
                if name == form.level {
                    depth = depth.saturating_sub(1);
                } else if name == form.root {
                    is_within = false;
                }
            }
            Event::Text(_)
            | Event::GeneralRef(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
        if !is_words && draft.target.is_some() {
            found.extend(std::mem::take(&mut draft).heading(file, package));
        }
        if found.len() >= HEADINGS_MAX {
            break;
        }
    }
    found
}

fn character(reference: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    match &**reference {
        b"amp" => "&",
        b"lt" => "<",
        b"gt" => ">",
        b"quot" => "\"",
        b"apos" => "'",
        _ => " ",
    }
    .to_owned()
}

impl Draft {
    /// The heading, where it leads to a document that is read.
    fn heading(self, file: &str, package: &Package) -> Option<Heading> {
        let (name, fragment) = resolve(file, &self.target?)?;
        let document = package.spine.iter().position(|it| *it == name)?;
        let words: Vec<&str> = self.text.split_whitespace().collect();
        Some(Heading {
            text: words.join(" ").chars().take(HEADING_LENGTH_MAX).collect(),
            depth: self.depth,
            document,
            fragment,
        })
    }
}
