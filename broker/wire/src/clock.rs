//! Time: the clock everyone is handed, and the words to measure it on `…/clock`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Boot, Uptime};

/// The clocks of a machine. Cores get times as arguments; shells ask this. Simulations and tests
/// hand in their own.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock: may be wrong, may jump.
    fn wall(&self) -> Timestamp;
    /// Time since boot: monotonic, suspend included.
    fn uptime(&self) -> Uptime;
    /// The boot `uptime` counts from.
    fn boot(&self) -> Boot;
}

/// What stands on the `…/clock` channel of a device. The device asks, the gateway answers; from
/// several answers the device learns the true time at one uptime and reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ClockMessage {
    /// From the device: what time is it?
    Request(ClockRequest),
    /// From the gateway: this.
    Reply(ClockReply),
    /// From the device: what it measured.
    Report(ClockReport),
}

/// A question for the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockRequest {
    /// Copied into the reply.
    pub id: u64,
    /// The device's uptime at sending; copied into the reply.
    pub uptime: Uptime,
}

/// The gateway's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockReply {
    /// Of the request.
    pub id: u64,
    /// Of the request.
    pub uptime: Uptime,
    /// The gateway's time as it answered.
    #[serde(deserialize_with = "crate::time::deserialize")]
    pub time: Timestamp,
}

/// What the device measured: at this uptime of this boot it was this time, give or take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockReport {
    /// The boot the uptime belongs to.
    pub boot: Boot,
    /// The uptime of the measurement.
    pub uptime: Uptime,
    /// The gateway's time at that uptime.
    #[serde(deserialize_with = "crate::time::deserialize")]
    pub time: Timestamp,
    /// Half of the round trip of the measurement taken, in milliseconds: the largest error.
    pub error_ms: u64,
}
