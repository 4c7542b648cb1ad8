//! Topic Filters [MQTT-4.7]: what a subscriber asks for, and what a credential may ask for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest filter accepted, in bytes: our deepest topic is far shorter.
const LENGTH_MAX: usize = 256;

/// A valid Topic Filter in ASCII; `$share/…` and `$SYS` are not filters of ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicFilter(String);

/// Why a text is no topic filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Empty, or longer than 256 bytes.
    #[error("a topic filter has 1 to 256 bytes")]
    Length,
    /// Not printable ASCII, or beginning with `$`.
    #[error("a topic filter here is printable ASCII and does not begin with $")]
    Character,
    /// A wildcard that is not a whole level, or `#` before the end [MQTT-4.7.1-1].
    #[error("+ and # stand alone in their level, and # in the last")]
    Wildcard,
}

impl TopicFilter {
    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a topic name matches this filter. No wildcard matches a topic of the server's own
    /// [MQTT-4.7.2-1], and no filter here names one.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        let mut levels = topic.split('/');
        for part in self.0.split('/') {
            match (part, levels.next()) {
                // [MQTT-4.7.1-2]: the level above the wildcard is matched as well.
                ("#", _) => return !topic.starts_with('$'),
                ("+", Some(_)) => {}
                (part, Some(level)) if part == level => {}
                (_, Some(_) | None) => return false,
            }
        }
        levels.next().is_none() && !topic.starts_with('$')
    }

    /// Whether every topic that `other` matches is matched by this filter too. Level by level: it
    /// does not see that `+/#` is `#` in other words, and says no.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.0.split('/');
        for part in self.0.split('/') {
            match (part, theirs.next()) {
                ("#", _) => return true,
                (_, None | Some("#")) => return false,
                ("+", Some(_)) => {}
                (part, Some(their)) if part == their => {}
                (_, Some(_)) => return false,
            }
        }
        theirs.next().is_none()
    }
}

impl FromStr for TopicFilter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > LENGTH_MAX {
            return Err(FilterError::Length);
        }
        if text.starts_with('$') || !text.bytes().all(|b| (0x20..0x7F).contains(&b)) {
            return Err(FilterError::Character);
        }
        let levels: Vec<&str> = text.split('/').collect();
        for (position, level) in levels.iter().enumerate() {
            let alone = level.len() == 1 || !level.contains(['+', '#']);
            let last = position + 1 == levels.len();
            if !alone || (*level == "#" && !last) {
                return Err(FilterError::Wildcard);
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for TopicFilter {
    type Error = FilterError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TopicFilter> for String {
    fn from(filter: TopicFilter) -> Self {
        filter.0
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of 1 to `depth` of these levels.
    fn texts(levels: &[&str], depth: usize) -> Vec<String> {
        let mut all: Vec<String> = levels.iter().map(|level| (*level).to_owned()).collect();
        let mut begun = 0;
        for _ in 1..depth {
            let until = all.len();
            for shorter in begun..until {
                for level in levels {
                    all.push(format!("{}/{level}", all[shorter]));
                }
            }
            begun = until;
        }
        all
    }

    #[test]
    fn a_filter_covers_another_if_it_matches_all_the_other_matches_and_only_then() {
        let filters: Vec<TopicFilter> = texts(&["a", "", "+", "#"], 3)
            .into_iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        let topics: Vec<String> = texts(&["a", "b", ""], 4)
            .into_iter()
            .filter(|topic| !topic.is_empty())
            .collect();
        let matched = |filter: &TopicFilter| -> Vec<bool> {
            topics.iter().map(|topic| filter.matches(topic)).collect()
        };
        let matches: Vec<Vec<bool>> = filters.iter().map(matched).collect();
        for (a, of_a) in filters.iter().zip(&matches) {
            for (b, of_b) in filters.iter().zip(&matches) {
                let truth = of_a.iter().zip(of_b).all(|(a, b)| *a || !*b);
                let in_other_words = truth && a.as_str().ends_with("+/#");
                assert!(
                    a.covers(b) == truth || in_other_words,
                    "{a} beside {b}: {truth}"
                );
            }
        }
    }

    #[test]
    fn wildcards_match_as_the_standard_has_it() {
        for (filter, topic, matches) in [
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("+", "/a", false),
            ("+/+", "/a", true),
            ("a/+", "a", false),
            ("a/+", "a/", true),
            ("#", "$SYS/x", false),
            ("+/x", "$SYS/x", false),
        ] {
            let parsed: TopicFilter = filter.parse().unwrap();
            assert_eq!(parsed.matches(topic), matches, "{filter} and {topic}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "",
            "a+",
            "#/a",
            "a#",
            "a/+b",
            "$share/g/a",
            "$SYS/#",
            "门",
            "a\0",
            &"a".repeat(257),
        ] {
            assert!(text.parse::<TopicFilter>().is_err(), "{text:?}");
        }
    }
}
