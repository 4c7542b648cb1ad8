//! `library.stop.*.v1`: a stop of the book bus. Two stops can share a day and a place, so a stop
//! has a name of its own, which its opening and its closing share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Label;

/// The bus opened: `library.stop.opened.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopOpened {
    /// The stop: unique per device for ever.
    pub stop: Label,
    /// Where, for people (活动地点).
    pub place: Label,
    /// Whom it serves (流动服务单位).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Label>,
    /// On what occasion (活动内容).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<Label>,
    /// Volumes carried (册数); not loans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<u64>,
}

/// The bus closed: `library.stop.closed.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StopClosed {
    /// The stop that was opened.
    pub stop: Label,
    /// Persons who took part (参与人数).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participants: Option<u64>,
    /// Volumes carried (册数), where the number of the opening was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<u64>,
}
