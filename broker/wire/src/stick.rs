//! A stick with a release: a repository in a folder, laid out as the gateway's paths are, so that
//! who reads one reads the other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, Label};

/// The file that says what a stick is; it is written last, and believed in nothing.
pub const STICK_FILE: &str = "stick.json";

/// The folder of the metadata, every root among it.
pub const STICK_METADATA: &str = "metadata";

/// The folder of the blobs, each by its SHA-256.
pub const STICK_BLOBS: &str = "blobs";

/// The folder of their block lists.
pub const STICK_BLOCKS: &str = "blocks";

/// What stands on a stick. It is no signature: it chooses among what is signed, as a rollout does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stick {
    /// The release to take.
    pub release: Label,
    /// The version of the snapshot.
    pub revision: u64,
    /// Whom it was made for: all they need is on it.
    #[schemars(with = "Vec<String>")]
    pub devices: Vec<DeviceId>,
}
