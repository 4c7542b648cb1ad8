//! The loan desk's sections, key by key.

use std::time::Duration;

use super::{
    ConflictRule, ConflictRules, IlsMake, IlsSection, LateAndOverRule, LateWhileLentRule,
    LoansSection, UnmovedDueRule,
};
use crate::Sip2Profile;
use crate::section::{Section, is_host};

const MILLI: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Ten years.
const RENEWAL_DAYS_MAX: u16 = 3_660;

/// Longest text in a message of ours, in characters.
const TEXT_LENGTH_MAX: usize = 200;

/// What a text may be that stands in a field.
const TEXT: &str = "at most 200 characters, no \"|\" and no control character; \"\" for none";

/// The conflicts for which the library may choose, by the keys and by the names in the API.
const KINDS: [(&str, &str); 12] = [
    ("on_loan_to_another", "on-loan-to-another"),
    ("not_on_loan", "not-on-loan"),
    ("item_unknown", "item-unknown"),
    ("item_lost", "item-lost"),
    ("reader_unknown", "reader-unknown"),
    ("reader_blocked", "reader-blocked"),
    ("reader_at_limit", "reader-at-limit"),
    ("reserved", "reserved"),
    ("renewal_limit", "renewal-limit"),
    ("refused", "refused"),
    ("unresolved", "unresolved"),
    ("late_while_lent", "late-while-lent"),
];

impl LoansSection {
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let ils = section.section("ils", IlsSection::read);
        let conflicts = section.section("conflicts", ConflictRules::read);
        let default = Self::default();
        let make = section.choice(
            "make",
            default.make,
            &[
                ("koha", IlsMake::Koha),
                ("evergreen", IlsMake::Evergreen),
                ("generic", IlsMake::Generic),
            ],
        );
        Self {
            make,
            ils,
            conflicts,
            reader_retention: section.duration(
                "reader_retention",
                default.reader_retention,
                DAY..=3_660 * DAY,
            ),
            pseudonym_retention: section.duration(
                "pseudonym_retention",
                default.pseudonym_retention,
                DAY..=3_660 * DAY,
            ),
            late_while_lent: section.choice(
                "late_while_lent",
                default.late_while_lent,
                &[
                    ("hold", LateWhileLentRule::Hold),
                    ("count", LateWhileLentRule::Count),
                ],
            ),
            late_and_over: section.choice(
                "late_and_over",
                default.late_and_over,
                &[
                    ("count", LateAndOverRule::Count),
                    ("tell-both", LateAndOverRule::TellBoth),
                ],
            ),
            unmoved_due: section.choice(
                "unmoved_due",
                default.unmoved_due,
                &[
                    ("unclear", UnmovedDueRule::Unclear),
                    ("not-renewed", UnmovedDueRule::NotRenewed),
                ],
            ),
            renewal_days_min: section.number(
                "renewal_days_min",
                default.renewal_days_min,
                0..=RENEWAL_DAYS_MAX,
            ),
            ..Self::read_pace(section)
        }
    }

    /// How hard the library system is pressed.
    fn read_pace(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let read = Self {
            patience: section.duration("patience", default.patience, MILLI..=DAY),
            request_interval: section.duration(
                "request_interval",
                default.request_interval,
                MILLI..=MINUTE,
            ),
            break_pause: section.duration("break_pause", default.break_pause, MILLI..=HOUR),
            ruling_delay: section.duration("ruling_delay", default.ruling_delay, MILLI..=HOUR),
            retry_first: section.duration("retry_first", default.retry_first, MILLI..=DAY),
            retry_longest: section.duration("retry_longest", default.retry_longest, MILLI..=DAY),
            retries_max: section.number("retries_max", default.retries_max, 1..=1_000),
            ..default
        };
        let in_order = read.retry_first <= read.retry_longest;
        section.fits("retry_longest", in_order, "at least retry_first");
        read
    }
}

impl IlsSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let host = section.text(
            "host",
            String::new(),
            "a host name or an address, or \"\" for none",
            |text| text.is_empty() || is_host(text),
        );
        let user = section.text("user", String::new(), TEXT, is_text);
        let read = Self {
            host: Some(host).filter(|host| !host.is_empty()),
            port: section.number("port", default.port, 1..=u16::MAX),
            user: Some(user).filter(|user| !user.is_empty()),
            password_file: section.optional_path("password_file"),
            location: section.text("location", default.location, TEXT, is_text),
            institution: section.text("institution", default.institution, TEXT, is_text),
            profile: Sip2Profile::read(section),
            connect_timeout: section.duration(
                "connect_timeout",
                default.connect_timeout,
                100 * MILLI..=5 * MINUTE,
            ),
            answer_timeout: section.duration(
                "answer_timeout",
                default.answer_timeout,
                100 * MILLI..=5 * MINUTE,
            ),
            keep_alive: section.duration("keep_alive", default.keep_alive, 100 * MILLI..=HOUR),
            backoff_min: section.duration("backoff_min", default.backoff_min, 10 * MILLI..=HOUR),
            backoff_max: section.duration("backoff_max", default.backoff_max, 10 * MILLI..=DAY),
        };
        let in_order = read.backoff_min <= read.backoff_max;
        section.fits("backoff_max", in_order, "at least backoff_min");
        read
    }
}

impl ConflictRules {
    fn read(section: &mut Section<'_>) -> Self {
        let mut rules = Vec::new();
        for (key, kind) in KINDS {
            let words = [
                ("usual", None),
                ("hold", Some(ConflictRule::Hold)),
                ("retry-later", Some(ConflictRule::RetryLater)),
                ("return-then-loan", Some(ConflictRule::ReturnThenLoan)),
            ];
            // Only what is out to another can be taken back from there.
            let words = match kind {
                "on-loan-to-another" => &words[..],
                _ => &words[..3],
            };
            if let Some(rule) = section.choice(key, None, words) {
                rules.push((kind, rule));
            }
        }
        Self(rules)
    }
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_LENGTH_MAX && !text.contains(|c: char| c == '|' || c.is_control())
}
