//! The barcode of an item.

use std::fmt;

use lujiang_wire::Label;
use serde::{Deserialize, Serialize};

/// An item's barcode, of the form that this library's items have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Barcode(Label);

impl Barcode {
    /// Wraps what was found to be of the form of an item.
    pub(super) fn new(label: Label) -> Self {
        Self(label)
    }

    /// The barcode as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The barcode as it stands in facts.
    #[must_use]
    pub fn label(&self) -> &Label {
        &self.0
    }
}

impl fmt::Display for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
