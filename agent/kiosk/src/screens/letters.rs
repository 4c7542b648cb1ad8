//! The size of the letters of a book, and the style that lets a document turn in pages without a
//! script: columns as wide as the screen, that snap, with the browser's own keys to scroll them
//! [CSS Overflow 5]. In a browser that does not know such keys the pages are turned by swiping.

use lujiang_config::ScreenLanguage;

use crate::pages::words;

/// Sizes in pixels: the largest is read by somebody who forgot their glasses.
const SIZES: [u32; 5] = [22, 26, 30, 38, 48];

/// A size of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letters(usize);

impl Default for Letters {
    fn default() -> Self {
        Self(2)
    }
}

impl Letters {
    /// The size of this step, from 0.
    pub(crate) fn of_step(step: usize) -> Option<Self> {
        (step < SIZES.len()).then_some(Self(step))
    }

    /// Its step.
    pub(crate) fn step(self) -> usize {
        self.0
    }

    /// One smaller, if there is one.
    pub(crate) fn smaller(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// One larger, if there is one.
    pub(crate) fn larger(self) -> Option<Self> {
        Self::of_step(self.0 + 1)
    }

    /// The style of a document in this size, with the words of its keys.
    pub(crate) fn style(self, language: ScreenLanguage) -> String {
        let labels = words::labels(language);
        let keys = format!(
            "body::scroll-button(left) {{ content: \"‹  {back}\" / \"{back}\"; left: 32px; }}\n\
             body::scroll-button(right) {{ content: \"{on}  ›\" / \"{on}\"; right: 32px; }}\n",
            back = labels.turn_back,
            on = labels.turn_on,
        );
        let size = SIZES[self.0];
        format!("{STYLE}{keys}html {{ font-size: {size}px !important; }}\n")
    }
}

/// It stands after the book's own styles, and where both say something it is what counts.
const STYLE: &str = include_str!("assets/book.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_grow_and_shrink_between_two_ends() {
        let mut letters = Letters::default();
        while let Some(larger) = letters.larger() {
            letters = larger;
        }
        assert_eq!(letters.step(), SIZES.len() - 1);
        assert_eq!(Letters::of_step(0).unwrap().smaller(), None);
        assert_eq!(Letters::of_step(SIZES.len()), None);
        let style = letters.style(ScreenLanguage::Chinese);
        assert!(style.contains("48px") && style.contains("下一页"));
    }
}
