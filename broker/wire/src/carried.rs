//! What a carrier brings for a device that has no way to the gateway: the device's facts on
//! `…/carried` of the carrier, and the gateway's receipts on the way back.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, Receipts};

/// Where a carrier gets the receipts of a device, by GET over mutual TLS, with the device's id
/// behind it: a [`Signed`](crate::Signed) of [`CarriedReceipts`].
pub const CARRIED_RECEIPTS_PATH: &str = "/api/v1/device/carried-receipts/";

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
