//! Due days: so many days from today in the library's time zone, and never a day on which the
//! library is closed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use lujiang_config::{LendingSection, Pattern};

use super::Barcode;

/// Days that are looked at for an open one; more than the longest list of closing dates. Beyond
/// them the closing days are believed no more.
const LOOK_DAYS: usize = 10_000;

/// When items are due, by their class.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    time_zone: TimeZone,
    classes: Vec<(Pattern, Terms)>,
    otherwise: Terms,
    closed_weekdays: Vec<Weekday>,
    closed_dates: BTreeSet<Date>,
}

/// How items of a class are lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// How many days.
    pub(super) days: u16,
    /// How often they are lent on.
    pub(super) renewals_max: u16,
}

impl Calendar {
    pub(super) fn of(section: &LendingSection) -> Self {
        let classes = section.classes.iter().map(|class| {
            let terms = Terms {
                days: class.days,
                renewals_max: class.renewals_max,
            };
            (class.pattern.clone(), terms)
        });
        Self {
            time_zone: section.time_zone.clone(),
            classes: classes.collect(),
            otherwise: Terms {
                days: section.loan_days,
                renewals_max: section.renewals_max,
            },
            closed_weekdays: section.closed_weekdays.clone(),
            closed_dates: section.closed_dates.iter().copied().collect(),
        }
    }

    /// The day it is in the library.
    pub(super) fn day(&self, now: Timestamp) -> Date {
        self.time_zone.to_datetime(now).date()
    }

    /// How this item is lent.
    pub(super) fn terms(&self, item: &Barcode) -> Terms {
        let class = self
            .classes
            .iter()
            .find(|(pattern, _)| pattern.matches(item.as_str()));
        class.map_or(self.otherwise, |(_, terms)| *terms)
    }

    /// The day on which an item lent today on these terms is due: the first open one.
    pub(super) fn due(&self, today: Date, terms: Terms) -> Date {
        let after = jiff::Span::new().days(i64::from(terms.days));
        // Only at the end of the calendar, in the year 9999, is there no later day.
        let first = today.checked_add(after).unwrap_or(Date::MAX);
        std::iter::successors(Some(first), |day| day.tomorrow().ok())
            .take(LOOK_DAYS)
            .find(|day| self.is_open(*day))
            .unwrap_or(first)
    }

    fn is_open(&self, day: Date) -> bool {
        !self.closed_weekdays.contains(&day.weekday()) && !self.closed_dates.contains(&day)
    }
}
