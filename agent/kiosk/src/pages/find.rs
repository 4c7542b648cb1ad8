//! Finding titles: by a part of their title or author, by the initials of their pinyin (`xyj` finds
//! 西游记), by language.

use lujiang_wire::{Copies, Label};
use pinyin::ToPinyin;

use crate::shelf::{OnDisplay, TitleOnShelf, TitleState};

/// Longest search in characters.
const SEARCH_LENGTH_MAX: usize = 40;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Of title or author; empty for all.
    pub(crate) text: String,
    /// The first part of a language's tag; none for all.
    pub(crate) language: Option<String>,
}

impl Wanted {
    /// What was typed.
    pub(crate) fn new(text: &str, language: Option<&str>) -> Self {
        let text = text.trim().chars().take(SEARCH_LENGTH_MAX).collect();
        Self {
            text,
            language: language.filter(|it| !it.is_empty()).map(primary),
        }
    }

    /// Whether all are wanted.
    pub(crate) fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// The titles that are wanted, in the order of the shelf.
    pub(crate) fn among<'d>(&self, display: &'d OnDisplay) -> Vec<&'d TitleOnShelf> {
        let text = folded(&self.text);
        let is_wanted = |title: &&TitleOnShelf| {
            let metadata = &title.publication.metadata;
            let is_language = self
                .language
                .as_ref()
                .is_none_or(|wanted| metadata.language.iter().any(|it| is_in(it, wanted)));
            let mut names = std::iter::once(&metadata.title).chain(&metadata.author);
            is_language && (text.is_empty() || names.any(|name| is_named(name.as_str(), &text)))
        };
        on_shelf(display).filter(is_wanted).collect()
    }
}

/// What stands on the shelf: what may be read and is to be had.
pub(crate) fn on_shelf(display: &OnDisplay) -> impl Iterator<Item = &TitleOnShelf> {
    display.titles.iter().filter(|title| match title.state {
        TitleState::Readable => title.copies != Copies::None,
        TitleState::Lapsed => false,
    })
}

/// The languages on the shelf, the most frequent first.
pub(crate) fn languages(display: &OnDisplay) -> Vec<String> {
    let mut counted: Vec<(usize, String)> = Vec::new();
    let all = on_shelf(display).flat_map(|title| &title.publication.metadata.language);
    for language in all.map(|it| primary(it.as_str())) {
        match counted.iter_mut().find(|(_, it)| *it == language) {
            Some((count, _)) => *count += 1,
            None => counted.push((1, language)),
        }
    }
    counted.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    counted.into_iter().map(|(_, language)| language).collect()
}

fn is_in(language: &Label, wanted: &str) -> bool {
    primary(language.as_str()) == wanted
}

fn primary(tag: &str) -> String {
    tag.split('-').next().unwrap_or(tag).to_ascii_lowercase()
}

fn is_named(name: &str, wanted: &str) -> bool {
    folded(name).contains(wanted) || initials(name).contains(wanted)
}

/// Case, width and blanks do not matter.
fn folded(text: &str) -> String {
    let narrow = text.chars().filter_map(|c| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0),
        c if c.is_whitespace() => None,
        c => Some(c),
    });
    narrow.flat_map(char::to_lowercase).collect()
}

/// The first letter of each hanzi's pinyin and of each word; signs are left out.
fn initials(text: &str) -> String {
    let mut initials = String::new();
    let mut is_in_word = false;
    for c in text.chars() {
        if let Some(sound) = c.to_pinyin() {
            initials.extend(sound.plain().chars().next());
            is_in_word = false;
        } else if c.is_alphanumeric() {
            if !is_in_word {
                initials.extend(c.to_lowercase());
            }
            is_in_word = true;
        } else {
            is_in_word = false;
        }
    }
    initials
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_found_by_its_initials_its_words_and_whatever_the_width() {
        for wanted in ["xyj", "yj", "西游", "ＸＹＪ", "游 记"] {
            assert!(is_named("西游记", &folded(wanted)), "{wanted}");
        }
        assert!(is_named("The Rust Book 第2版", &folded("trbd2b")));
        assert!(is_named("The Rust Book", &folded("rust b")));
        for wanted in ["hlm", "xj", "游西"] {
            assert!(!is_named("西游记", &folded(wanted)), "{wanted}");
        }
    }
}
