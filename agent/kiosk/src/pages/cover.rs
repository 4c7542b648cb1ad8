//! A cover for a title that has none: its words on a colour of the house, the same every time.

use lujiang_wire::{Label, PublicationMetadata};
use maud::{Markup, html};
use sha2::{Digest, Sha256};

/// Grounds on which white letters have a contrast of 4.5 and more, each with its darker edge.
const GROUNDS: [(&str, &str); 8] = [
    ("#1a5c9e", "#134674"),
    ("#1d6b45", "#154e33"),
    ("#641f49", "#491635"),
    ("#6b5c1f", "#4f4417"),
    ("#46515b", "#333b43"),
    ("#8a3b12", "#662c0d"),
    ("#1f6a75", "#174e56"),
    ("#54408c", "#3d2f66"),
];

/// Width of a line in hanzi.
const LINE: usize = 6;

/// Most lines.
const LINES_MAX: usize = 5;

/// The cover as SVG, in the proportions of a book.
pub(crate) fn draw(metadata: &PublicationMetadata) -> String {
    let digest = Sha256::digest(metadata.identifier.as_str());
    let (ground, edge) = GROUNDS[usize::from(digest[0]) % GROUNDS.len()];
    let lines = lines(metadata.title.as_str());
    let author = metadata.author.first().map_or("", Label::as_str);
    let author: String = author.chars().take(12).collect();
    let first = 265 - 27 * (lines.len() - 1);
    let text = |x: usize, y: usize, size: usize, words: &str| -> Markup {
        html! {
            text x=(x) y=(y) font-size=(size) text-anchor="middle" fill="#fff"
                font-family="'PingFang SC','HarmonyOS Sans SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif" {
                (words)
            }
        }
    };
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 500" width="360" height="500"
            lang="zh-CN" {
            rect width="360" height="500" fill=(ground) {}
            rect width="26" height="500" fill=(edge) {}
            path d="M62 86h260M62 414h260" stroke="#fff" stroke-opacity="0.5" stroke-width="2" {}
            @for (index, line) in lines.iter().enumerate() {
                (text(192, first + index * 54, 42, line))
            }
            (text(192, 458, 26, &author))
        }
    };
    svg.into_string()
}

/// A title in lines: hanzi anywhere, other scripts at their blanks where they have any.
fn lines(title: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut width = 0;
    for word in words(title) {
        let wide: usize = word.chars().map(half_widths).sum();
        if width + wide > 2 * LINE && width > 0 {
            lines.push(String::new());
            width = 0;
        }
        if width == 0 && word.trim().is_empty() {
            continue;
        }
        for c in word.chars() {
            if width + half_widths(c) > 2 * LINE {
                lines.push(String::new());
                width = 0;
            }
            width += half_widths(c);
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
    }
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        if let Some(last) = lines.last_mut() {
            last.pop();
            last.push('…');
        }
    }
    lines
}

fn half_widths(c: char) -> usize {
    if c.is_ascii() { 1 } else { 2 }
}

/// Runs of Latin letters, and everything else one by one.
fn words(title: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_in_word = false;
    for c in title.chars() {
        let is_letter = c.is_ascii() && c != ' ';
        match words.last_mut() {
            Some(word) if is_letter && is_in_word => word.push(c),
            Some(_) | None => words.push(c.to_string()),
        }
        is_in_word = is_letter;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_breaks_between_hanzi_and_between_words() {
        assert_eq!(lines("西游记"), ["西游记"]);
        assert_eq!(lines("老鼠嫁女的故事集"), ["老鼠嫁女的故", "事集"]);
        assert_eq!(lines("The Rust Book"), ["The Rust ", "Book"]);
        assert_eq!(lines("Encyclopaedia"), ["Encyclopaedi", "a"]);
        let long = lines(&"长".repeat(90));
        assert_eq!(long.len(), LINES_MAX);
        assert!(long[LINES_MAX - 1].ends_with('…'));
    }

    #[test]
    fn a_cover_is_the_same_every_time_and_holds_no_markup_of_a_title() {
        let metadata: PublicationMetadata = serde_json::from_value(serde_json::json!({
            "@type": "http://schema.org/Book",
            "identifier": "urn:isbn:1",
            "title": "<b>&",
        }))
        .unwrap();
        assert_eq!(draw(&metadata), draw(&metadata));
        assert!(draw(&metadata).contains("&lt;b&gt;&amp;"));
    }
}
