//! A document of a book, as it is given to a browser: with the house's style, so that it turns in
//! pages, and without what a book has no business with.
//!
//! What is left out here is a second wall: the first is the policy the document is served with and
//! the frame it stands in, which let nothing run and nothing out. Some of it would leave all the
//! same, by hints that no policy covers (a connection made in advance), and some would only leave
//! holes in the page.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

use super::BookError;
use super::outward::inward;

/// Elements that are left out with all that is in them.
const LEFT_OUT: [&[u8]; 9] = [
    b"script",
    b"iframe",
    b"frame",
    b"frameset",
    b"object",
    b"embed",
    b"applet",
    b"base",
    b"portal",
];

/// Deepest nesting of what is left out.
const DEPTH_MAX: usize = 1_000;

/// A document with a style sheet of the house at the end of its head.
pub(crate) fn with_house_style(
    name: &str,
    bytes: Vec<u8>,
    style: &str,
) -> Result<Vec<u8>, BookError> {
    let text = text(name, bytes)?;
    let malformed = |reason: &dyn std::fmt::Display| BookError::Malformed {
        file: name.to_owned(),
        reason: reason.to_string(),
    };
    let mut reader = Reader::from_str(&text);
    let mut writer = Writer::new(Vec::with_capacity(text.len() + 256));
    let mut left_out = 0_usize;
    let mut has_head = false;
    loop {
        let event = reader.read_event().map_err(|error| malformed(&error))?;
        match &event {
            Event::Eof => break,
            Event::Start(_) if left_out > 0 => left_out += 1,
            Event::Start(start) if is_left_out(start) => left_out = 1,
            Event::End(_) if left_out > 0 => {
                left_out -= 1;
                continue;
            }
            Event::Empty(start) if is_left_out(start) => continue,
            Event::End(end) if end.local_name().as_ref() == b"head" && !has_head => {
                has_head = true;
                write(&mut writer, link(style)).map_err(|error| malformed(&error))?;
            }
            // It would take the browser to a style of its own by an instruction.
            Event::PI(_) => continue,
            Event::Start(_)
            | Event::End(_)
            | Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => {}
        }
        if left_out > DEPTH_MAX {
            return Err(malformed(&"nested too deeply"));
        }
        let event = match event {
            Event::Start(start) => Event::Start(inward(start)),
            Event::Empty(start) => Event::Empty(inward(start)),
            other => other,
        };
        if left_out == 0 {
            write(&mut writer, event).map_err(|error| malformed(&error))?;
        }
    }
    if !has_head {
        return Err(malformed(&"it has no head"));
    }
    Ok(writer.into_inner())
}

/// The text of a document, which must be UTF-8, with or without a mark.
pub(super) fn text(name: &str, bytes: Vec<u8>) -> Result<String, BookError> {
    let mut text = String::from_utf8(bytes).map_err(|error| BookError::Malformed {
        file: name.to_owned(),
        reason: format!(
            "not UTF-8 from byte {} on",
            error.utf8_error().valid_up_to()
        ),
    })?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

fn write(writer: &mut Writer<Vec<u8>>, event: Event<'_>) -> std::io::Result<()> {
    writer.write_event(event)
}

fn link(style: &str) -> Event<'static> {
    let link = BytesStart::new("link").with_attributes([
        ("xmlns", "http://www.w3.org/1999/xhtml"),
        ("rel", "stylesheet"),
        ("href", style),
    ]);
    Event::Empty(link.into_owned())
}

/// Whether an element is left out: one of the list, a hint, or a word to the browser itself.
fn is_left_out(start: &BytesStart<'_>) -> bool {
    let name = start.local_name().as_ref().to_ascii_lowercase();
    match name.as_slice() {
        b"meta" => attribute(start, b"http-equiv").is_some(),
        b"link" => attribute(start, b"rel").is_none_or(|rel| {
            let mut words = rel.split_ascii_whitespace();
            !words.all(|word| word.eq_ignore_ascii_case("stylesheet"))
        }),
        name => LEFT_OUT.contains(&name),
    }
}

fn attribute(start: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let mut attributes = start.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    let found = attributes.find(|it| it.key.as_ref().eq_ignore_ascii_case(name))?;
    Some(String::from_utf8_lossy(&found.value).into_owned())
}
