//! `…/telemetry`: measurements; may be lost, is sampled.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Epoch, Stream};

/// One sample of a device's measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Telemetry {
    /// The device's own time.
    pub time: Timestamp,
    /// The life of its outbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub epoch: Option<Epoch>,
    /// Per stream the last number written to the outbox.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub written: BTreeMap<Stream, u64>,
    /// The metrics, by name (lower case, `_`, the unit last: `cpu_temperature_celsius`).
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f64>,
}
