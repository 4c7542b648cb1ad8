//! What stands around every page of the left screen: head, language, and the question whether
//! anybody is still there.

use lujiang_config::ScreenLanguage;
use maud::{DOCTYPE, Markup, html};

use super::icon::Icon;
use super::{View, words};
use crate::screens::asset;

/// What a page of the left screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// The shelf as everybody finds it.
    Home,
    /// The shelf, searched or turned on.
    Shelf,
    /// A title.
    Title,
    /// A book.
    Reader,
    /// A word to the reader.
    Message,
}

impl Shows {
    /// As the screen's health tells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Home | Self::Shelf => "shelf",
            Self::Title => "title",
            Self::Reader => "reader",
            Self::Message => "message",
        }
    }
}

/// A page of the left screen.
pub(crate) fn left(view: &View<'_>, title: &str, shows: Shows, body: Markup) -> Markup {
    let section = view.section;
    let idle = match shows {
        // Nobody needs to be asked at home.
        Shows::Home => 0,
        Shows::Reader => section.idle_in_book.as_secs(),
        Shows::Shelf | Shows::Title | Shows::Message => section.idle.as_secs(),
    };
    // A page of a book does not show the shelf, and so proves none.
    let release = view.release.filter(|_| shows != Shows::Reader);
    let labels = view.labels();
    html! {
        (head(view.language, title))
        body class=(shows.as_str()) data-screen="left" data-shows=(shows.as_str())
            data-release=[release] data-idle=(idle)
            data-countdown=(section.countdown.as_secs()) {
            (body)
            dialog #idle aria-labelledby="idle-question" {
                h2 #idle-question { (labels.still_there) }
                p { (labels.ends_in) " " strong #idle-left { (section.countdown.as_secs()) } " "
                    (labels.seconds) }
                div.row {
                    button.key.main #stay type="button" { (labels.stay) }
                    form #leave method="post" action="/leave" {
                        button.key { (labels.leave) }
                    }
                }
            }
        }
    }
}

/// The head of a document.
pub(crate) fn head(language: ScreenLanguage, title: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(words::html_language(language));
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (title) }
            link rel="icon" href=(asset::ICON.address());
            link rel="stylesheet" href=(asset::STYLE.address());
            script defer src=(asset::SCRIPT.address()) {}
        }
    }
}

/// The other language, in its own words. It is a form, since it changes what is remembered.
pub(crate) fn language_switch(view: &View<'_>, back: &str) -> Markup {
    let (code, tag) = words::choose(view.language, ("en", "en"), ("zh", "zh-CN"));
    html! {
        form method="post" action="/language" {
            input type="hidden" name="back" value=(back);
            button.key.plain name="language" value=(code) lang=(tag) {
                (view.labels().other_language)
            }
        }
    }
}

/// The name of the reading room, and how old the titles are.
pub(crate) fn header(view: &View<'_>, updated: Option<jiff::Timestamp>, back: &str) -> Markup {
    html! {
        header {
            h1 { (view.section.name) " " small { (view.labels().shelf) } }
            @if let Some(updated) = updated {
                p { (words::updated(view.language, &view.day(updated))) }
            }
            (language_switch(view, back))
        }
    }
}

/// A page that says one thing and leads back.
pub(crate) fn message(view: &View<'_>, fact: &str, remedy: &str) -> Markup {
    let body = html! {
        (header(view, None, "/"))
        main #main {
            div.message {
                div role="status" {
                    h2 { (fact) }
                    p { (remedy) }
                }
                a.key.main href="/" { (Icon::Left.draw()) (view.labels().back) }
            }
        }
    };
    left(view, fact, Shows::Message, body)
}
