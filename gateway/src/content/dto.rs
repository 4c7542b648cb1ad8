//! Content in the API's words.

use lujiang_content::{Offer, Published, RoleStanding};
use lujiang_wire::{HiddenTitle, Notice};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NoticeLimits;
use crate::store::content::ReleaseRow;

/// What the operator signed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferForm {
    /// New versions of `root.json` (TUF), oldest first.
    pub roots: Vec<String>,
    /// The new `targets.json` (TUF).
    pub targets: String,
}

/// The repository, as whoever signs for it needs it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RepositoryForm {
    /// The newest `root.json`; none before the repository was begun.
    pub root: Option<String>,
    /// The newest `targets.json`.
    pub targets: Option<String>,
    /// The public halves of the keys the gateway signs with: `notices`, `snapshot`, `timestamp`.
    #[schema(value_type = Object)]
    pub online: serde_json::Value,
    /// How it stands with each role.
    pub roles: Vec<RoleForm>,
}

/// How it stands with a role.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoleForm {
    /// `root`, `targets`, `notices`, `snapshot` or `timestamp`.
    pub role: String,
    /// Its version.
    pub version: u64,
    /// When what it signed ends.
    #[schema(format = DateTime)]
    pub expires: String,
    /// Whether less than a quarter of its life is left: somebody has to see to it.
    pub ends_soon: bool,
}

/// What a step led to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevisionForm {
    /// The revision that devices are told.
    pub revision: u64,
}

/// A blob that is here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BlobForm {
    /// Its bytes.
    pub size: u64,
    /// The SHA-256 of its block list.
    pub blocks: String,
}

/// A release.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReleaseForm {
    /// Its name.
    pub name: String,
    /// When it was published.
    #[schema(format = DateTime)]
    pub published: String,
    /// By whom.
    pub actor: String,
    /// How many titles it has.
    pub titles: u64,
    /// Bytes of its files and covers.
    pub bytes: u64,
    /// Since when it can be given to nobody any more.
    #[schema(format = DateTime)]
    pub withdrawn: Option<String>,
}

/// What is said now: notices, and hidden titles.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NoticesForm {
    /// The notices.
    #[schema(value_type = Vec<Object>)]
    pub notices: Vec<Notice>,
    /// The titles that are hidden.
    #[schema(value_type = Vec<Object>)]
    pub hidden: Vec<HiddenTitle>,
    /// What a notice may be.
    pub limits: NoticeLimitsForm,
}

/// What a notice may be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NoticeLimitsForm {
    /// Notices at once.
    pub notices: usize,
    /// Characters of a text.
    pub body: usize,
    /// Bytes of a picture.
    pub image_bytes: u64,
    /// Pixels of a picture: width times height.
    pub image_pixels: u64,
}

/// A notice to be shown.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeForm {
    /// What it is called; another of this name is replaced.
    pub id: String,
    /// Its headline.
    pub title: String,
    /// Its text.
    #[serde(default)]
    pub body: String,
    /// Its picture (JPEG, PNG or WebP), base64.
    #[serde(default)]
    pub image: Option<String>,
    /// Shown from then on; at once where it is left out.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub from: Option<jiff::Timestamp>,
    /// Shown no more from then on.
    #[serde(default)]
    #[schema(format = DateTime)]
    pub until: Option<jiff::Timestamp>,
    /// The lower, the earlier.
    #[serde(default)]
    pub order: i32,
}

/// Why a title is hidden.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HideForm {
    /// The title's identifier.
    pub title: String,
    /// For people.
    pub reason: String,
}

impl From<NoticeLimits> for NoticeLimitsForm {
    fn from(limits: NoticeLimits) -> Self {
        Self {
            notices: limits.notices,
            body: limits.body,
            image_bytes: limits.image_bytes,
            image_pixels: limits.image_pixels,
        }
    }
}

impl From<OfferForm> for Offer {
    fn from(form: OfferForm) -> Self {
        Self {
            roots: form.roots,
            targets: form.targets,
        }
    }
}

impl From<Offer> for OfferForm {
    fn from(offer: Offer) -> Self {
        Self {
            roots: offer.roots,
            targets: offer.targets,
        }
    }
}

impl RepositoryForm {
    /// What is published; none where nothing is yet.
    #[must_use]
    pub fn published(self) -> Option<Published> {
        let snapshot = self.roles.iter().find(|it| it.role == "snapshot");
        Some(Published {
            revision: snapshot.map_or(0, |it| it.version),
            root: self.root?,
            targets: self.targets?,
            online: serde_json::from_value(self.online).ok()?,
        })
    }
}

impl From<RoleStanding> for RoleForm {
    fn from(standing: RoleStanding) -> Self {
        Self {
            role: standing.role.as_str().to_owned(),
            version: standing.version,
            expires: standing.expires.to_string(),
            ends_soon: standing.ends_soon,
        }
    }
}

impl From<ReleaseRow> for ReleaseForm {
    fn from(row: ReleaseRow) -> Self {
        Self {
            name: row.name,
            published: row.published.to_string(),
            actor: row.actor,
            titles: row.titles,
            bytes: row.bytes,
            withdrawn: row.withdrawn.map(|at| at.to_string()),
        }
    }
}
