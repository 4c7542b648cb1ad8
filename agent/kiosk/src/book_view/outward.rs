//! Attributes by which a document would lead out of its book: links to elsewhere, forms, handlers
//! of events. They are taken off; what leads on within the book stays.

use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;

/// Attributes that no document of a book needs, whatever they say.
const NEVER: [&[u8]; 7] = [
    b"action",
    b"download",
    b"formaction",
    b"manifest",
    b"ping",
    b"srcdoc",
    b"target",
];

/// Attributes that name a place.
const PLACES: [&[u8]; 8] = [
    b"background",
    b"cite",
    b"data",
    b"href",
    b"longdesc",
    b"poster",
    b"src",
    b"srcset",
];

/// The element without what leads out; as it is where nothing does.
pub(super) fn inward<'e>(start: BytesStart<'e>) -> BytesStart<'e> {
    let mut attributes = start.attributes();
    let attributes = attributes.with_checks(false);
    // What cannot be read as an attribute is left out with the rest.
    let is_outward = |it: Result<quick_xml::events::attributes::Attribute<'_>, _>| {
        it.map_or(true, |it| {
            leads_out(it.key.local_name().as_ref(), &it.value)
        })
    };
    if !attributes.any(is_outward) {
        return start;
    }
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut kept = BytesStart::new(name);
    let mut attributes = start.attributes();
    for attribute in attributes.with_checks(false).flatten() {
        if !leads_out(attribute.key.local_name().as_ref(), &attribute.value) {
            kept.push_attribute((attribute.key.as_ref(), &*attribute.value));
        }
    }
    kept
}

fn leads_out(name: &[u8], value: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.as_slice();
    if name.starts_with(b"on") || NEVER.contains(&name) {
        return true;
    }
    PLACES.contains(&name) && !is_within(value)
}

/// Whether a reference stays in the book: relative, or a picture within the document. A browser
/// leaves blanks out before it reads one, so we do as well.
fn is_within(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let Ok(text) = unescape(text) else {
        return false;
    };
    let is_blank = |c: char| c.is_ascii_control() || c == ' ';
    let text: String = text.chars().filter(|c| !is_blank(*c)).collect();
    if text.starts_with(['/', '\\']) {
        return false;
    }
    let before_path = text.split(['/', '?', '#']).next().unwrap_or_default();
    !before_path.contains(':') || text.starts_with("data:image/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_of_a_book_is_told_from_what_leads_on_in_it() {
        for within in [
            "two.xhtml",
            "../a/b.png#c",
            "#note-1",
            "",
            "data:image/png;base64,AA",
            "a?b:c",
        ] {
            assert!(is_within(within.as_bytes()), "{within}");
        }
        let out = [
            "http://evil.example/",
            "//evil.example/",
            "\\\\evil.example",
            "/other/key",
            "javascript:alert(1)",
            "java\tscript:alert(1)",
            " file:///etc/passwd",
            "&#104;ttp://evil.example/",
            "data:text/html,x",
            "blob:x",
            "&broken",
        ];
        for out in out {
            assert!(!is_within(out.as_bytes()), "{out}");
        }
    }
}
