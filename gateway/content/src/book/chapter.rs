//! A chapter, as far as a kiosk's browser will need it: well-formed text with a head. Named
//! entities and a document type are its own affair, for it is given on and not expanded here.

use quick_xml::Reader;
use quick_xml::events::Event;

/// Whether a document of the spine can be shown; the error says why not.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let text = str::from_utf8(bytes)
        .map_err(|error| format!("not UTF-8 from byte {} on", error.valid_up_to()))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut has_head = false;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Eof if has_head => return Ok(()),
            Event::Eof => return Err("it has no head".to_owned()),
            Event::End(end) => has_head |= end.local_name().as_ref() == b"head",
            Event::Start(_)
            | Event::Empty(_)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_not_show_is_named() {
        let good = "\u{feff}<html><head><title>t</title></head><body>&nbsp;<p>字</p></body></html>";
        assert_eq!(check(good.as_bytes()), Ok(()));
        for (bytes, why) in [
            (
                &b"<html><head></head><body>\xd6\xd0</body></html>"[..],
                "not UTF-8 from byte 25 on",
            ),
            (b"<html><body><p>a</p></body></html>", "it has no head"),
            (b"<html><head></head><body><p>a</body></html>", "p"),
        ] {
            let told = check(bytes).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
    }
}
