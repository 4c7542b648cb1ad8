//! An EPUB [EPUB 3.3, OCF 3.3]: what its package says, and whether all of it is there.

use std::fs::File;

use super::archive::{Archive, ArchiveFault, is_name_within};
use super::cover::{COVER_BYTES_MAX, Cover, CoverFault};
use super::package::Package;
use super::xml::{Piece, XML_BYTES_MAX, Xml, XmlFault, text_of};
use super::{Book, BookFault, BookFormat, BookLimits, Protection};

const MIMETYPE: &str = "mimetype";
const CONTAINER: &str = "META-INF/container.xml";
const ENCRYPTION: &str = "META-INF/encryption.xml";

/// Fonts turned around by the book's own number are no lock: every reader turns them back
/// [EPUB 3.3 §4.3.5].
const FONT_ALGORITHMS: [&str; 2] = [
    "http://www.idpf.org/2008/embedding",
    "http://ns.adobe.com/pdf/enc#RC",
];

/// Reads a book; its file is expanded once, and none of it is kept.
pub(super) fn read(file: File, bytes: u64, limits: &BookLimits) -> Result<Book, BookFault> {
    let mut archive = Archive::open(file, bytes, limits)?;
    if !archive.has(MIMETYPE) || archive.read(MIMETYPE, 64)?.trim_ascii() != b"application/epub+zip"
    {
        return Err(BookFault::Unknown);
    }
    let protection = protection(&mut archive)?;
    let container = document(&mut archive, CONTAINER)?;
    let package_name = package_name(&container).map_err(in_document(CONTAINER))?;
    let package_name = package_name.filter(|name| is_name_within(name));
    let package_name = package_name.ok_or(BookFault::NoPackage)?;
    let text = document(&mut archive, &package_name)?;
    let package = Package::read(&text, &package_name).map_err(in_document(&package_name))?;

    if package.spine.is_empty() {
        return Err(BookFault::NothingToRead);
    }
    if let Some(name) = package.spine.iter().find(|name| !archive.has(name)) {
        let name = name.clone();
        return Err(BookFault::MissingChapter { name });
    }
    // What is locked cannot be looked into; it is not published anyway.
    if protection.is_none() {
        for name in package.spine.iter().filter(|name| is_document(name)) {
            let bytes = archive.read(name, limits.part_bytes)?;
            super::chapter::check(&bytes).map_err(|reason| BookFault::Chapter {
                name: name.clone(),
                reason,
            })?;
        }
    }
    let cover = match &package.cover {
        None => Ok(None),
        Some(name) => cover(&mut archive, name)?.map(Some),
    };
    archive.check()?;
    Ok(Book {
        format: BookFormat::Epub,
        title: package.title,
        authors: package.authors,
        languages: package.languages,
        publisher: package.publisher,
        description: package.description,
        isbn: package.isbn,
        cover,
        protection,
    })
}

/// By its name: a spine may have pictures in it too.
fn is_document(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|it| {
        ["xhtml", "html", "htm"]
            .iter()
            .any(|is| it.eq_ignore_ascii_case(is))
    })
}

/// Which document is the package: the first that is named as one.
fn package_name(container: &str) -> Result<Option<String>, XmlFault> {
    let mut xml = Xml::new(container);
    while let Some(piece) = xml.next()? {
        if let Piece::Open(element) = piece
            && element.name == "rootfile"
            && element.attribute("media-type") == Some("application/oebps-package+xml")
        {
            return Ok(element.attribute("full-path").map(str::to_owned));
        }
    }
    Ok(None)
}

fn protection(archive: &mut Archive) -> Result<Option<Protection>, BookFault> {
    for (name, protection) in [
        ("META-INF/license.lcpl", Protection::Lcp),
        ("META-INF/sinf.xml", Protection::Apple),
        ("META-INF/rights.xml", Protection::Adobe),
    ] {
        if archive.has(name) {
            return Ok(Some(protection));
        }
    }
    if !archive.has(ENCRYPTION) {
        return Ok(None);
    }
    let text = document(archive, ENCRYPTION)?;
    let mut xml = Xml::new(&text);
    while let Some(piece) = xml.next().map_err(in_document(ENCRYPTION))? {
        if let Piece::Open(element) = piece
            && element.name == "EncryptionMethod"
            && !element
                .attribute("Algorithm")
                .is_some_and(|it| FONT_ALGORITHMS.contains(&it))
        {
            return Ok(Some(Protection::Encrypted));
        }
    }
    Ok(None)
}

fn cover(archive: &mut Archive, name: &str) -> Result<Result<Cover, CoverFault>, BookFault> {
    match archive.read(name, COVER_BYTES_MAX) {
        Ok(bytes) => Ok(Cover::of(bytes)),
        Err(ArchiveFault::Missing { .. }) => Ok(Err(CoverFault::Missing)),
        Err(ArchiveFault::Document { .. }) => Ok(Err(CoverFault::Large)),
        Err(fault) => Err(fault.into()),
    }
}

fn document(archive: &mut Archive, name: &str) -> Result<String, BookFault> {
    let bytes = archive.read(name, XML_BYTES_MAX)?;
    text_of(bytes).map_err(in_document(name))
}

fn in_document(name: &str) -> impl Fn(XmlFault) -> BookFault + '_ {
    move |fault| BookFault::Document {
        name: name.to_owned(),
        fault,
    }
}
