//! What a carrier brings for a device that has no way to the gateway: the device's facts on
//! `…/carried` of the carrier, and on the way back the gateway's receipts and what it wishes.
//!
//! Between carrier and device it is HTTPS on a local network, each known by the certificate that
//! the gateway gave it; releases are there under the gateway's own paths.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DesiredContent, DeviceId, Receipts};

/// Where a carrier gets the receipts of a device, by GET over mutual TLS, with the device's id
/// behind it: a [`Signed`](crate::Signed) of [`CarriedReceipts`].
pub const CARRIED_RECEIPTS_PATH: &str = "/api/v1/device/carried-receipts/";

/// Where a carrier gets what a device should have, in the same way: a
/// [`Signed`](crate::Signed) of [`CarriedWish`].
pub const CARRIED_WISH_PATH: &str = "/api/v1/device/carried-wish/";

/// Where a carrier takes facts of the device that asks, by POST: a [`Signed`](crate::Signed) of a
/// payload of `…/events`. They are on the carrier's disk when it answers; they are not settled.
pub const CARRIER_FACTS_PATH: &str = "/carrier/v1/facts";

/// Where a carrier has the receipts of the device that asks.
pub const CARRIER_RECEIPTS_PATH: &str = "/carrier/v1/receipts";

/// Where a carrier has what the device that asks should have. It is there once all of it is on
/// board.
pub const CARRIER_WISH_PATH: &str = "/carrier/v1/wish";

/// Largest payload of facts that is signed for a carrier: with base64 and a chain around it, it
/// fits one packet.
pub const CARRIED_BYTES_MAX: usize = 128 * 1024;

/// The gateway's receipts for a device, for whoever carries them there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CarriedReceipts {
    /// Whom they are for.
    #[schemars(with = "String")]
    pub device: DeviceId,
    /// When the gateway said so.
    pub issued: Timestamp,
    /// What is committed.
    pub receipts: Receipts,
}

/// What a device should have, for whoever carries it there: what `desired` would say on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CarriedWish {
    /// Whom it is for.
    #[schemars(with = "String")]
    pub device: DeviceId,
    /// When the gateway said so; an older one is no news.
    pub issued: Timestamp,
    /// What its shelf should have, where it is a kiosk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<DesiredContent>,
}
