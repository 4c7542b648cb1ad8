//! Words out of a file, made fit to be shown.

use lujiang_wire::Label;

/// Longest label in characters; what is longer is cut, and ends in `…`.
const LINE_MAX: usize = 200;

/// Longest description in characters: a few sentences.
const PARAGRAPH_MAX: usize = 600;

/// A line for people: blanks are one blank, control characters none, and what is too long is cut.
pub(crate) fn line(text: &str) -> Option<Label> {
    cut(text, LINE_MAX)?.parse().ok()
}

/// A few sentences without markup, which descriptions often hold.
pub(super) fn paragraph(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut within_tag = false;
    for character in text.chars() {
        match character {
            '<' => within_tag = true,
            '>' if within_tag => {
                within_tag = false;
                plain.push(' ');
            }
            _ if within_tag => {}
            _ => plain.push(character),
        }
    }
    cut(&plain, PARAGRAPH_MAX)
}

fn cut(text: &str, characters_max: usize) -> Option<String> {
    let spaced = |character: char| match is_harmless(character) {
        true => character,
        false => ' ',
    };
    let spaced: String = text.chars().map(spaced).collect();
    let words: Vec<_> = spaced.split_whitespace().collect();
    let whole = words.join(" ");
    if whole.is_empty() {
        return None;
    }
    match whole.char_indices().nth(characters_max) {
        None => Some(whole),
        Some(_) => {
            let kept: String = whole.chars().take(characters_max - 1).collect();
            Some(format!("{}…", kept.trim_end()))
        }
    }
}

/// Not a control character, nor one that turns the direction of the words around it: a title must
/// not make its neighbours unreadable.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_made_fit_to_be_shown() {
        let shown = |text| line(text).map(|label| label.as_str().to_owned());
        assert_eq!(shown("  渌江\n\t纪事 "), Some("渌江 纪事".into()));
        assert_eq!(shown("a\u{0}b\u{202e}c"), Some("a b c".into()));
        assert_eq!(shown(" \u{feff} "), None);
        let long = shown(&"字".repeat(500)).unwrap();
        assert_eq!(long.chars().count(), 200);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_description_loses_its_markup() {
        let text = "<p>江水从<b>城东</b>流过。</p><script>x</script>";
        assert_eq!(paragraph(text).unwrap(), "江水从 城东 流过。 x");
    }
}
