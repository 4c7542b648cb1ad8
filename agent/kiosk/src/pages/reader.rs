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
    /// The size of its letters.
    pub(crate) letters: Letters,
}

/// How a book is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BookKind {
    /// Documents, sandboxed.
    Epub {
        /// Which, from 0.
        document: usize,
        /// How many.
        documents: usize,
    },
    /// A file shown by the browser's own viewer, which runs in no sandboxed frame: see decision
    /// record 0028.
    Pdf,
}

/// The page.
pub(crate) fn page(view: &View<'_>, open: &OpenPage<'_>) -> Markup {
    let body = html! {
        header {
            h1 { (open.title) }
            @if let BookKind::Epub { document, documents } = open.kind {
                p { (words::chapter_of(view.language, document + 1, documents)) }
            }
            form method="post" action="/close" {
                button.key.plain { (Icon::Close.draw()) (view.labels().close) }
            }
        }
        main #main { (book(open)) }
        @if let BookKind::Epub { document, documents } = open.kind {
            (controls(view, open, document, documents))
        }
    };
    let title = format!("{} · {}", open.title, view.section.name);
    frame::left(view, &title, Shows::Reader, body)
}

/// `allow` is empty: a book has no camera, no place, no screen of its own.
fn book(open: &OpenPage<'_>) -> Markup {
    html! {
        @match open.kind {
            BookKind::Epub { .. } => {
                iframe #book sandbox="" allow="" referrerpolicy="no-referrer"
                    title=(open.title) src=(open.address) {}
            },
            BookKind::Pdf => {
                iframe #book allow="" referrerpolicy="no-referrer"
                    title=(open.title) src=(open.address) {}
            },
        }
    }
}

fn controls(view: &View<'_>, open: &OpenPage<'_>, document: usize, documents: usize) -> Markup {
    let labels = view.labels();
    let (smaller, larger) = (open.letters.smaller(), open.letters.larger());
    let key = |href: Option<&str>, content: Markup| {
        html! {
            a.key href=[href] aria-disabled=[href.is_none().then_some("true")]
                role=[href.is_none().then_some("link")] { (content) }
        }
    };
    let size = |letters: Option<Letters>| letters.map(|it| format!("/read?letters={}", it.step()));
    let previous = (document > 0).then_some("/read/previous");
    let next = (document + 1 < documents).then_some("/read/next");
    html! {
        footer #controls {
            nav.row.wide {
                (key(previous, html! { (Icon::Left.draw()) (labels.previous_chapter) }))
                (key(Some("/read/contents"), html! { (Icon::List.draw()) (labels.contents) }))
                (key(size(smaller).as_deref(), html! { span.small-a aria-hidden="true" { "字" } (labels.smaller) }))
                (key(size(larger).as_deref(), html! { span.large-a aria-hidden="true" { "字" } (labels.larger) }))
                (key(next, html! { (labels.next_chapter) (Icon::Right.draw()) }))
            }
        }
    }
}
