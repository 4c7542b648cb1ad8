//! The OPDS 2.0 feed of what may be read now, for any program on the kiosk that reads such feeds.
//! It is made from the release's own catalogue; files and covers lead to this kiosk.

use lujiang_wire::{
    ACQUISITION, CATALOGUE_MEDIA_TYPE, Catalogue, CatalogueMetadata, Label, Link, Publication,
};

use crate::pages::find;
use crate::pages::{cover_address, in_address};
use crate::shelf::{OnDisplay, TitleOnShelf};

/// Where the feed is.
pub(crate) const FEED_PATH: &str = "/feed.json";

/// The feed. `room` is what to call it; `before` stands in for a release while there is none.
pub(crate) fn feed(display: &OnDisplay, room: &Label, before: &Label) -> Catalogue {
    Catalogue {
        metadata: CatalogueMetadata {
            identifier: display.release.clone().unwrap_or_else(|| before.clone()),
            title: room.clone(),
            modified: display.updated.unwrap_or_default(),
        },
        links: vec![link(
            Some("self"),
            FEED_PATH.to_owned(),
            CATALOGUE_MEDIA_TYPE,
        )],
        publications: find::on_shelf(display).map(publication).collect(),
    }
}

/// Where a title's file is.
pub(crate) fn file_address(title: &Label) -> String {
    format!("/files/{}", in_address(title.as_str()))
}

/// What kind of picture a title's cover is: its own, or the one that is drawn for it.
pub(crate) fn cover_type(title: &TitleOnShelf) -> &str {
    let image = title.publication.images.first();
    match (&title.cover, image) {
        (Some(_), Some(image)) => image.media_type.as_str(),
        (Some(_), None) | (None, _) => "image/svg+xml",
    }
}

fn publication(title: &TitleOnShelf) -> Publication {
    let Publication {
        metadata, links, ..
    } = title.publication.clone();
    let here = |mut link: Link| {
        let is_file = link
            .rel
            .as_ref()
            .is_some_and(|rel| rel.as_str() == ACQUISITION);
        if is_file {
            link.href = file_address(&metadata.identifier);
        }
        link
    };
    let cover = link(None, cover_address(&metadata.identifier), cover_type(title));
    Publication {
        links: links.into_iter().map(here).collect(),
        images: vec![cover],
        metadata,
    }
}

fn link(rel: Option<&str>, href: String, media_type: &str) -> Link {
    let label = |text: &str| -> Label { text.parse().expect("a word of the standard") };
    Link {
        rel: rel.map(label),
        href,
        media_type: label(media_type),
        size: None,
        properties: None,
    }
}
