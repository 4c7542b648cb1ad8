//! `…/telemetry`: measurements; may be lost, is sampled.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{Epoch, Stream, event_error};

/// One sample of a device's measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Telemetry {
    /// The device's own time.
    #[serde(deserialize_with = "crate::time::deserialize")]
    pub time: Timestamp,
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
    /// The metrics, by name (lower case, `_`, the unit last: `cpu_temperature_celsius`).
    #[serde(
        flatten,
        serialize_with = "write_metrics",
        deserialize_with = "read_metrics"
    )]
    #[schemars(with = "BTreeMap<String, f64>")]
    pub metrics: BTreeMap<String, f64>,
}

/// Members of a sample that are no metrics.
const RESERVED: [&str; 3] = ["time", "epoch", "written"];

/// Writes what JSON can hold: a sensor that answers no number has no metric this time.
fn write_metrics<S: Serializer>(
    metrics: &BTreeMap<String, f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        metrics
            .iter()
            .filter(|(name, value)| value.is_finite() && !RESERVED.contains(&name.as_str())),
    )
}

fn read_metrics<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, f64>, D::Error> {
    let mut metrics = BTreeMap::new();
    for (name, value) in BTreeMap::<String, Value>::deserialize(deserializer)? {
        match value {
            Value::Null => {}
            Value::Number(number) => {
                metrics.extend(number.as_f64().map(|number| (name, number)));
            }
            Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                let name = event_error::name(&name);
                return Err(D::Error::custom(format!("expected a number as {name}")));
            }
        }
    }
    Ok(metrics)
}
