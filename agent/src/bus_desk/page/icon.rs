//! The signs. Their outlines differ, so that they are told apart without colour; the word beside
//! each says the same, so a reader of the page by ear is not told twice.

use maud::{Markup, html};

use crate::bus_desk::said::Tone;

/// A sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Done, good: a ring with a tick.
    Good,
    /// Refused: an octagon.
    Bad,
    /// Look here: a triangle.
    Doubt,
    /// Off-line, as planned: a moon.
    Moon,
    /// Catching up: an arrow.
    Up,
    /// What is next: a barcode.
    Scan,
    /// Undone: an arrow that turns back.
    Back,
}

impl Icon {
    /// The sign of a tone.
    pub(crate) fn of(tone: Tone) -> Self {
        match tone {
            Tone::Idle => Self::Scan,
            Tone::Good => Self::Good,
            Tone::Doubt => Self::Doubt,
            Tone::Bad => Self::Bad,
        }
    }

    /// The sign, drawn in the colour of the text around it.
    pub(crate) fn draw(self) -> Markup {
        html! {
            svg viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor"
                stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" {
                @match self {
                    Self::Good => { circle cx="8" cy="8" r="6.5" {} path d="m5 8.2 2.2 2.2L11.2 6" {} }
                    Self::Bad => {
                        path fill="currentColor" d="M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2z" {}
                        path class="cut" d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" {}
                    },
                    Self::Doubt => { path d="M8 1.8 15 14H1z" {} path d="M8 6.2v3.6m0 2v.1" {} }
                    Self::Moon => {
                        path fill="currentColor" d="M6.2 1.8a6.4 6.4 0 1 0 8 8.2 5.6 5.6 0 0 1-8-8.2z" {}
                    },
                    Self::Up => { path d="M8 14V2.5M3.5 7 8 2.5 12.5 7" {} }
                    Self::Scan => { path d="M2 3v10m2.5-10v10M7 3v10m3-10v10m1.5-10v10M14 3v10" {} }
                    Self::Back => { path d="M5.5 2.5 2 6l3.5 3.5M2 6h7.5a4 4 0 0 1 0 8H6" {} }
                }
            }
        }
    }
}
