//! Times on the wire: RFC 3339, and nothing else that a parser may understand.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// What is expected of a time.
const EXPECTED: &str = "expected an RFC 3339 time with an offset, as 2026-11-22T10:00:00Z";

/// Reads an RFC 3339 time; the reason does not quote it.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    has_form(text)
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| EXPECTED.to_owned())
}

/// For `#[serde(deserialize_with)]`: as [`parse`].
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Timestamp, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// The same, where there may be none.
pub(crate) fn deserialize_some<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let time = text.map(|text| parse(&text)).transpose();
    time.map_err(serde::de::Error::custom)
}

/// Whether a text has the form of RFC 3339 section 5.6: `dddd-dd-ddTdd:dd:dd(.d+)?(Z|±dd:dd)`.
fn has_form(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((head, rest)) = bytes.split_at_checked(19) else {
        return false;
    };
    let fits = |bytes: &[u8], form: &[u8]| {
        let fit = |(b, f): (&u8, &u8)| match f {
            b'd' => b.is_ascii_digit(),
            // Section 5.6 allows lower case, and a blank between date and time.
            b'T' => b"Tt ".contains(b),
            b'Z' => b"Zz".contains(b),
            b'+' => b"+-".contains(b),
            literal => b == literal,
        };
        bytes.len() == form.len() && bytes.iter().zip(form).all(fit)
    };
    let offset = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    fits(head, b"dddd-dd-ddTdd:dd:dd") && (fits(offset, b"Z") || fits(offset, b"+dd:dd"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rfc_3339_is_a_time() {
        for text in [
            "2026-11-22T10:00:00Z",
            "2026-11-22t10:00:00.5z",
            "2026-11-22 18:00:00.123456789+08:00",
            "1970-01-01T00:00:00-00:00",
            "2026-12-31T23:59:60Z",
        ] {
            assert!(parse(text).is_ok(), "{text:?}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T10:00:00",
            "2026-11-22T10:00Z",
            "2026-11-22T10:00:00.Z",
            "20261122T100000Z",
            "2026-11-22T10:00:00+0800",
            "2026-11-22T10:00:00+08:00[Asia/Shanghai]",
            "-002026-11-22T10:00:00Z",
            "2026-13-22T10:00:00Z",
            "２026-11-22T10:00:00Z",
        ] {
            assert_eq!(parse(text), Err(EXPECTED.to_owned()), "{text:?}");
        }
    }
}
