//! A title as the catalogue has it.

use lujiang_wire::{
    ACQUISITION, Availability, BORROW, BlobHash, CONTENT_BLOBS_PATH, Label, LicensedCopies, Link,
    LinkProperties, Publication, PublicationMetadata,
};

use super::FoundFile;
use crate::book::Book;
use crate::licence::{Licence, Phone, Window};

/// What a title is known by that has no number: the hash of its file.
///
/// # Panics
/// Never: 75 plain characters are a label.
#[must_use]
pub fn identifier_of_file(blob: &BlobHash) -> Label {
    let urn = format!("urn:sha256:{blob}");
    urn.parse().expect("75 plain characters are a label")
}

/// What a title is called: by programs, and by people.
pub(super) struct Named {
    pub(super) identifier: Label,
    pub(super) title: Label,
}

/// The title a file and its licence make.
pub(super) fn made(
    file: &FoundFile,
    book: &Book,
    licence: &Licence,
    named: Named,
    copies: Option<u32>,
) -> Publication {
    let told = &licence.told;
    let or = |own: &[Label], told: &[Label]| match own.is_empty() {
        true => told.to_vec(),
        false => own.to_vec(),
    };
    let metadata = PublicationMetadata {
        kind: word("http://schema.org/Book"),
        author: or(&book.authors, &told.authors),
        language: or(&book.languages, &told.languages),
        publisher: book.publisher.clone().or_else(|| told.publisher.clone()),
        description: book.description.clone(),
        identifier: named.identifier,
        title: named.title,
    };
    let cover = file.cover.as_ref().zip(book.cover.as_ref().ok());
    let images = cover.and_then(|(origin, cover)| {
        let media_type = cover.as_ref()?.media_type;
        Some(blob_link(None, &origin.blob, media_type, origin.size))
    });
    let mut publication = Publication {
        metadata,
        links: vec![blob_link(
            Some(ACQUISITION),
            &file.origin.blob,
            book.format.media_type(),
            file.origin.size,
        )],
        images: images.into_iter().collect(),
    };
    license(&mut publication, licence, copies);
    publication
}

/// Puts a title under a licence, whatever it was under before.
pub(super) fn license(publication: &mut Publication, licence: &Licence, copies: Option<u32>) {
    let Window { since, until } = licence.window;
    let is = |link: &Link, rel: &str| link.rel.as_ref().is_some_and(|it| it.as_str() == rel);
    publication.links.retain(|link| !is(link, BORROW));
    for link in publication
        .links
        .iter_mut()
        .filter(|link| is(link, ACQUISITION))
    {
        link.properties = Some(LinkProperties {
            availability: Some(Availability {
                state: word("available"),
                since,
                until,
            }),
            copies: copies.map(|total| LicensedCopies { total }),
        });
    }
    let href = match &licence.phone {
        Phone::NotAllowed => return,
        Phone::At(address) => address.to_string(),
        // Where the library's own address of lending on phones is, the kiosk knows.
        Phone::Allowed => format!("/borrow/{}", publication.metadata.identifier),
    };
    publication.links.push(Link {
        rel: Some(word(BORROW)),
        href,
        media_type: word("text/html"),
        size: None,
        properties: None,
    });
}

/// When a title of a catalogue may be read.
pub(super) fn window_of(publication: &Publication) -> Window {
    let window = publication.window();
    Window {
        since: window.and_then(|it| it.since),
        until: window.and_then(|it| it.until),
    }
}

fn blob_link(rel: Option<&str>, blob: &BlobHash, media_type: &str, size: u64) -> Link {
    Link {
        rel: rel.map(word),
        href: format!("{CONTENT_BLOBS_PATH}{blob}"),
        media_type: word(media_type),
        size: Some(size),
        properties: None,
    }
}

/// A word of ours.
fn word(text: &str) -> Label {
    text.parse().expect("our own words are labels")
}
