//! `[log]`, the same for every program.

use crate::section::Section;

/// `[log]`: to standard error.
#[derive(Debug, Clone, PartialEq)]
pub struct LogSection {
    /// A `tracing` filter: `info`, `lujiang_broker=debug,info`.
    pub filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogSection {
    fn default() -> Self {
        Self {
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

impl LogSection {
    /// Reads the section, key by key.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let expected = "one of off, error, warn, info, debug, trace, or several such as \
                        \"lujiang_broker=debug,info\"";
        Self {
            filter: section.text("filter", default.filter, expected, is_filter),
            format: section.choice(
                "format",
                default.format,
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            ),
        }
    }
}

/// Whether this is a list of `level` and `target=level`. A bare target would be valid too, but it
/// cannot be told from a misspelt level, which would silence the log.
fn is_filter(text: &str) -> bool {
    let is_level =
        |level: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&level);
    let is_target = |target: &str| {
        !target.is_empty()
            && target
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
    };
    text.split(',').all(|part| match part.split_once('=') {
        Some((target, level)) => is_target(target) && is_level(level),
        None => is_level(part),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_level_does_not_silence_the_log() {
        for text in [
            "",
            "inof",
            "info,",
            "lujiang_broker=loud",
            "=info",
            "a b=info",
        ] {
            assert!(!is_filter(text), "{text:?}");
        }
        for text in ["info", "off", "lujiang_broker::door=trace,warn"] {
            assert!(is_filter(text), "{text:?}");
        }
    }
}
