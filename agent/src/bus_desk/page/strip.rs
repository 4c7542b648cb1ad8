//! The strip: the link, what waits, and what came back. Off-line is grey, since a bus is; the one
//! red word is that nothing more can be stored.

use maud::{Markup, html};

use super::Reading;
use super::icon::Icon;
use crate::bus_desk::shown::{LinkShown, Shown};
use crate::bus_desk::words::{self, choose};

/// The states of the strip.
pub(crate) fn states(reading: &Reading, shown: &Shown) -> Markup {
    html! {
        (link(reading, shown.strip.link))
        (waiting(reading, shown))
        @if !shown.conflicts.is_empty() {
            a.state.doubt href="/sync" {
                (Icon::Doubt.draw())
                span { (shown.conflicts.len()) " " (reading.labels().conflicts) }
            }
        }
        b.state.clock { (reading.time(reading.now)) }
    }
}

fn link(reading: &Reading, link: LinkShown) -> Markup {
    let labels = reading.labels();
    match link {
        LinkShown::Online => html! {
            span.state.good { (Icon::Good.draw()) (labels.online) }
        },
        LinkShown::Offline => html! {
            span.state.idle { (Icon::Moon.draw()) (labels.offline) }
        },
        LinkShown::Full => html! {
            strong.state.solid { (Icon::Bad.draw()) (labels.full) }
        },
        LinkShown::CatchingUp { left } => html! {
            span.state {
                (Icon::Up.draw())
                span {
                    (labels.catching_up)
                    @if let Some(left) = left { " " small { (about(reading, left)) } }
                }
            }
        },
    }
}

fn waiting(reading: &Reading, shown: &Shown) -> Markup {
    let (labels, strip) = (reading.labels(), &shown.strip);
    html! {
        a.state href="/sync" {
            @if strip.waiting == 0 {
                (labels.all_sent)
            } @else {
                span { (labels.waiting) " " b { (words::number(strip.waiting)) } " " (labels.facts) }
                @if let Some(oldest) = strip.oldest {
                    small { (labels.oldest) " " (words::span(reading.language, oldest)) }
                }
            }
            @if let Some(last) = &strip.last_sync {
                small { (words::delivered_at(reading.language, last, |at| reading.time(at))) }
            }
        }
    }
}

/// An estimate of how long it takes.
pub(crate) fn about(reading: &Reading, left: std::time::Duration) -> String {
    let seconds = left.as_secs().max(1);
    let language = reading.language;
    if seconds < 60 {
        return choose(
            language,
            format!("还需约 {seconds} 秒"),
            format!("about {seconds} s left"),
        );
    }
    let span = words::span(language, left);
    choose(
        language,
        format!("还需约 {span}"),
        format!("about {span} left"),
    )
}
