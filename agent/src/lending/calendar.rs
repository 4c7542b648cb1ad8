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
    /// The library's time zone.
    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.time_zone
    }

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

#[cfg(test)]
mod tests {
    use lujiang_config::ItemClass;
    use proptest::prelude::*;

    use super::*;

    const WEEKDAYS: [Weekday; 7] = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];

    fn item(text: &str) -> Barcode {
        Barcode::new(text.parse().unwrap())
    }

    #[test]
    fn an_item_is_due_by_its_class_on_the_next_open_day() {
        let calendar = Calendar::of(&LendingSection {
            loan_days: 30,
            classes: vec![ItemClass {
                pattern: "J[0-9]+".parse().unwrap(),
                days: 14,
                renewals_max: 0,
            }],
            closed_weekdays: vec![Weekday::Monday],
            closed_dates: vec!["2026-12-08".parse().unwrap()],
            ..LendingSection::default()
        });
        let tuesday: Date = "2026-11-24".parse().unwrap();
        let due = |item| calendar.due(tuesday, calendar.terms(&item)).to_string();
        assert_eq!(due(item("J123456")), "2026-12-09", "the 8th is closed");
        assert_eq!(due(item("LL000001")), "2026-12-24");
        assert_eq!(calendar.terms(&item("J123456")).renewals_max, 0);
        // A Saturday and thirty days: the Monday is closed.
        let saturday: Date = "2026-11-28".parse().unwrap();
        let lent = calendar.due(saturday, calendar.terms(&item("LL000001")));
        assert_eq!(lent.to_string(), "2026-12-29");
    }

    #[test]
    fn the_day_is_the_librarys() {
        let calendar = Calendar::of(&LendingSection::default());
        let late: Timestamp = "2026-11-24T16:30:00Z".parse().unwrap();
        assert_eq!(calendar.day(late).to_string(), "2026-11-25");
    }

    proptest! {
        #[test]
        fn nothing_is_due_too_early_or_on_a_closed_day_or_later_than_it_must(
            today in 0..20_000_i32,
            days in 1..400_u16,
            closed in prop::sample::subsequence(WEEKDAYS.to_vec(), 0..=6),
            dates in prop::collection::btree_set(0..500_i32, 0..60),
        ) {
            let epoch: Date = "2000-01-01".parse().unwrap();
            let day = |number: i32| epoch.checked_add(jiff::Span::new().days(number)).unwrap();
            let closed_dates: Vec<Date> = dates.iter().map(|d| day(today + d)).collect();
            let calendar = Calendar::of(&LendingSection {
                loan_days: days,
                closed_weekdays: closed.clone(),
                closed_dates: closed_dates.clone(),
                ..LendingSection::default()
            });
            let due = calendar.due(day(today), calendar.terms(&item("LL000001")));
            let is_open = |d: Date| !closed.contains(&d.weekday()) && !closed_dates.contains(&d);
            let first = day(today + i32::from(days));
            prop_assert!(due >= first && is_open(due));
            let mut before = first;
            while before < due {
                prop_assert!(!is_open(before), "{} would have done", before);
                before = before.tomorrow().unwrap();
            }
        }
    }
}
