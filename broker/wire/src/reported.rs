//! `…/reported`: the state a device says it is in, beside what `desired` asks of it. It is
//! retained.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Label;

/// The state of a device, in its own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reported {
    /// How it is with its e-books, where it is a kiosk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ReportedContent>,
    /// What each of its screens shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub screens: Vec<ReportedScreen>,
}

/// How a kiosk is with its e-books.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedContent {
    /// The release on the shelf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Label>,
    /// The newest revision of the repository it has seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The revision whose notices it shows, and whose hidden titles it hides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<u64>,
    /// The release it takes, or took last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taking: Option<Taking>,
    /// What was refused last, though no release came with it; none once it held again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<ContentRefused>,
}

/// Something a kiosk was given and does not take: it was altered, or has expired, or is older than
/// what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContentRefused {
    /// As a word for machines: `metadata-expired`.
    pub reason: Label,
    /// For people.
    #[serde(default)]
    pub detail: String,
}

/// How far a device is with a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Taking {
    /// The release.
    pub release: Label,
    /// Of [`DesiredContent`](crate::DesiredContent).
    pub attempt: u32,
    /// How far.
    #[serde(flatten)]
    pub state: TakingState,
}

/// The states of a release on a device, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum TakingState {
    /// It knows that it should.
    Offered,
    /// It fetches.
    Downloading {
        /// Bytes there.
        bytes: u64,
        /// Bytes in all.
        of: u64,
        /// Bytes a second, lately.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate: Option<u64>,
        /// When it expects to be done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arrival: Option<Timestamp>,
    },
    /// Every byte is there and as signed.
    Verified,
    /// The shelf is switched to it.
    Installed,
    /// A screen has shown it: the aim.
    Shown,
    /// It could not.
    Failed {
        /// As a word for machines: `no-space`.
        reason: Label,
        /// For people.
        #[serde(default)]
        detail: String,
    },
    /// What it had of the release is gone from it.
    Removed,
}

/// A screen, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportedScreen {
    /// Which.
    pub screen: Screen,
    /// When its page was last heard.
    pub seen: Timestamp,
    /// What it shows: `shelf`, `reader`, `notice:closed-tomorrow`.
    pub shows: Label,
    /// Whether its page has shown no life for so long that somebody should look.
    #[serde(default)]
    pub is_silent: bool,
}

/// The screens of a kiosk.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Screen {
    /// The shelf and the books.
    Left,
    /// The announcements.
    Right,
}
