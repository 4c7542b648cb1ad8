//! Where a fact stands in its outbox, and when it was written there.

use crate::{Boot, Epoch, Sequence, Stream, Uptime};

/// Where a fact stands in its outbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The life of the outbox.
    pub epoch: Epoch,
    /// The stream within it.
    pub stream: Stream,
    /// The number within the stream.
    pub sequence: Sequence,
}

/// When a fact was written, by the clock nobody can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The boot it was written in.
    pub boot: Boot,
    /// The time since that boot.
    pub uptime: Uptime,
}
