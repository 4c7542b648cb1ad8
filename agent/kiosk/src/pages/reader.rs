//! An open book: the book itself in a frame of another origin, and the keys around it.

use maud::{Markup, html};

use super::View;
use super::frame::{self, Shows};
use super::icon::Icon;
use super::words;
use crate::screens::letters::Letters;

/// What is to be known of an open book.
#[derive(Debug)]
pub(crate) struct OpenPage<'a> {
    /// Its title.
    pub(crate) title: &'a str,
    /// Where what is read stands, on the origin of the books.
    pub(crate) address: String,
    /// How it is framed.
    pub(crate) kind: BookKind,
    /// Which of its documents, or pages, from 0.
    pub(crate) document: usize,
    /// How many it has.
    pub(crate) documents: usize,
    /// The size of its letters.
    pub(crate) letters: Letters,
}

/// How a book is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BookKind {
    /// Documents, sandboxed.
    Epub,
    /// Pages shown by the browser's own viewer. It runs in no sandboxed frame, so it is given
    /// nothing that acts, and no touch reaches it: see decision record 0028.
    Pdf,
}

/// The page.
pub(crate) fn page(view: &View<'_>, open: &OpenPage<'_>) -> Markup {
    let body = html! {
        header {
            h1 { (open.title) }
            p { (place(view, open)) }
            form method="post" action="/close" {
                button.key.plain { (Icon::Close.draw()) (view.labels().close) }
            }
        }
        main #main { (book(open)) }
        (controls(view, open))
    };
    let title = format!("{} · {}", open.title, view.section.name);
    frame::left(view, &title, Shows::Reader, body)
}

/// `allow` is empty: a book has no camera, no place, no screen of its own.
fn book(open: &OpenPage<'_>) -> Markup {
    html! {
        @match open.kind {
            BookKind::Epub => {
                iframe #book sandbox="" allow="" referrerpolicy="no-referrer"
                    title=(open.title) src=(open.address) {}
            },
            BookKind::Pdf => {
                iframe #still inert allow="" referrerpolicy="no-referrer"
                    title=(open.title) src=(open.address) {}
            },
        }
    }
}

fn place(view: &View<'_>, open: &OpenPage<'_>) -> String {
    let (document, documents) = (open.document + 1, open.documents);
    match open.kind {
        BookKind::Epub => words::chapter_of(view.language, document, documents),
        BookKind::Pdf => words::sheet_of(view.language, document, documents),
    }
}

fn controls(view: &View<'_>, open: &OpenPage<'_>) -> Markup {
    let labels = view.labels();
    let (back, on) = match open.kind {
        BookKind::Epub => (labels.previous_chapter, labels.next_chapter),
        BookKind::Pdf => (labels.turn_back, labels.turn_on),
    };
    let previous = (open.document > 0).then_some("/read/previous");
    let next = (open.document + 1 < open.documents).then_some("/read/next");
    html! {
        footer #controls {
            nav.row.wide {
                (key(previous, html! { (Icon::Left.draw()) (back) }))
                @if open.kind == BookKind::Epub { (of_the_text(view, open)) }
                (key(next, html! { (on) (Icon::Right.draw()) }))
            }
        }
    }
}

/// What a text has and a picture of one has not.
fn of_the_text(view: &View<'_>, open: &OpenPage<'_>) -> Markup {
    let labels = view.labels();
    let size = |letters: Option<Letters>| letters.map(|it| format!("/read?letters={}", it.step()));
    let (smaller, larger) = (size(open.letters.smaller()), size(open.letters.larger()));
    html! {
        (key(Some("/read/contents"), html! { (Icon::List.draw()) (labels.contents) }))
        (key(smaller.as_deref(), html! {
            span.small-a aria-hidden="true" { "字" } (labels.smaller)
        }))
        (key(larger.as_deref(), html! {
            span.large-a aria-hidden="true" { "字" } (labels.larger)
        }))
    }
}

fn key(href: Option<&str>, content: Markup) -> Markup {
    let is_off = href.is_none();
    html! {
        a.key href=[href] aria-disabled=[is_off.then_some("true")] role=[is_off.then_some("link")] {
            (content)
        }
    }
}
