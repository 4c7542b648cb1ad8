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

    /// Whether every topic that `other` matches is matched by this filter too.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.0.split('/');
        for part in self.0.split('/') {
            match (part, theirs.next()) {
                ("#", _) => return true,
                (_, None | Some("#")) => return false,
                ("+", Some(_)) => {}
                (part, Some(their)) if part == their => {}
                _ => return false,
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
