//! The signs on the keys; the word beside each says the same.

use maud::{Markup, html};

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Back, to the left.
    Left,
    /// On, to the right.
    Right,
    /// A glass.
    Find,
    /// A letter less.
    Erase,
    /// A book.
    Book,
    /// Lines.
    List,
    /// A cross.
    Close,
}

impl Icon {
    /// The sign, drawn in the colour of the text around it.
    pub(crate) fn draw(self) -> Markup {
        let path = match self {
            Self::Left => "M10 2.5 4.5 8l5.5 5.5",
            Self::Right => "M6 2.5 11.5 8 6 13.5",
            Self::Find => "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zm3.6-1.4L14 14",
            Self::Erase => "M6 3.5h8.5v9H6L1.5 8zM8 6l4 4m0-4-4 4",
            Self::Book => {
                "M8 4C6.5 2.8 4.5 2.5 1.5 2.5v10c3 0 5 .3 6.5 1.5 1.5-1.2 3.5-1.5 6.5-1.5v-10c-3 0-5 .3-6.5 1.5zm0 0v10"
            }
            Self::List => "M2 3.5h1m2.5 0H14M2 8h1m2.5 0H14M2 12.5h1m2.5 0H14",
            Self::Close => "m3.5 3.5 9 9m0-9-9 9",
        };
        html! {
            svg viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor"
                stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" {
                path d=(path) {}
            }
        }
    }
}
