//! `library.content.*.v1`: receipts of a release, or of one title of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Label;

/// Something is installed and proven: `library.content.installed.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentInstalled {
    /// The release.
    pub release: Label,
    /// One title of it; the release as a whole where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Label>,
    /// Its size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Something is gone from the device: `library.content.removed.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentRemoved {
    /// The release it came with.
    pub release: Label,
    /// One title of it; the release as a whole where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Label>,
    /// Why, as a word for machines: `licence-ended`, `retired`.
    pub reason: Label,
}

/// Something could not be installed: `library.content.failed.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentFailed {
    /// The release.
    pub release: Label,
    /// One title of it; the release as a whole where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Label>,
    /// Why, as a word for machines: `hash-mismatch`, `disk-full`.
    pub reason: Label,
}
