//! The allotment of a release: how many copies of each title each device may have. A title that a
//! device has no copy of is neither fetched nor shown there.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DeviceId, Label};

/// The allotment of one release, signed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allotment {
    /// The release.
    pub release: Label,
    /// Title identifiers; a title that does not stand here is nobody's.
    pub titles: BTreeMap<Label, TitleAllotment>,
}

/// The copies of a title.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TitleAllotment {
    /// By device.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Copies>")]
    pub devices: BTreeMap<DeviceId, Copies>,
    /// Of each device that is not named, those that join later among them.
    #[serde(default)]
    pub others: Copies,
}

/// How many may read a title at once on a device.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Copies {
    /// Nobody: it is not to be had there.
    #[default]
    None,
    /// So many, at least one.
    Of(std::num::NonZeroU32),
    /// As many as like.
    Unlimited,
}

impl Allotment {
    /// The copies a device has of a title.
    #[must_use]
    pub fn copies(&self, device: &DeviceId, title: &Label) -> Copies {
        let Some(title) = self.titles.get(title) else {
            return Copies::None;
        };
        title.devices.get(device).copied().unwrap_or(title.others)
    }
}
