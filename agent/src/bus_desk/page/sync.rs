//! The link in full: what waits, what the last synchronisation did, and what came back.

use maud::{Markup, html};

use super::{Reading, frame, strip};
use crate::bus_desk::shown::{LinkShown, Shown};
use crate::bus_desk::words;

/// The page.
pub(crate) fn page(reading: &Reading, shown: &Shown) -> Markup {
    let labels = reading.labels();
    let body = html! {
        section.panel #account { (account(reading, shown)) }
        div.panel #came-back {
            h2 #conflicts { (labels.came_back) }
            (conflicts(reading, shown))
        }
    };
    frame::sheet(reading, labels.sync, strip::states(reading, shown), body)
}

fn account(reading: &Reading, shown: &Shown) -> Markup {
    let (labels, strip) = (reading.labels(), &shown.strip);
    html! {
        dl {
            dt { (labels.link) }
            dd {
                (words::link(reading.language, strip.link))
                @if let LinkShown::Online | LinkShown::CatchingUp { .. } = strip.link {
                    " " small { (words::since(reading.language, &reading.time(strip.link_since))) }
                }
            }
            dt { (labels.waiting) }
            dd {
                (words::number(strip.waiting)) " " (labels.facts)
                @if let Some(oldest) = strip.oldest {
                    " " small { (labels.oldest) " " (words::span(reading.language, oldest)) }
                }
            }
            dt { (labels.last_sync) }
            dd {
                @match &strip.last_sync {
                    Some(last) => {
                        (reading.time(last.ended.unwrap_or(last.began)))
                        " " small { (words::delivered(reading.language, last)) }
                    },
                    None => (labels.never),
                }
            }
            dt { (labels.papers_as_of) }
            dd { @if strip.has_papers { (labels.has_papers) } @else { (labels.no_papers) } }
        }
    }
}

fn conflicts(reading: &Reading, shown: &Shown) -> Markup {
    let labels = reading.labels();
    if shown.conflicts.is_empty() {
        return html! { p { (labels.no_conflicts) } };
    }
    html! {
        p { (labels.conflict_hint) }
        div.scroll tabindex="0" role="region" aria-labelledby="conflicts" {
            table {
                thead { tr {
                    th scope="col" { (labels.time) }
                    th scope="col" { (labels.item) }
                    th scope="col" { (labels.problem) }
                } }
                tbody { @for conflict in &shown.conflicts { tr {
                    td { (reading.time(conflict.time)) }
                    td.code { (conflict.item) }
                    td { (words::conflict(reading.language, conflict.kind.as_str())) }
                } } }
            }
        }
    }
}
