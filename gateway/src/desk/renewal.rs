//! What the due date tells of a renewal nobody answered. A later date was made by it; one that
//! stands where it stood tells something only where the library says how its library system dates:
//! many count in whole days, from today, past closing days or to the end of a term, and renew a
//! loan of this morning to the very date it has.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::desk::fact::LoanFact;
use crate::desk::sighting::Sighting;
use crate::desk::step::{Intent, Trace};

/// A date in whole days may stand for the beginning of its day.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What it means that a due date stands where it stood before a renewal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnmovedDue {
    /// Nothing: the renewal may have been done.
    #[default]
    Unclear,
    /// A renewal lends for so long at least: it was not done where the item is due sooner.
    NotRenewedBefore(Duration),
    /// It was not done: a renewal always moves the date.
    NotRenewed,
}

/// The due date before a renewal and now, and when the renewal was asked for, at the earliest.
#[derive(Debug, Clone, Copy)]
struct DueDates {
    before: Option<Timestamp>,
    now: Option<Timestamp>,
    /// How far the two may differ and be one date: not at all where both are of one kind of
    /// message.
    slack: SignedDuration,
    renewed: Timestamp,
}

impl UnmovedDue {
    /// What became of a renewal that may have been sent, by the date the desk saw before.
    pub(crate) fn since(self, intent: &Intent, fact: &LoanFact, seen: &Sighting) -> Trace {
        let trace = self.trace(DueDates {
            before: intent.saw.due,
            now: seen.due,
            slack: SignedDuration::ZERO,
            // Some library systems date it from when it happened, some from when they hear of it.
            renewed: fact.happening.when.earliest().min(intent.at),
        });
        match trace {
            // To no later a date than it had, a renewal does not move it.
            Trace::NotDone
                if fact
                    .deed
                    .due()
                    .is_some_and(|own| Some(own) <= intent.saw.due) =>
            {
                Trace::Unknown
            }
            trace => trace,
        }
    }

    /// What became of a renewal a device asked for, by the date the library system last said of
    /// this loan to a device. A device's day may end a minute off the library system's.
    pub(crate) fn unanswered(
        self,
        known: Option<Timestamp>,
        fact: &LoanFact,
        seen: &Sighting,
    ) -> Trace {
        self.trace(DueDates {
            before: known,
            now: seen.due,
            slack: SignedDuration::from_mins(1),
            renewed: fact.happening.when.earliest(),
        })
    }

    fn trace(self, dates: DueDates) -> Trace {
        let (Some(before), Some(now)) = (dates.before, dates.now) else {
            return Trace::Unknown;
        };
        let moved = now.duration_since(before);
        if moved > dates.slack {
            return Trace::Done;
        }
        // Sooner than before is another loan, or one that was recalled; later by less than two
        // messages may differ in is neither the same nor surely moved.
        if moved > SignedDuration::ZERO || moved < -dates.slack {
            return Trace::Unknown;
        }
        match self {
            Self::Unclear => Trace::Unknown,
            Self::NotRenewed => Trace::NotDone,
            Self::NotRenewedBefore(least) => {
                let least = SignedDuration::try_from(least).unwrap_or(SignedDuration::MAX);
                let least = least.checked_sub(DAY).unwrap_or(SignedDuration::ZERO);
                match dates.renewed.checked_add(least) {
                    Ok(soonest) if now < soonest => Trace::NotDone,
                    Ok(_) | Err(_) => Trace::Unknown,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: i64 = 24 * 3_600;

    /// A renewal in this second, of an item due then and then, in messages that may differ by a
    /// minute.
    fn dates(renewed: i64, before: Option<i64>, now: Option<i64>) -> DueDates {
        let at = |second| Timestamp::from_second(second).unwrap();
        DueDates {
            before: before.map(at),
            now: now.map(at),
            slack: SignedDuration::from_mins(1),
            renewed: at(renewed),
        }
    }

    fn all_rules() -> [UnmovedDue; 3] {
        let month = Duration::from_secs(30 * 24 * 3_600);
        [
            UnmovedDue::Unclear,
            UnmovedDue::NotRenewedBefore(month),
            UnmovedDue::NotRenewed,
        ]
    }

    #[test]
    fn a_later_date_shows_a_renewal_whatever_the_rule() {
        for rule in all_rules() {
            let seen = dates(0, Some(30 * DAYS), Some(31 * DAYS));
            assert_eq!(rule.trace(seen), Trace::Done);
        }
    }

    #[test]
    fn an_unmoved_date_tells_nothing_unless_the_library_says_what() {
        let seen = dates(20 * DAYS, Some(30 * DAYS), Some(30 * DAYS));
        let told = all_rules().map(|rule| rule.trace(seen));
        assert_eq!(told, [Trace::Unknown, Trace::NotDone, Trace::NotDone]);
    }

    #[test]
    fn on_the_day_of_the_loan_a_renewal_by_days_leaves_the_date_and_is_unknown() {
        for renewed in [0, DAYS - 1] {
            let seen = dates(renewed, Some(30 * DAYS), Some(30 * DAYS));
            let told = all_rules().map(|rule| rule.trace(seen));
            assert_eq!(told, [Trace::Unknown, Trace::Unknown, Trace::NotDone]);
        }
        let next_day = dates(DAYS + 1, Some(30 * DAYS), Some(30 * DAYS));
        assert_eq!(all_rules()[1].trace(next_day), Trace::NotDone);
    }

    #[test]
    fn an_earlier_date_and_a_missing_one_tell_nothing_whatever_the_rule() {
        for rule in all_rules() {
            for (before, now) in [
                (Some(30 * DAYS), Some(29 * DAYS)),
                (Some(30 * DAYS), None),
                (None, Some(30 * DAYS)),
                (None, None),
            ] {
                assert_eq!(rule.trace(dates(20 * DAYS, before, now)), Trace::Unknown);
            }
        }
    }

    #[test]
    fn a_days_last_minute_is_that_days_end_and_later_by_less_than_a_minute_is_no_renewal() {
        let end = 30 * DAYS - 1;
        let told = |now| UnmovedDue::NotRenewed.trace(dates(20 * DAYS, Some(end), Some(now)));
        assert_eq!(told(end - 59), Trace::NotDone);
        assert_eq!(told(end + 59), Trace::Unknown);
        assert_eq!(told(end + 61), Trace::Done);
    }

    #[test]
    fn a_period_that_ends_after_all_time_tells_nothing() {
        let rule = UnmovedDue::NotRenewedBefore(Duration::MAX);
        let seen = dates(0, Some(DAYS), Some(DAYS));
        assert_eq!(rule.trace(seen), Trace::Unknown);
    }
}
