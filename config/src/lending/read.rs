//! The section of off-line lending, key by key.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use toml::de::DeValue;

use crate::section::{Section, whole_number};
use crate::{ItemClass, LendingSection, Offline, Renewals};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Longest loan and longest renewal that can be meant.
const DAYS_MAX: u16 = 3_660;

/// Most renewals that can be meant.
const RENEWALS_MAX: u16 = 100;

/// Most classes of items, which are tried one by one for each loan.
const CLASSES_MAX: usize = 64;

/// Most closing dates: a few years of holidays.
const DATES_MAX: usize = 1_000;

/// Longest card number: a label's length on the wire.
const CARD_LENGTH_MAX: usize = 200;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

impl LendingSection {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let read = Self {
            offline: section.choice(
                "offline",
                default.offline,
                &[
                    ("checkin", Offline::Checkin),
                    ("checkin-and-checkout", Offline::CheckinAndCheckout),
                ],
            ),
            reader_pattern: section.pattern("reader_pattern", default.reader_pattern),
            item_pattern: section.pattern("item_pattern", default.item_pattern),
            own_card: own_card(section),
            time_zone: section.time_zone("time_zone", default.time_zone),
            loan_days: section.number("loan_days", default.loan_days, 1..=DAYS_MAX),
            renewals_max: section.number("renewals_max", default.renewals_max, 0..=RENEWALS_MAX),
            renewals: section.choice(
                "renewals",
                default.renewals,
                &[
                    ("none", Renewals::None),
                    ("lent-here", Renewals::LentHere),
                    ("any", Renewals::Any),
                ],
            ),
            classes: classes(section),
            closed_weekdays: closed_weekdays(section),
            closed_dates: closed_dates(section),
            reader_items_max: section.number(
                "reader_items_max",
                default.reader_items_max,
                1..=100_000,
            ),
            reader_day_max: section.number("reader_day_max", default.reader_day_max, 1..=100_000),
            block_items_max: section.number("block_items_max", default.block_items_max, 1..=10_000),
            papers_interval: section.duration(
                "papers_interval",
                default.papers_interval,
                SECOND..=30 * DAY,
            ),
            papers_pause_min: section.duration(
                "papers_pause_min",
                default.papers_pause_min,
                SECOND / 10..=HOUR,
            ),
            papers_pause_max: section.duration(
                "papers_pause_max",
                default.papers_pause_max,
                SECOND / 10..=DAY,
            ),
            told_within: section.duration("told_within", default.told_within, Duration::ZERO..=DAY),
        };
        let orderly = read.papers_pause_min <= read.papers_pause_max;
        section.fits("papers_pause_max", orderly, "at least papers_pause_min");
        read
    }
}

fn own_card(section: &mut Section<'_>) -> Option<String> {
    let expected = "a card number of 1 to 200 characters, or \"\" for none";
    let card = section.text("own_card", String::new(), expected, is_card);
    Some(card).filter(|card| !card.is_empty())
}

fn is_card(text: &str) -> bool {
    let is_plain = text.trim() == text && !text.chars().any(char::is_control);
    is_plain && text.chars().count() <= CARD_LENGTH_MAX
}

fn classes(section: &mut Section<'_>) -> Vec<ItemClass> {
    section.list(
        "classes",
        "a list of classes such as { pattern = \"J[0-9]+\", days = 14, renewals_max = 0 }, at \
         most 64",
        Vec::new(),
        0..=CLASSES_MAX,
        item_class,
    )
}

fn item_class(value: &DeValue<'_>) -> Option<ItemClass> {
    let DeValue::Table(table) = value else {
        return None;
    };
    let number = |key: &str, least, most| {
        let number: u16 = whole_number(table.get(key)?.get_ref())?;
        (least..=most).contains(&number).then_some(number)
    };
    // All of it, and nothing else.
    if table.len() != 3 {
        return None;
    }
    Some(ItemClass {
        pattern: table.get("pattern")?.get_ref().as_str()?.parse().ok()?,
        days: number("days", 1, DAYS_MAX)?,
        renewals_max: number("renewals_max", 0, RENEWALS_MAX)?,
    })
}

/// At least one day of the week stays open: something has to be due some day.
fn closed_weekdays(section: &mut Section<'_>) -> Vec<Weekday> {
    section.list(
        "closed_weekdays",
        "a list of at most six of \"Mon\", \"Tue\", \"Wed\", \"Thu\", \"Fri\", \"Sat\" and \"Sun\"",
        Vec::new(),
        0..=6,
        |value| {
            let word = value.as_str()?;
            let found = WEEKDAYS.iter().find(|(name, _)| *name == word);
            found.map(|(_, weekday)| *weekday)
        },
    )
}

fn closed_dates(section: &mut Section<'_>) -> Vec<Date> {
    section.list(
        "closed_dates",
        "a list of days such as \"2026-10-01\", at most 1000",
        Vec::new(),
        0..=DATES_MAX,
        |value| value.as_str()?.parse().ok(),
    )
}
