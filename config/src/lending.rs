//! `[lending]` of the agent's configuration: what a device may lend while nobody can be asked.

mod read;

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::Pattern;

/// `[lending]`: the policy by which this device decides off-line.
#[derive(Debug, Clone, PartialEq)]
pub struct LendingSection {
    /// What is done off-line.
    pub offline: Offline,
    /// The form of a reader's card, after blanks went and letters became upper case.
    pub reader_pattern: Pattern,
    /// The form of an item's barcode.
    pub item_pattern: Pattern,
    /// This device's own card: what it carries is lent to it as a block, and lent on from there.
    pub own_card: Option<String>,
    /// The library's time zone: due days are days there.
    pub time_zone: TimeZone,
    /// How long an item is lent that is of no class.
    pub loan_days: u16,
    /// How often an item is lent on that is of no class.
    pub renewals_max: u16,
    /// Which items are lent on.
    pub renewals: Renewals,
    /// Kinds of items that are lent otherwise; the first that matches counts.
    pub classes: Vec<ItemClass>,
    /// Days of the week on which nothing can be returned, so nothing is due.
    pub closed_weekdays: Vec<Weekday>,
    /// Other days on which nothing is due.
    pub closed_dates: Vec<Date>,
    /// Items one reader may have out by this device's off-line loans.
    pub reader_items_max: u32,
    /// Items one reader may be lent off-line in a day.
    pub reader_day_max: u32,
    /// Items in one block loan or return.
    pub block_items_max: u32,
    /// How often the papers are asked for, also where nothing says that they changed.
    pub papers_interval: Duration,
    /// First pause after papers did not come; doubles, with jitter.
    pub papers_pause_min: Duration,
    /// Longest such pause.
    pub papers_pause_max: Duration,
    /// How long the gateway may take to tell the library system what it heard from here, once that
    /// is there: until then this device goes on deciding about those items.
    pub told_within: Duration,
}

/// What a device does off-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offline {
    /// It takes items back, and lends none.
    Checkin,
    /// It takes items back, lends them, and lends them on.
    CheckinAndCheckout,
}

/// Which items are lent on off-line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewals {
    /// None.
    None,
    /// Those this device lent itself.
    LentHere,
    /// Any: that the reader has it is believed.
    Any,
}

/// A kind of items, known by their barcodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemClass {
    /// The form of their barcodes.
    pub pattern: Pattern,
    /// How long they are lent.
    pub days: u16,
    /// How often they are lent on.
    pub renewals_max: u16,
}

impl Default for LendingSection {
    fn default() -> Self {
        let pattern = |text: &str| text.parse().expect("a pattern of ours");
        Self {
            offline: Offline::CheckinAndCheckout,
            reader_pattern: pattern("[0-9]{17}[0-9X]"),
            item_pattern: pattern("[A-Z]{0,4}[0-9]{6,14}"),
            own_card: None,
            time_zone: TimeZone::get("Asia/Shanghai").expect("the zone data is built in"),
            loan_days: 30,
            renewals_max: 1,
            renewals: Renewals::LentHere,
            classes: Vec::new(),
            closed_weekdays: Vec::new(),
            closed_dates: Vec::new(),
            reader_items_max: 10,
            reader_day_max: 10,
            block_items_max: 2_000,
            papers_interval: Duration::from_secs(15 * 60),
            papers_pause_min: Duration::from_secs(5),
            papers_pause_max: Duration::from_secs(600),
            told_within: Duration::from_secs(10 * 60),
        }
    }
}
