//! `library.kiosk.used.v1`: a title used at an e-book kiosk, in the terms of COUNTER 5.1.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Label;

/// One use of a title. Double clicks are made one by the kiosk before it tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KioskUsed {
    /// The title, as the release names it.
    pub title: Label,
    /// What kind of use.
    pub metric: Metric,
    /// The session at the kiosk; it ends on idle and names nobody.
    pub session: Label,
}

/// The metric types of COUNTER 5.1 for items and titles, and for what was denied.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Metric {
    /// Details of an item were opened.
    #[serde(rename = "Total_Item_Investigations")]
    TotalItemInvestigations,
    /// The same, once a session and item.
    #[serde(rename = "Unique_Item_Investigations")]
    UniqueItemInvestigations,
    /// The same, once a session and title.
    #[serde(rename = "Unique_Title_Investigations")]
    UniqueTitleInvestigations,
    /// An item was opened or downloaded.
    #[serde(rename = "Total_Item_Requests")]
    TotalItemRequests,
    /// The same, once a session and item.
    #[serde(rename = "Unique_Item_Requests")]
    UniqueItemRequests,
    /// The same, once a session and title.
    #[serde(rename = "Unique_Title_Requests")]
    UniqueTitleRequests,
    /// Denied: outside the licence.
    #[serde(rename = "No_License")]
    NoLicense,
    /// Denied: no copy left.
    #[serde(rename = "Limit_Exceeded")]
    LimitExceeded,
}
