//! The package document of an EPUB [EPUB 3.3 §5]: what the book is, what it is made of, and in
//! which order.

use std::collections::BTreeMap;

use lujiang_wire::Label;
use percent_encoding::percent_decode_str;

use super::archive::is_name_within;
use super::wording::{line, paragraph};
use super::xml::{Element, Piece, Xml, XmlFault};
use crate::isbn::Isbn;

/// Authors and languages at most; who names more of them is not writing a book.
const NAMES_MAX: usize = 20;

/// What a package says, with names as the archive has them.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) title: Option<Label>,
    pub(super) authors: Vec<Label>,
    pub(super) languages: Vec<Label>,
    pub(super) publisher: Option<Label>,
    pub(super) description: Option<String>,
    pub(super) isbn: Option<Isbn>,
    pub(super) cover: Option<String>,
    /// What is read, one after the other.
    pub(super) spine: Vec<String>,
}

#[derive(Debug, Default)]
struct Parts {
    /// Items of the manifest: their names within the archive by their ids. A name that leads out
    /// of the book is none.
    items: BTreeMap<String, Option<String>>,
    /// The item marked as cover [EPUB 3.3 §5.5.2], or named as it the older way.
    cover_item: Option<String>,
    cover_meta: Option<String>,
    spine: Vec<String>,
}

impl Package {
    /// Reads a package document of this name.
    pub(super) fn read(text: &str, name: &str) -> Result<Self, XmlFault> {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut package = Self::default();
        let mut parts = Parts::default();
        let mut xml = Xml::new(text);
        while let Some(piece) = xml.next()? {
            if let Piece::Open(element) = piece {
                parts.take(&element, folder);
                package.take(&element, &mut xml)?;
            }
        }
        let named = |id: &String| parts.items.get(id).cloned().flatten();
        package.cover = parts
            .cover_item
            .or(parts.cover_meta)
            .as_ref()
            .and_then(named);
        // What is named but stands nowhere is kept by its id, so that it is missed by name.
        let chapter = |id: String| named(&id).unwrap_or(id);
        package.spine = parts.spine.into_iter().map(chapter).collect();
        Ok(package)
    }

    fn take(&mut self, element: &Element, xml: &mut Xml<'_>) -> Result<(), XmlFault> {
        match element.name.as_str() {
            "title" if self.title.is_none() => self.title = line(&xml.text()?),
            "creator" if self.authors.len() < NAMES_MAX => self.authors.extend(line(&xml.text()?)),
            "language" if self.languages.len() < NAMES_MAX => {
                self.languages.extend(line(&xml.text()?));
            }
            "publisher" if self.publisher.is_none() => self.publisher = line(&xml.text()?),
            "description" if self.description.is_none() => {
                self.description = paragraph(&xml.text()?);
            }
            "identifier" if self.isbn.is_none() => {
                let is_called_isbn = element.attribute("scheme").is_some_and(is_isbn_word);
                self.isbn = number_in(&xml.text()?, is_called_isbn);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Parts {
    fn take(&mut self, element: &Element, folder: &str) {
        let id = |name| element.attribute(name).map(str::to_owned);
        match element.name.as_str() {
            "item" => {
                let Some(id) = id("id") else { return };
                let properties = element.attribute("properties").unwrap_or_default();
                if properties.split_whitespace().any(|it| it == "cover-image") {
                    self.cover_item = Some(id.clone());
                }
                let name = element
                    .attribute("href")
                    .and_then(|href| within(folder, href));
                self.items.insert(id, name);
            }
            "itemref" => self.spine.extend(id("idref")),
            "meta" if element.attribute("name") == Some("cover") => self.cover_meta = id("content"),
            _ => {}
        }
    }
}

/// The ISBN a text is. Ten digits are one only where they are called so: one in eleven numbers of
/// ten digits would pass.
pub(super) fn number_in(text: &str, is_called_isbn: bool) -> Option<Isbn> {
    let is_long = text.chars().filter(char::is_ascii_digit).count() == 13;
    let is_isbn = is_called_isbn || is_isbn_word(text) || is_long;
    is_isbn.then(|| text.parse().ok())?
}

fn is_isbn_word(text: &str) -> bool {
    text.to_ascii_lowercase().contains("isbn")
}

/// The name within the archive that a reference leads to; none where it leads out of the book.
fn within(folder: &str, href: &str) -> Option<String> {
    let path = href.split(['#', '?']).next().unwrap_or_default();
    let path = percent_decode_str(path).decode_utf8().ok()?;
    let mut segments: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    for segment in path.split('/') {
        match segment {
            "." | "" => {}
            ".." => drop(segments.pop()?),
            _ => segments.push(segment),
        }
    }
    let name = segments.join("/");
    (is_name_within(&name) && !path.starts_with('/')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_never_leads_out_of_the_book() {
        let name = |href| within("EPUB/text", href);
        assert_eq!(
            name("a%20b.xhtml#c").as_deref(),
            Some("EPUB/text/a b.xhtml")
        );
        assert_eq!(name("../cover.png").as_deref(), Some("EPUB/cover.png"));
        assert_eq!(name("../../../etc/passwd"), None);
        assert_eq!(name("%2e%2e/%2e%2e/%2e%2e/x"), None);
        assert_eq!(name("/etc/passwd"), None);
        assert_eq!(name("http://evil.example/x"), None);
        assert_eq!(name("..\\..\\x"), None);
    }

    #[test]
    fn ten_digits_are_an_isbn_only_where_they_are_called_so() {
        let isbn = |identifier: &str| {
            let text = format!("<package><metadata>{identifier}</metadata></package>");
            Package::read(&text, "p.opf").unwrap().isbn.is_some()
        };
        assert!(!isbn(
            "<identifier>7020002201</identifier><source>9787020002207</source>"
        ));
        assert!(!isbn("<identifier>702000220X</identifier>"));
        assert!(isbn(
            "<identifier xmlns:opf='x' opf:scheme='ISBN'>702000220X</identifier>"
        ));
        assert!(isbn("<identifier>urn:isbn:702000220X</identifier>"));
        assert!(isbn("<identifier>978-7-02-000220-7</identifier>"));
    }

    #[test]
    fn the_older_way_to_name_a_cover_is_read() {
        let text = r#"<package><metadata><meta name="cover" content="c"/></metadata>
            <manifest><item id="c" href="c.jpg" media-type="image/jpeg"/>
            <item id="t" href="t.xhtml"/></manifest><spine><itemref idref="t"/>
            <itemref idref="lost"/></spine></package>"#;
        let package = Package::read(text, "OPS/p.opf").unwrap();
        assert_eq!(package.cover.as_deref(), Some("OPS/c.jpg"));
        assert_eq!(package.spine, ["OPS/t.xhtml", "lost"]);
    }
}
