//! What is counted of a session, after COUNTER 5.1: which metrics one act at the shelf raises.
//!
//! A request is an investigation, too. The same act on the same title within 30 seconds of the one
//! before is a double click, and counted once; COUNTER keeps the last of such a row, we the first,
//! since a fact that is told is not taken back: the number is the same. A book is given out whole,
//! so its item and its title are one, and each is unique once a session.
//!
//! It knows no clock and no disk, and nothing of who is there.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use lujiang_wire::{Label, Metric, Uptime};

/// Two acts this near to each other are one; to the second, as COUNTER has it, so inclusive.
const DOUBLE_CLICK: Duration = Duration::from_secs(30);

/// Most acts a session is remembered by; beyond it what was counted is forgotten, which may count
/// one twice. Nobody touches that many titles in one sitting.
const ACTS_MAX: usize = 4_096;

/// What has been counted of one session.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    last: HashMap<(Label, Act), Uptime>,
    investigated: HashSet<Label>,
    requested: HashSet<Label>,
}

/// What a reader does with a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Act {
    /// Opens its details.
    Investigate,
    /// Opens the book, or takes its file.
    Request,
    /// Asks for it outside of its licence.
    OutsideLicence,
    /// Asks for it while all its copies are read.
    NoCopyLeft,
}

impl Usage {
    /// The metrics this act raises by one, in the order of [`Metric`].
    pub(crate) fn count(&mut self, title: &Label, act: Act, now: Uptime) -> Vec<Metric> {
        if self.last.len() >= ACTS_MAX {
            *self = Self::default();
        }
        let before = self.last.insert((title.clone(), act), now);
        let is_double = before.is_some_and(|before| {
            now.as_duration().saturating_sub(before.as_duration()) <= DOUBLE_CLICK
        });
        if is_double {
            return Vec::new();
        }
        match act {
            Act::Investigate => self.investigations(title),
            Act::Request => {
                let mut metrics = self.investigations(title);
                metrics.push(Metric::TotalItemRequests);
                if self.requested.insert(title.clone()) {
                    metrics.push(Metric::UniqueItemRequests);
                    metrics.push(Metric::UniqueTitleRequests);
                }
                metrics
            }
            Act::OutsideLicence => vec![Metric::NoLicense],
            Act::NoCopyLeft => vec![Metric::LimitExceeded],
        }
    }

    fn investigations(&mut self, title: &Label) -> Vec<Metric> {
        let mut metrics = vec![Metric::TotalItemInvestigations];
        if self.investigated.insert(title.clone()) {
            metrics.push(Metric::UniqueItemInvestigations);
            metrics.push(Metric::UniqueTitleInvestigations);
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const ACTS: [Act; 4] = [
        Act::Investigate,
        Act::Request,
        Act::OutsideLicence,
        Act::NoCopyLeft,
    ];

    #[test]
    fn a_double_click_counts_once_and_the_next_after_thirty_seconds_again() {
        let title = label("urn:isbn:1");
        let mut usage = Usage::default();
        let mut at = |second: u64| usage.count(&title, Act::Investigate, seconds(second)).len();
        assert_eq!(at(100), 3);
        assert_eq!(at(130), 0, "30 seconds on it is a double click still");
        assert_eq!(at(160), 0, "each is measured from the one before");
        assert_eq!(at(191), 1, "then it counts, and is not unique any more");
    }

    #[test]
    fn a_request_is_an_investigation_too() {
        let metrics = Usage::default().count(&label("t"), Act::Request, seconds(1));
        let expected = [
            Metric::TotalItemInvestigations,
            Metric::UniqueItemInvestigations,
            Metric::UniqueTitleInvestigations,
            Metric::TotalItemRequests,
            Metric::UniqueItemRequests,
            Metric::UniqueTitleRequests,
        ];
        assert_eq!(metrics, expected);
    }

    proptest! {
        #[test]
        fn a_session_is_counted_as_counters_rules_say(
            steps in prop::collection::vec((0..3_u8, prop::sample::select(ACTS.to_vec()), 0..70_u64), 0..60),
        ) {
            let mut now = 0;
            let clicks: Vec<(u8, Act, u64)> = steps
                .into_iter()
                .map(|(title, act, pause)| {
                    now += pause;
                    (title, act, now)
                })
                .collect();
            let mut usage = Usage::default();
            let mut counted: BTreeMap<(u8, Metric), usize> = BTreeMap::new();
            for (title, act, at) in &clicks {
                let name = label(&format!("title-{title}"));
                for metric in usage.count(&name, *act, seconds(*at)) {
                    *counted.entry((*title, metric)).or_default() += 1;
                }
            }
            prop_assert_eq!(counted, by_the_rules(&clicks));
        }
    }

    /// COUNTER 5.1, read naively over the whole log: first double clicks are filtered (of two of the
    /// same within 30 seconds the first is struck out), then each metric is counted by itself.
    fn by_the_rules(clicks: &[(u8, Act, u64)]) -> BTreeMap<(u8, Metric), usize> {
        let is_struck = |index: usize| {
            let (title, act, at) = clicks[index];
            clicks[index + 1..]
                .iter()
                .any(|&(other, its, later)| other == title && its == act && later - at <= 30)
        };
        let kept: Vec<(u8, Act)> = (0..clicks.len())
            .filter(|&index| !is_struck(index))
            .map(|index| (clicks[index].0, clicks[index].1))
            .collect();
        let mut counted = BTreeMap::new();
        for title in 0..3 {
            let number = |acts: &[Act]| {
                let is = |(it, act): &&(u8, Act)| *it == title && acts.contains(act);
                kept.iter().filter(is).count()
            };
            let investigations = number(&[Act::Investigate, Act::Request]);
            let requests = number(&[Act::Request]);
            let metrics = [
                (Metric::TotalItemInvestigations, investigations),
                (Metric::UniqueItemInvestigations, investigations.min(1)),
                (Metric::UniqueTitleInvestigations, investigations.min(1)),
                (Metric::TotalItemRequests, requests),
                (Metric::UniqueItemRequests, requests.min(1)),
                (Metric::UniqueTitleRequests, requests.min(1)),
                (Metric::NoLicense, number(&[Act::OutsideLicence])),
                (Metric::LimitExceeded, number(&[Act::NoCopyLeft])),
            ];
            for (metric, number) in metrics {
                if number > 0 {
                    counted.insert((title, metric), number);
                }
            }
        }
        counted
    }

    fn seconds(seconds: u64) -> Uptime {
        Uptime::new(Duration::from_secs(seconds))
    }

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }
}
