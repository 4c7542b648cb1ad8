//! `…/status`: presence, retained, and the will of an agent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Boot, Epoch, Stream};

/// Whether a device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// Connected.
    Online,
    /// Not connected.
    Offline,
    /// The gateway restarted and has not heard of it since; only the gateway says so.
    Unknown,
}

/// The retained status of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Whether it is connected.
    pub state: LinkState,
    /// Since when, by the writer's clock.
    #[serde(deserialize_with = "crate::time::deserialize")]
    pub since: Timestamp,
    /// Name and version of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The boot of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
    /// The life of its outbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Per stream the last number written to the outbox.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "crate::stream::numbers"
    )]
    pub written: BTreeMap<Stream, u64>,
    /// When the oldest fact was written that no receipt of the gateway covers; none where all are
    /// covered. By the writer's clock as it is now, so that its distance from `since` is the age.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::time::deserialize_some"
    )]
    pub oldest: Option<Timestamp>,
}
