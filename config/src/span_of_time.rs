//! A span of time in configuration: a whole number and one unit, as `90s`, `5m`, `12h`.

use std::time::Duration;

/// The units, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a whole number with its unit.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, millis) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(millis).map(Duration::from_millis)
}

/// Writes a span in the largest unit that needs no fraction.
pub(crate) fn show(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let (name, length) = UNITS
        .into_iter()
        .find(|(_, length)| millis > 0 && millis % length == 0)
        .unwrap_or(("s", 1_000));
    format!("{}{name}", millis / length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_whole_number_with_one_unit_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "1.5s",
            "-1s",
            "5 s",
            "1h30m",
            "5S",
            "+5s",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_largest_whole_unit_is_shown() {
        assert_eq!(show(Duration::from_secs(1_200)), "20m");
        assert_eq!(show(Duration::from_millis(1_500)), "1500ms");
        assert_eq!(show(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(millis in 0..u64::from(u32::MAX)) {
            let span = Duration::from_millis(millis);
            prop_assert_eq!(parse(&show(span)), Some(span));
        }
    }
}
