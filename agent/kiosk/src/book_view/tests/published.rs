//! What is taken at publishing can be read here: whoever signs a release has seen to it.

use lujiang_content::{Book, BookLimits};

use super::*;

/// With the bounds of a kiosk that nobody configured.
fn is_shown(file: &std::path::Path) -> Result<(), BookError> {
    let bounds = BookBounds::of(&lujiang_config::ScreensSection::default());
    let epub = Epub::open(file, bounds)?;
    for name in epub.spine() {
        let resource = epub.resource(name)?;
        with_house_style(name, resource.bytes, "/style.css")?;
    }
    Ok(())
}

fn book() -> Vec<(&'static str, Vec<u8>)> {
    let mut files = vec![("mimetype", b"application/epub+zip".to_vec())];
    files.extend(honest());
    let package = PACKAGE.replace("<itemref idref=\"s\"/>", "");
    files.retain(|(name, _)| *name != "OEBPS/package.opf");
    files.push(("OEBPS/package.opf", package.into()));
    files
}

fn with(name: &'static str, bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = book();
    files.retain(|(known, _)| *known != name);
    files.push((name, bytes.to_vec()));
    files
}

#[test]
fn whatever_publishing_takes_a_kiosk_opens() {
    let chapter = "OEBPS/text/one.xhtml";
    let mut taken = 0;
    for (what, files) in [
        ("as it is", book()),
        (
            "a chapter that is not UTF-8",
            with(chapter, b"<html><head></head>\xd6</html>"),
        ),
        (
            "one that is not well-formed",
            with(chapter, b"<html><head></head><p>a</b></html>"),
        ),
        ("one without a head", with(chapter, b"<html><body/></html>")),
        (
            "an entity of its own",
            with(chapter, "<html><head></head>&nbsp;</html>".as_bytes()),
        ),
        (
            "a large font",
            with("OEBPS/font.bin", &vec![b' '; 65 << 20]),
        ),
    ] {
        let (_folder, file) = written(&zipped(&files));
        let published = Book::read(&file, &BookLimits::default());
        let shown = is_shown(&file);
        assert!(
            published.is_err() || shown.is_ok(),
            "{what}: {published:?}, {shown:?}"
        );
        taken += u32::from(published.is_ok());
    }
    assert!(taken >= 2, "some are taken");
}
