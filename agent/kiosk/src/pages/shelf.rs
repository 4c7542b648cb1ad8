//! The shelf: nine covers, and below them, within reach of a child and of a wheelchair, the keys.

use lujiang_wire::Label;
use maud::{Markup, html};

use super::find::{self, Wanted};
use super::frame::{self, Shows};
use super::icon::Icon;
use super::{View, cover_address, in_address, title_address, words};
use crate::shelf::{OnDisplay, TitleOnShelf};

/// Covers on a page: three by three.
const COVERS: usize = 9;

/// Most languages offered to choose from.
const LANGUAGES_MAX: usize = 4;

/// A place at the shelf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// What is looked for.
    pub(crate) wanted: Wanted,
    /// The page, from 1; 0 is the first as well.
    pub(crate) page: usize,
}

impl Place {
    /// As an address.
    pub(crate) fn address(&self) -> String {
        self.after("/")
    }

    /// A path with this place, so that there is a way back.
    pub(crate) fn after(&self, path: &str) -> String {
        let mut parts = Vec::new();
        if !self.wanted.text.is_empty() {
            parts.push(format!("q={}", in_address(&self.wanted.text)));
        }
        if let Some(language) = &self.wanted.language {
            parts.push(format!("in={}", in_address(language)));
        }
        if self.page > 1 {
            parts.push(format!("page={}", self.page));
        }
        match parts.is_empty() {
            true => path.to_owned(),
            false => format!("{path}?{}", parts.join("&")),
        }
    }

    fn with(&self, page: usize) -> Self {
        Self {
            wanted: self.wanted.clone(),
            page,
        }
    }

    fn looking_for(&self, text: String) -> Self {
        let language = self.wanted.language.as_deref();
        Self {
            wanted: Wanted::new(&text, language),
            page: 1,
        }
    }

    fn in_language(&self, language: Option<&str>) -> Self {
        Self {
            wanted: Wanted::new(&self.wanted.text, language),
            page: 1,
        }
    }
}

/// The page.
pub(crate) fn page(view: &View<'_>, display: &OnDisplay, place: &Place) -> Markup {
    let found = place.wanted.among(display);
    let pages = found.len().div_ceil(COVERS).max(1);
    let place = place.with(place.page.clamp(1, pages));
    let shown: Vec<&TitleOnShelf> = found
        .iter()
        .skip((place.page - 1) * COVERS)
        .take(COVERS)
        .copied()
        .collect();
    let is_home = place.wanted.is_all() && place.page == 1;
    let body = html! {
        (frame::header(view, display.updated, &place.address()))
        main #main {
            @if shown.is_empty() {
                (nothing(view, display))
            } @else {
                ol.covers { @for title in &shown { (cover(title, &place)) } }
            }
        }
        (controls(view, display, &place, pages, found.len()))
    };
    let shows = if is_home { Shows::Home } else { Shows::Shelf };
    let title = format!("{} · {}", view.labels().shelf, view.section.name);
    frame::left(view, &title, shows, body)
}

fn nothing(view: &View<'_>, display: &OnDisplay) -> Markup {
    let labels = view.labels();
    let has_books = find::on_shelf(display).next().is_some();
    let (fact, remedy) = if has_books {
        (labels.nothing_found, labels.nothing_found_remedy)
    } else {
        (labels.no_books, labels.no_books_remedy)
    };
    html! {
        div.message role="status" {
            h2 { (fact) }
            p { (remedy) }
        }
    }
}

fn cover(title: &TitleOnShelf, place: &Place) -> Markup {
    let metadata = &title.publication.metadata;
    let authors: Vec<&str> = metadata.author.iter().map(Label::as_str).collect();
    html! {
        li {
            a href=(place.after(&title_address(&metadata.identifier))) {
                img src=(cover_address(&metadata.identifier)) alt="" draggable="false";
                span.name lang=[metadata.language.first()] { (metadata.title) }
                @if !authors.is_empty() { small { (authors.join("、")) } }
            }
        }
    }
}

fn controls(
    view: &View<'_>,
    display: &OnDisplay,
    place: &Place,
    pages: usize,
    titles: usize,
) -> Markup {
    let labels = view.labels();
    html! {
        footer #controls {
            form.search role="search" method="get" action="/" {
                input name="q" type="search" value=(place.wanted.text) maxlength="40"
                    aria-label=(labels.search) placeholder=(labels.search_hint)
                    autocomplete="off" spellcheck="false";
                @if let Some(language) = &place.wanted.language {
                    input type="hidden" name="in" value=(language);
                }
                button.key aria-label=(labels.search) { (Icon::Find.draw()) }
                @if !place.wanted.is_all() {
                    a.key href="/" { (Icon::Close.draw()) (labels.clear) }
                }
            }
            (languages(view, display, place))
            (keys(view, place))
            (pager(view, place, pages, titles))
        }
    }
}

/// Only where there is a choice.
fn languages(view: &View<'_>, display: &OnDisplay, place: &Place) -> Markup {
    let languages = find::languages(display);
    let chosen = place.wanted.language.as_deref();
    let is = |it: bool| it.then_some("true");
    html! {
        @if languages.len() > 1 {
            nav.row.languages aria-label=(view.labels().language) {
                a.key href=(place.in_language(None).address())
                    aria-current=[is(chosen.is_none())] { (view.labels().all_languages) }
                @for language in languages.iter().take(LANGUAGES_MAX) {
                    a.key href=(place.in_language(Some(language)).address())
                        aria-current=[is(chosen == Some(language))] {
                        (words::language_name(view.language, language))
                    }
                }
            }
        }
    }
}

fn keys(view: &View<'_>, place: &Place) -> Markup {
    let text = &place.wanted.text;
    let mut shorter = text.clone();
    shorter.pop();
    html! {
        nav.keys aria-label=(view.labels().initials) {
            @for letter in 'a'..='z' {
                a.key href=(place.looking_for(format!("{text}{letter}")).address()) {
                    (letter.to_ascii_uppercase())
                }
            }
            @if !text.is_empty() {
                a.key href=(place.looking_for(shorter).address())
                    aria-label=(view.labels().erase) { (Icon::Erase.draw()) }
            }
        }
    }
}

fn pager(view: &View<'_>, place: &Place, pages: usize, titles: usize) -> Markup {
    let labels = view.labels();
    let previous = (place.page > 1).then(|| place.with(place.page - 1).address());
    let next = (place.page < pages).then(|| place.with(place.page + 1).address());
    html! {
        nav.pager aria-label=(labels.pages) {
            a.key href=[previous.as_ref()] rel="prev" aria-disabled=[previous.is_none().then_some("true")]
                role=[previous.is_none().then_some("link")] {
                (Icon::Left.draw()) (labels.previous_page)
            }
            p role="status" { (words::page_of(view.language, place.page, pages, titles)) }
            a.key href=[next.as_ref()] rel="next" aria-disabled=[next.is_none().then_some("true")]
                role=[next.is_none().then_some("link")] {
                (labels.next_page) (Icon::Right.draw())
            }
        }
    }
}
