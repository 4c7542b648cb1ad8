//! The table of contents of an open book.

use maud::{Markup, html};

use super::frame::{self, Shows};
use super::icon::Icon;
use super::{View, in_address, words};
use crate::book_view::Heading;

/// The page; `document` is what is being read.
pub(crate) fn page(view: &View<'_>, title: &str, headings: &[Heading], document: usize) -> Markup {
    let labels = view.labels();
    let current = headings.iter().rposition(|it| it.document == document);
    let body = html! {
        header {
            h1 { (title) }
            p { (labels.contents) }
        }
        main #main.list {
            ol {
                @for (index, heading) in headings.iter().enumerate() {
                    (line(view, heading, current == Some(index)))
                }
            }
        }
        footer #controls {
            nav.row.wide {
                a.key.main href="/read" { (Icon::Book.draw()) (labels.go_on) }
            }
        }
    };
    let page_title = format!("{} · {title}", labels.contents);
    frame::left(view, &page_title, Shows::Reader, body)
}

fn line(view: &View<'_>, heading: &Heading, is_current: bool) -> Markup {
    let place = heading.fragment.as_deref().map(in_address);
    let place = place.map_or(String::new(), |it| format!("&at={it}"));
    let depth = heading.depth.min(3);
    html! {
        li class=(format!("deep-{depth}")) {
            a.key href=(format!("/read?document={}{place}", heading.document))
                aria-current=[is_current.then_some("true")] {
                @if heading.text.is_empty() {
                    (words::chapter(view.language, heading.document + 1))
                } @else {
                    (heading.text)
                }
            }
        }
    }
}
