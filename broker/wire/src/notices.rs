//! What the delegated role may say: notices for the right-hand screen, and titles that are to be
//! hidden at once.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BlobHash, Label};

/// The whole of what is said now; the document before it counts no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notices {
    /// The notices, in any order.
    #[serde(default)]
    pub notices: Vec<Notice>,
    /// The titles that are withdrawn.
    #[serde(default)]
    pub hidden: Vec<HiddenTitle>,
}

/// A notice on the right-hand screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// What it is called among people who edit it.
    pub id: Label,
    /// Its headline.
    pub title: Label,
    /// Its text, in Chinese, at most 500 characters; lines are kept.
    #[serde(default)]
    pub body: String,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<NoticeImage>,
    /// Shown from then on.
    pub from: Timestamp,
    /// Shown no more from then on; none where it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The lower, the earlier in the loop; equals go by their id.
    #[serde(default)]
    pub order: i32,
}

/// A picture of a notice: a target of the delegated role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeImage {
    /// Its bytes.
    pub blob: BlobHash,
    /// `image/jpeg`, `image/png` or `image/webp`.
    #[serde(rename = "type")]
    pub media_type: Label,
}

/// A title that is to be shown nowhere, whatever its licence says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HiddenTitle {
    /// Its identifier.
    pub title: Label,
    /// Since when.
    pub since: Timestamp,
    /// Why, for people.
    pub reason: Label,
}
