//! The units of a range that an answer is cut into, and why there is no answer.

use jiff::Timestamp;

use crate::views::calendar::{Calendar, second_after, second_of};
use crate::views::pages::Damage;
use crate::views::report::Bucket;

/// Most units in one answer: two years by hour.
const UNITS_MAX: usize = 20_000;

/// Why there is no answer.
#[derive(Debug, PartialEq)]
pub(crate) enum NoReport {
    /// The store is damaged.
    Damage(Damage),
    /// The question is wrong.
    Question(String),
}

impl From<Damage> for NoReport {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

/// The first second of each unit of a range, and the first one after it.
pub(crate) fn edges(
    calendar: &Calendar,
    unit: Bucket,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<i64>, NoReport> {
    if from >= to {
        let question = format!("`to` {to} is not after `from` {from}");
        return Err(NoReport::Question(question));
    }
    calendar
        .cut(unit, second_of(from), second_after(to), UNITS_MAX)
        .ok_or_else(|| NoReport::Question(format!("more than {UNITS_MAX} buckets")))
}
