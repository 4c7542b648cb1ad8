//! Licence windows at a kiosk that may be off-line for months, with a clock that anybody can set.
//!
//! A title is shown where its window is open by *both* clocks: the floor of trusted time and the
//! wall. Its bytes go only once trusted time has passed the end, or after it was hidden for thirty
//! days of trusted time: so a wrong clock costs nothing that a right one does not give back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Availability, Label};
use serde::{Deserialize, Serialize};

/// How long a title may be hidden by a clock before its bytes go.
const HIDDEN_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The wall clock, right or wrong.
    pub wall: Timestamp,
    /// The floor of trusted time.
    pub trusted: Timestamp,
}

/// What is to be done about a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may be read.
    Readable,
    /// It is not shown, and its bytes stay: it has not begun, or a clock says that it is over.
    Hidden,
    /// It was withdrawn: not shown, and its bytes stay until the release without it.
    Withdrawn,
    /// It is over: its bytes go.
    Over,
}

/// Since when each title is hidden by a clock, in trusted time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HiddenSince(BTreeMap<Label, Timestamp>);

impl Clocks {
    /// Whether a window is open by both.
    fn open(self, window: &Availability) -> bool {
        let (first, last) = (self.wall.min(self.trusted), self.wall.max(self.trusted));
        let has_begun = window.since.is_none_or(|since| since <= first);
        let is_over = window.until.is_some_and(|until| until <= last);
        has_begun && !is_over
    }
}

impl HiddenSince {
    /// Judges a title now.
    pub fn judge(
        &mut self,
        title: &Label,
        window: Option<&Availability>,
        withdrawn: &BTreeSet<Label>,
        clocks: Clocks,
    ) -> Verdict {
        let Some(window) = window.filter(|window| !clocks.open(window)) else {
            self.0.remove(title);
            return match withdrawn.contains(title) {
                true => Verdict::Withdrawn,
                false => Verdict::Readable,
            };
        };
        let since = *self.0.entry(title.clone()).or_insert(clocks.trusted);
        let is_over = window.until.is_some_and(|until| until <= clocks.trusted);
        // What has not begun yet waits as long as it has to.
        let is_due = window.until.is_some_and(|until| until <= clocks.wall)
            && clocks.trusted.duration_since(since) >= HIDDEN_MAX;
        match is_over || is_due {
            true => Verdict::Over,
            false => Verdict::Hidden,
        }
    }

    /// Forgets titles that are on no shelf any more.
    pub fn keep_only(&mut self, titles: &BTreeSet<Label>) {
        self.0.retain(|title, _| titles.contains(title));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3_600;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn title() -> Label {
        "urn:isbn:9787101003048".parse().unwrap()
    }

    fn december() -> Availability {
        Availability {
            state: "available".parse().unwrap(),
            since: Some(at("2026-12-01T00:00:00Z")),
            until: Some(at("2027-01-01T00:00:00Z")),
        }
    }

    fn judge(hidden: &mut HiddenSince, wall: &str, trusted: &str) -> Verdict {
        let clocks = Clocks {
            wall: at(wall),
            trusted: at(trusted),
        };
        hidden.judge(&title(), Some(&december()), &BTreeSet::new(), clocks)
    }

    #[test]
    fn the_edges_of_a_window_are_to_the_second() {
        let mut hidden = HiddenSince::default();
        let mut both = |at| judge(&mut hidden, at, at);
        assert_eq!(both("2026-11-30T23:59:59Z"), Verdict::Hidden);
        assert_eq!(both("2026-12-01T00:00:00Z"), Verdict::Readable);
        assert_eq!(both("2026-12-31T23:59:59Z"), Verdict::Readable);
        assert_eq!(both("2027-01-01T00:00:00Z"), Verdict::Over);
    }

    #[test]
    fn either_clock_hides_and_neither_wrong_clock_deletes() {
        let mut hidden = HiddenSince::default();
        let right = "2026-12-10T00:00:00Z";
        for wrong in ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"] {
            assert_eq!(judge(&mut hidden, wrong, right), Verdict::Hidden, "{wrong}");
            assert_eq!(
                judge(&mut hidden, right, right),
                Verdict::Readable,
                "and is back"
            );
        }
        // A floor that lags hides what has begun by the wall alone.
        assert_eq!(
            judge(&mut hidden, right, "2026-11-20T00:00:00Z"),
            Verdict::Hidden
        );
        // A clock set back does not bring back what is over.
        assert_eq!(
            judge(&mut hidden, right, "2027-02-01T00:00:00Z"),
            Verdict::Over
        );
    }

    #[test]
    fn what_the_wall_alone_calls_over_goes_after_thirty_days_of_trusted_time() {
        let mut hidden = HiddenSince::default();
        let begun = at("2026-12-02T00:00:00Z");
        let mut after = |seconds: i64| {
            let trusted = begun
                .checked_add(SignedDuration::from_secs(seconds))
                .unwrap();
            let clocks = Clocks {
                wall: at("2030-01-01T00:00:00Z"),
                trusted,
            };
            let mut window = december();
            window.until = Some(at("2027-06-01T00:00:00Z"));
            hidden.judge(&title(), Some(&window), &BTreeSet::new(), clocks)
        };
        assert_eq!(after(0), Verdict::Hidden);
        assert_eq!(after(30 * DAY - 1), Verdict::Hidden);
        assert_eq!(after(30 * DAY), Verdict::Over);
    }

    #[test]
    fn what_has_not_begun_is_kept_however_long_it_takes() {
        let mut hidden = HiddenSince::default();
        assert_eq!(
            judge(&mut hidden, "2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z"),
            Verdict::Hidden
        );
        assert_eq!(
            judge(&mut hidden, "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            Verdict::Hidden
        );
    }

    #[test]
    fn months_off_line_end_as_the_uptime_says() {
        let mut hidden = HiddenSince::default();
        // The wall stands at 1970 after each power cut; the floor goes on by uptime.
        assert_eq!(
            judge(&mut hidden, "1970-01-01T00:00:00Z", "2026-12-31T23:59:59Z"),
            Verdict::Hidden
        );
        assert_eq!(
            judge(&mut hidden, "1970-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            Verdict::Over
        );
    }

    #[test]
    fn what_is_withdrawn_is_hidden_and_comes_back_with_the_word() {
        let mut hidden = HiddenSince::default();
        let clocks = Clocks {
            wall: at("2026-12-10T00:00:00Z"),
            trusted: at("2026-12-10T00:00:00Z"),
        };
        let withdrawn = BTreeSet::from([title()]);
        let window = december();
        let mut judge = |withdrawn| hidden.judge(&title(), Some(&window), withdrawn, clocks);
        assert_eq!(judge(&withdrawn), Verdict::Withdrawn);
        assert_eq!(judge(&BTreeSet::new()), Verdict::Readable);
        let always = hidden.judge(&title(), None, &BTreeSet::new(), clocks);
        assert_eq!(always, Verdict::Readable);
    }
}
