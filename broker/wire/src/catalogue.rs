//! The catalogue of a release: an OPDS 2.0 feed [drafts.opds.io/opds-2.0], as much of it as we
//! write. Members of others are ignored when it is read.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BlobHash, Label};

/// The media type of the feed.
pub const CATALOGUE_MEDIA_TYPE: &str = "application/opds+json";

/// The relation of a link to a title's file on the kiosk.
pub const ACQUISITION: &str = "http://opds-spec.org/acquisition";

/// The relation of a link by which a title may be borrowed on a phone; only where its licence
/// allows that.
pub const BORROW: &str = "http://opds-spec.org/acquisition/borrow";

/// A feed of titles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Catalogue {
    /// Of the feed.
    pub metadata: CatalogueMetadata,
    /// Of the feed: `self`.
    pub links: Vec<Link>,
    /// The titles, in the order of the shelf.
    pub publications: Vec<Publication>,
}

/// What a feed says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogueMetadata {
    /// The release's name: `2026-11`.
    pub identifier: Label,
    /// What to call it.
    pub title: Label,
    /// When it was made.
    pub modified: Timestamp,
}

/// A title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Publication {
    /// What it is.
    pub metadata: PublicationMetadata,
    /// One with [`ACQUISITION`]; perhaps one with [`BORROW`].
    pub links: Vec<Link>,
    /// Its cover, where it has one.
    #[serde(default)]
    pub images: Vec<Link>,
}

/// What a title says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicationMetadata {
    /// `http://schema.org/Book`.
    #[serde(rename = "@type")]
    pub kind: Label,
    /// What it is known by in facts, allotments and withdrawals: `urn:isbn:…` where the file names
    /// one, otherwise `urn:sha256:…`.
    pub identifier: Label,
    /// Its title.
    pub title: Label,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub author: Vec<Label>,
    /// BCP 47: `zh-CN`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub language: Vec<Label>,
    /// Who brought it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Label>,
    /// What it is about, at most a few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A link of a feed or a title.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The relation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rel: Option<Label>,
    /// Where to: for a blob of ours, [`CONTENT_BLOBS_PATH`](crate::CONTENT_BLOBS_PATH) and its
    /// hash.
    pub href: String,
    /// The media type: `application/epub+zip`, `application/pdf`, `image/jpeg`.
    #[serde(rename = "type")]
    pub media_type: Label,
    /// Bytes of what it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Of an acquisition link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<LinkProperties>,
}

/// What an acquisition link says of the licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkProperties {
    /// When it may be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// How many copies the licence covers in all places together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<LicensedCopies>,
}

/// The licence window, half open: from `since` on, and no more at `until`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Availability {
    /// `available`: that it may be read is for the window to say.
    pub state: Label,
    /// Its beginning; none where it has always begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Its end; none where it never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Copies of a licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LicensedCopies {
    /// So many.
    pub total: u32,
}

impl Publication {
    /// The link to its file.
    #[must_use]
    pub fn acquisition(&self) -> Option<&Link> {
        self.link(ACQUISITION)
    }

    /// The link by which it may be borrowed on a phone.
    #[must_use]
    pub fn borrow_link(&self) -> Option<&Link> {
        self.link(BORROW)
    }

    /// The licence window; a title without one may always be read.
    #[must_use]
    pub fn window(&self) -> Option<&Availability> {
        self.acquisition()?
            .properties
            .as_ref()?
            .availability
            .as_ref()
    }

    fn link(&self, rel: &str) -> Option<&Link> {
        let is_it = |link: &&Link| link.rel.as_ref().is_some_and(|it| it.as_str() == rel);
        self.links.iter().find(is_it)
    }
}

impl Link {
    /// The blob it leads to, where it is one of ours.
    #[must_use]
    pub fn blob(&self) -> Option<BlobHash> {
        let name = self.href.strip_prefix(crate::CONTENT_BLOBS_PATH)?;
        name.parse().ok()
    }
}
