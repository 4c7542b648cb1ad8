//! A title: what it is, until when it may be read, and the keys to read it or to borrow it on a
//! phone.

use lujiang_wire::{Label, Publication};
use maud::{Markup, html};

use super::frame::{self, Shows};
use super::icon::Icon;
use super::shelf::Place;
use super::{View, cover_address, qr, words};

/// The page. `place` is where the reader came from.
pub(crate) fn page(view: &View<'_>, publication: &Publication, place: &Place) -> Markup {
    let labels = view.labels();
    let metadata = &publication.metadata;
    let until = publication.window().and_then(|window| window.until);
    let authors: Vec<&str> = metadata.author.iter().map(Label::as_str).collect();
    let languages = metadata.language.iter();
    let languages: Vec<String> = languages
        .map(|tag| words::language_name(view.language, tag.as_str()))
        .collect();
    let body = html! {
        (frame::header(view, None, &place.after(&super::title_address(&metadata.identifier))))
        main #main tabindex="0" {
            img.cover src=(cover_address(&metadata.identifier)) alt="";
            div.about {
                h2 lang=[metadata.language.first()] { (metadata.title) }
                dl {
                    (line(labels.author, &authors.join("、")))
                    (line(labels.publisher, metadata.publisher.as_ref().map_or("", Label::as_str)))
                    (line(labels.language, &languages.join("、")))
                    @if let Some(until) = until { (line(labels.licensed_until, &view.day(until))) }
                }
                @if let Some(description) = &metadata.description {
                    p.description lang=[metadata.language.first()] { (description) }
                }
            }
            (phone(view, publication))
        }
        footer #controls {
            nav.row.wide {
                a.key href=(place.address()) { (Icon::Left.draw()) (labels.back) }
                form method="post" action="/read" {
                    button.key.main name="title" value=(metadata.identifier) {
                        (Icon::Book.draw()) (labels.read)
                    }
                }
            }
        }
    };
    let title = format!("{} · {}", metadata.title, view.section.name);
    frame::left(view, &title, Shows::Title, body)
}

fn line(name: &str, text: &str) -> Markup {
    html! {
        @if !text.is_empty() {
            dt { (name) }
            dd { (text) }
        }
    }
}

/// Only where phones reach the library, and the licence lets this title be borrowed on one.
fn phone(view: &View<'_>, publication: &Publication) -> Markup {
    let labels = view.labels();
    let address = qr::borrow_address(&view.section.public_address, publication);
    html! {
        @if let Some(code) = address.and_then(|address| qr::draw(&address)) {
            figure.phone {
                figcaption { strong { (labels.on_phone) } br; (labels.on_phone_how) }
                (code)
            }
        }
    }
}
