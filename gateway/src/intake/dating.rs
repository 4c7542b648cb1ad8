//! Dating: how far a device's clock was off when it wrote a fact, and how well that is known.
//! Given once and stored; no later measurement changes it.

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Event, Uptime};

use crate::entry::{FactTime, TimeQuality};
use crate::intake::IntakeRules;
use crate::ledger::Measurement;

/// Dates a fact of an agent by what was measured in its boot.
pub(crate) fn by_measurement(
    event_time: Timestamp,
    uptime: Uptime,
    measurement: &Measurement,
) -> FactTime {
    let report = &measurement.report;
    let since = SignedDuration::from_millis(
        uptime.as_millis().cast_signed() - report.uptime.as_millis().cast_signed(),
    );
    let quality = if measurement.is_newest_boot {
        TimeQuality::Synced
    } else {
        TimeQuality::Estimated
    };
    match report.time.checked_add(since) {
        Ok(happened) => FactTime {
            correction: happened.duration_since(event_time),
            quality,
        },
        // An uptime of thousands of years: no measurement reaches that far.
        Err(_) => UNKNOWN,
    }
}

/// Dates a fact that nothing was measured for.
pub(crate) fn without_measurement(
    event: &Event,
    received: Timestamp,
    rules: &IntakeRules,
) -> FactTime {
    let age = received.duration_since(event.time);
    let most =
        |limit: std::time::Duration| SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    let is_believable = age <= most(rules.plain_age_max) && -age <= most(rules.plain_ahead_max);
    if event.moment.is_none() && is_believable {
        FactTime {
            correction: SignedDuration::ZERO,
            quality: TimeQuality::Estimated,
        }
    } else {
        UNKNOWN
    }
}

const UNKNOWN: FactTime = FactTime {
    correction: SignedDuration::ZERO,
    quality: TimeQuality::Unknown,
};
