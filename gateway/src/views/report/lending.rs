//! What the views answer of lending: items and persons by unit, site and kind; stops of the bus.

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Label};

use super::{Bucket, Gap};
use crate::entry::EntryNumber;
use crate::places::{DeviceKind, SiteId};

/// A question for totals of lending over `[from, to)`.
#[derive(Debug, Clone, PartialEq)]
pub struct LoanQuery {
    /// Only this site.
    pub site: Option<SiteId>,
    /// Only this device.
    pub device: Option<DeviceId>,
    /// Only devices that were of this kind then.
    pub kind: Option<DeviceKind>,
    /// Beginning; cut down to its bucket.
    pub from: Timestamp,
    /// End, not included; cut up to its bucket.
    pub to: Timestamp,
    /// How to divide it.
    pub bucket: Bucket,
}

/// Totals of lending.
#[derive(Debug, Clone, PartialEq)]
pub struct LoanReport {
    /// One for each unit of the range, empty ones included.
    pub buckets: Vec<LoanBucket>,
    /// One for each unit, site and kind where anything was lent, renewed or taken back.
    pub rows: Vec<LoanRow>,
    /// Over the whole range, those below included.
    pub total: LoanFigures,
    /// Within, what happened at a time that is not known; placed by the day it was received.
    pub undated: LoanFigures,
    /// Gaps in the loans of the devices concerned: the total lacks what stands in them.
    pub gaps: Vec<Gap>,
}

/// One calendar unit.
#[derive(Debug, Clone, PartialEq)]
pub struct LoanBucket {
    /// Beginning.
    pub start: Timestamp,
    /// What happened in it.
    pub figures: LoanFigures,
}

/// One calendar unit at one site by one kind of device.
#[derive(Debug, Clone, PartialEq)]
pub struct LoanRow {
    /// Beginning of the unit; none for what happened at a time that is not known.
    pub start: Option<Timestamp>,
    /// Where the device stood.
    pub site: Option<SiteId>,
    /// What it was for; none of a device that was never placed.
    pub kind: Option<DeviceKind>,
    /// What happened.
    pub figures: LoanFigures,
}

/// Figures of lending. Only what was granted counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoanFigures {
    /// Items lent (外借册次); renewals are not among them.
    pub checkouts: u64,
    /// Of these, within block loans (整借).
    pub in_blocks: u64,
    /// Persons who borrowed (外借人次): sessions with an item lent. One that crosses midnight is
    /// two.
    pub borrowers: u64,
    /// Items lent on.
    pub renewals: u64,
    /// Items taken back.
    pub checkins: u64,
    /// Cards issued.
    pub cards: u64,
}

/// A stop of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopFigures {
    /// Whose.
    pub device: DeviceId,
    /// Its name.
    pub stop: Label,
    /// When it began; where only its closing came, when it ended; none where neither came.
    pub at: Option<Timestamp>,
    /// Whether that is when it happened, and not when it was received.
    pub is_dated: bool,
    /// Where (活动地点); none where its opening is missing.
    pub place: Option<Label>,
    /// Whom it served (流动服务单位).
    pub unit: Option<Label>,
    /// On what occasion (活动内容).
    pub occasion: Option<Label>,
    /// Volumes carried (册数).
    pub volumes: Option<u64>,
    /// Persons who took part (参与人数).
    pub participants: Option<u64>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// What was lent at it; persons are not among it.
    pub lent: LoanFigures,
}

/// A payment at a self-checkout that the library system never confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnresolvedPayment {
    /// Its entry in the ledger.
    pub number: EntryNumber,
    /// The device with the self-checkouts.
    pub device: DeviceId,
    /// When it was made; where nobody knows, when it was received.
    pub at: Timestamp,
    /// Whether that is when it was made.
    pub is_dated: bool,
    /// How much, as the machine said it.
    pub amount: Option<Label>,
    /// The currency.
    pub currency: Option<Label>,
    /// The session; it begins with the machine's name, and names nobody.
    pub session: Label,
}
