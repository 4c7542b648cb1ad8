//! What a page shows of lending: the link, what waits, the papers.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use lujiang_wire::Label;

use super::Barcode;
use super::sync_meter::Synchronisation;
use crate::status::Link;

/// The link to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// How it is.
    pub link: Link,
    /// Since when, by the device's clock.
    pub since: Timestamp,
}

/// A block loan of which items are out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockOut {
    /// Its name.
    pub block: Label,
    /// The day it was lent.
    pub day: Date,
    /// The day its items are due.
    pub due: Date,
    /// The items that are not back.
    pub items: Vec<Barcode>,
}

/// What waits for the gateway, and how it goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Facts that the gateway has not confirmed.
    pub facts: u64,
    /// Of these, the loans, returns, cards and stops.
    pub loans: u64,
    /// How old the oldest of them is.
    pub oldest: Option<Duration>,
    /// The synchronisation that goes on, or else the last that confirmed anything.
    pub synchronisation: Option<Synchronisation>,
    /// How long it still takes; none where nothing moves.
    pub estimate: Option<Duration>,
}

/// The papers this device lends by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PapersView {
    /// Their revision.
    pub revision: Label,
    /// When they came, by the gateway's time; none where that was not known.
    pub fetched: Option<Timestamp>,
    /// How many readers are blocked.
    pub blocked: usize,
    /// As of when the library system said so; none where no list was ever imported.
    pub blocks_as_of: Option<Timestamp>,
}
