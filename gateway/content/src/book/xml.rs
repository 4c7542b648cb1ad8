//! XML out of a book, read within bounds: no document is large, deep, or defines entities. The
//! crate `quick_xml` is named here only.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Bytes of a document at most: the package of a book of 10,000 files has 1.5 MB.
pub(super) const XML_BYTES_MAX: u64 = 4 << 20;

/// Elements within each other at most; a package document has four.
const DEPTH_MAX: usize = 32;

/// Why a document is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlFault {
    /// It is not written in UTF-8 or UTF-16.
    #[error("neither UTF-8 nor UTF-16")]
    Encoding,
    /// Not well-formed.
    #[error("not well-formed at byte {at}: {reason}")]
    Form {
        /// Where.
        at: u64,
        /// The reader's words.
        reason: String,
    },
    /// Entities of its own, by which a few bytes become gigabytes.
    #[error("it defines entities, which no document of a book needs")]
    Entities,
    /// Too deep.
    #[error("elements lie more than {DEPTH_MAX} deep")]
    Depth,
}

/// What comes next in a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// An element begins.
    Open(Element),
    /// The last one that began ends.
    Close,
    /// Words within it.
    Text(String),
}

/// The beginning of an element, without prefixes: `opf:role` is `role`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

/// A document, piece by piece.
pub(super) struct Xml<'a> {
    reader: Reader<&'a [u8]>,
    depth: usize,
}

/// The text of a document in UTF-8 or, where its first character says so, UTF-16.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, XmlFault> {
    let unit: fn([u8; 2]) -> u16 = match bytes.get(..2) {
        Some([0xfe, 0xff]) => u16::from_be_bytes,
        Some([0xff, 0xfe]) => u16::from_le_bytes,
        _ => return String::from_utf8(bytes).map_err(|_| XmlFault::Encoding),
    };
    let units: Vec<_> = bytes[2..]
        .chunks_exact(2)
        .map(|it| unit([it[0], it[1]]))
        .collect();
    String::from_utf16(&units).map_err(|_| XmlFault::Encoding)
}

impl<'a> Xml<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Self { reader, depth: 0 }
    }

    /// The next piece; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, XmlFault> {
        loop {
            let event = self.reader.read_event();
            return match event.map_err(|error| self.fault(&error))? {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > DEPTH_MAX {
                        return Err(XmlFault::Depth);
                    }
                    self.element(&start).map(|it| Some(Piece::Open(it)))
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Ok(Some(Piece::Close))
                }
                Event::Text(text) => {
                    let text = text.xml10_content().map_err(|_| XmlFault::Encoding)?;
                    Ok(Some(Piece::Text(text.into_owned())))
                }
                Event::CData(text) => {
                    let text = text.xml10_content().map_err(|_| XmlFault::Encoding)?;
                    Ok(Some(Piece::Text(text.into_owned())))
                }
                Event::GeneralRef(reference) => {
                    if let Some(character) =
                        reference.resolve_char_ref().map_err(|it| self.fault(&it))?
                    {
                        return Ok(Some(Piece::Text(character.into())));
                    }
                    let name = reference.decode().map_err(|_| XmlFault::Encoding)?;
                    // What only a DTD would define (`&nbsp;`) is a blank.
                    let text = resolve_predefined_entity(&name).unwrap_or(" ");
                    Ok(Some(Piece::Text(text.into())))
                }
                Event::DocType(declaration) => {
                    if declaration
                        .windows(8)
                        .any(|it| it.eq_ignore_ascii_case(b"<!ENTITY"))
                    {
                        return Err(XmlFault::Entities);
                    }
                    continue;
                }
                Event::Eof if self.depth > 0 => Err(XmlFault::Form {
                    at: self.reader.buffer_position(),
                    reason: "it ends too early".into(),
                }),
                Event::Eof => Ok(None),
                // Declarations, comments, instructions.
                _ => continue,
            };
        }
    }

    /// The words up to the end of the element that was opened last, those of its children with
    /// them.
    pub(super) fn text(&mut self) -> Result<String, XmlFault> {
        let mut text = String::new();
        let mut depth = 1_usize;
        while let Some(piece) = self.next()? {
            match piece {
                Piece::Open(_) => depth += 1,
                Piece::Close => depth -= 1,
                Piece::Text(words) => text += &words,
            }
            if depth == 0 {
                break;
            }
        }
        Ok(text)
    }

    fn element(&self, start: &BytesStart<'_>) -> Result<Element, XmlFault> {
        let plain = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| self.fault(&error.into()))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| self.fault(&error))?;
            attributes.push((
                plain(attribute.key.local_name().into_inner()),
                value.into_owned(),
            ));
        }
        Ok(Element {
            name: plain(start.local_name().into_inner()),
            attributes,
        })
    }

    fn fault(&self, error: &quick_xml::Error) -> XmlFault {
        XmlFault::Form {
            at: self.reader.error_position(),
            reason: error.to_string(),
        }
    }
}

impl Element {
    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Piece>, XmlFault> {
        let mut xml = Xml::new(text);
        let mut pieces = Vec::new();
        while let Some(piece) = xml.next()? {
            pieces.push(piece);
        }
        Ok(pieces)
    }

    #[test]
    fn entities_of_a_documents_own_are_refused() {
        let laughs = r#"<!DOCTYPE p [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><p>&b;</p>"#;
        assert_eq!(all(laughs), Err(XmlFault::Entities));
        let outside = r#"<!DOCTYPE p [<!entity x SYSTEM "file:///etc/passwd">]><p>&x;</p>"#;
        assert_eq!(all(outside), Err(XmlFault::Entities));
    }

    #[test]
    fn a_deep_document_is_refused() {
        let deep = "<a>".repeat(100_000);
        assert_eq!(all(&deep), Err(XmlFault::Depth));
    }

    #[test]
    fn characters_by_number_and_by_name_are_read() {
        let mut xml = Xml::new("<p>a&amp;b&#28172;<i>c</i>&nbsp;<![CDATA[<d>]]></p>");
        xml.next().unwrap();
        assert_eq!(xml.text().unwrap(), "a&b渌c <d>");
    }

    #[test]
    fn a_document_that_ends_early_is_refused() {
        assert!(matches!(all("<a><b></b>"), Err(XmlFault::Form { .. })));
    }

    #[test]
    fn utf_16_is_read_where_its_mark_says_so() {
        let mut bytes = vec![0xff, 0xfe];
        bytes.extend("<p>渌</p>".encode_utf16().flat_map(u16::to_le_bytes));
        assert_eq!(text_of(bytes).unwrap(), "<p>渌</p>");
        assert_eq!(text_of(vec![0x80, 0x81]), Err(XmlFault::Encoding));
    }
}
