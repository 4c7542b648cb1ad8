//! `…/receipts`: what the ledger holds of a device, without a hole.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Epoch, Stream};

/// The name of a ledger: random at its making, kept by its backups.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LedgerId(pub String);

/// Committed without a hole up to and including these numbers; 0 where there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipts {
    /// The ledger that says so.
    pub ledger: LedgerId,
    /// The life of the outbox the numbers belong to.
    pub epoch: Epoch,
    /// Per stream the last number without a hole before it.
    #[serde(deserialize_with = "crate::stream::numbers")]
    pub streams: BTreeMap<Stream, u64>,
}
