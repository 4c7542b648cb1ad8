//! A moment as people write it on a command line.

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::cli::failure::Failure;

/// A moment as people write it: a date of the library, or a time with its offset.
pub(super) fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, Failure> {
    // First the time: a date is also read from the front of one.
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    text.parse::<Date>()
        .and_then(|date| date.to_zoned(zone.clone()))
        .map(|zoned| zoned.timestamp())
        .with_context(|| format!("{text:?} is no date such as 2026-03-01 and no time"))
        .map_err(Failure::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_midnight_of_the_library() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let moment = |text| moment(text, &zone).map(|moment| moment.to_string());
        assert_eq!(moment("2026-03-01").unwrap(), "2026-02-28T16:00:00Z");
        assert_eq!(
            moment("2026-03-01T08:00:00+08:00").unwrap(),
            "2026-03-01T00:00:00Z"
        );
        assert!(matches!(moment("yesterday"), Err(Failure::Usage(_))));
    }
}
