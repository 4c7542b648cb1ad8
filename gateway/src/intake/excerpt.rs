//! What may be shown of an element kept aside: its structure, never its values. A reader's name
//! can stand anywhere in what we do not understand.

use lujiang_wire::BatchError;
use serde_json::Value;

/// Longest excerpt in characters: some lines on a page.
const EXCERPT_CHARS_MAX: usize = 512;

/// Longest member name shown in characters; ours are shorter.
const NAME_CHARS_MAX: usize = 40;

/// Deepest level shown; ours are at most four deep.
const DEPTH_MAX: usize = 6;

/// Longest text of another kind shown in characters.
const TEXT_CHARS_MAX: usize = 120;

/// The structure of an element: member names and the kinds of values.
pub(crate) fn excerpt(raw: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(raw) else {
        return format!("not JSON, {} bytes", raw.len());
    };
    let mut text = String::new();
    write_structure(&value, 0, &mut text);
    cut(&text, EXCERPT_CHARS_MAX)
}

/// A `type` that may be shown: one by the grammar of our own names.
pub(crate) fn event_type(text: &str) -> Option<String> {
    let well =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-' || b == b'_';
    ((1..=80).contains(&text.len()) && text.bytes().all(well)).then(|| text.to_owned())
}

/// The place of an error, cut.
pub(crate) fn error_place(place: &str) -> String {
    cut(place, TEXT_CHARS_MAX)
}

/// What was expected, out of a reason that may also say what was found.
pub(crate) fn expectation(reason: &str) -> String {
    let Some(begin) = reason.find("expected ") else {
        return if reason.starts_with("missing") {
            "not to be missing".to_owned()
        } else {
            "something else".to_owned()
        };
    };
    let wanted = &reason[begin + "expected ".len()..];
    let end = [", found", " at line", ", got"]
        .iter()
        .filter_map(|mark| wanted.find(mark))
        .min()
        .unwrap_or(wanted.len());
    cut(&wanted[..end], TEXT_CHARS_MAX)
}

/// What was expected of a payload that has no elements.
pub(crate) fn batch_expectation(error: &BatchError) -> String {
    match error {
        BatchError::Bytes { .. } | BatchError::Elements { .. } => expectation(&error.to_string()),
        BatchError::Empty => "at least one element".to_owned(),
        BatchError::Json { .. } => "a JSON object or array".to_owned(),
    }
}

fn write_structure(value: &Value, depth: usize, text: &mut String) {
    if text.len() > EXCERPT_CHARS_MAX * 4 {
        return;
    }
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(_) => text.push_str("bool"),
        Value::Number(_) => text.push_str("number"),
        Value::String(_) => text.push_str("text"),
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => text.push('…'),
        Value::Array(elements) => {
            text.push('[');
            if let Some(first) = elements.first() {
                write_structure(first, depth + 1, text);
            }
            if elements.len() > 1 {
                text.push_str(&format!(", … {} in all", elements.len()));
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (position, (name, inner)) in members.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                text.push_str(&member_name(name));
                text.push_str(": ");
                write_structure(inner, depth + 1, text);
            }
            text.push('}');
        }
    }
}

/// A member name that looks like one; anything else could be a value in the wrong place.
fn member_name(name: &str) -> String {
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    let well = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if begins && name.len() <= NAME_CHARS_MAX && name.bytes().all(well) {
        name.to_owned()
    } else {
        "?".to_owned()
    }
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_no_value() {
        let raw = r#"{"id":"3502-0018","data":{"patron":"张三","n":[18601,2],"张三":1,"ok":true}}"#;
        let shown = excerpt(raw.as_bytes());

        for value in ["3502", "张三", "18601", "true"] {
            assert!(!shown.contains(value), "{value} in {shown}");
        }
        assert!(shown.contains("patron: text"), "{shown}");
        assert!(excerpt("证号 3502".as_bytes()).starts_with("not JSON"));
    }

    #[test]
    fn what_was_expected_is_said_without_what_was_found() {
        for (reason, shown) in [
            (r#"invalid type: string "Zhang", expected u64"#, "u64"),
            (
                r#"expected an RFC 3339 time, found "Zhang""#,
                "an RFC 3339 time",
            ),
            ("missing field `item`", "not to be missing"),
            (r#""Zhang" is not known here"#, "something else"),
        ] {
            assert_eq!(expectation(reason), shown);
        }
    }
}
