//! What pages show of the desk at one moment: plain values, no handle on anything, no reader.

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{PlannedStop, ReturnedConflict};

use super::desk::{Line, Work};
use super::said::Said;
use crate::lending::{OpenStop, Synchronisation};

/// The desk at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    /// The stop that is open.
    pub(crate) stop: Option<OpenStop>,
    /// Where the bus is to stop.
    pub(crate) planned: Vec<PlannedStop>,
    /// What is being done.
    pub(crate) work: Work,
    /// The reader at the desk.
    pub(crate) reader: Option<ReaderShown>,
    /// What was done with that reader, newest first.
    pub(crate) lines: Vec<Line>,
    /// What was last said.
    pub(crate) said: Said,
    /// Counts what was said.
    pub(crate) turn: u64,
    /// Whether the last code came twice and was taken once.
    pub(crate) is_repeated: bool,
    /// The link and what waits for it.
    pub(crate) strip: Strip,
    /// What the library system disputes.
    pub(crate) conflicts: Vec<ReturnedConflict>,
}

/// A reader, as shown to whoever looks at the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReaderShown {
    /// The last characters of the card.
    pub(crate) tail: String,
    /// Items that this reader may borrow today besides.
    pub(crate) left: u32,
}

/// The link, and what waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Strip {
    /// The link.
    pub(crate) link: LinkShown,
    /// Since when, by this machine's clock.
    pub(crate) link_since: Timestamp,
    /// Facts the gateway has not confirmed.
    pub(crate) waiting: u64,
    /// How long the oldest of them waits.
    pub(crate) oldest: Option<Duration>,
    /// When the gateway last confirmed some, and what that did.
    pub(crate) last_sync: Option<Synchronisation>,
    /// Whether there are papers to lend by.
    pub(crate) has_papers: bool,
    /// The minute it is, so that the clock on the page goes on.
    pub(crate) minute: i64,
}

/// The link, as the crew needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkShown {
    /// Made, and nothing waits.
    Online,
    /// Made, and what waited is leaving.
    CatchingUp {
        /// About how long it takes.
        left: Option<Duration>,
    },
    /// Not there, as is usual.
    Offline,
    /// No loan can be stored any more.
    Full,
}
