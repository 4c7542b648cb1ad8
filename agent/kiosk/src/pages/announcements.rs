//! The right-hand screen: the notices of now, one after the other; without any the name of the
//! reading room, its hours, and the time.

use maud::{Markup, html};

use super::{View, frame};
use crate::playlist::Item;

/// The page.
pub(crate) fn page(view: &View<'_>, items: &[Item<'_>]) -> Markup {
    let local = view.zone.to_datetime(view.now);
    let clock = format!("{:02}:{:02}", local.hour(), local.minute());
    let zone = view.zone.iana_name().unwrap_or("UTC");
    let section = view.section;
    let title = format!("{} · {}", view.labels().announcements, section.name);
    html! {
        (frame::head(view.language, &title))
        body.announcements data-screen="right" data-shows="clock"
            data-stay=(section.notice.as_millis()) data-now=(view.now.as_millisecond())
            data-zone=(zone) {
            main #notices {
                @for (index, item) in items.iter().enumerate() { (notice(item, index == 0)) }
                section.room.shown[items.is_empty()] data-notice="" {
                    h1 { (section.name) }
                    @if !section.opening_hours.is_empty() {
                        p { (view.labels().open) " " (section.opening_hours) }
                    }
                    time.clock { (clock) }
                }
            }
            // While a notice is shown the room and the time stand below it.
            footer.strip {
                span { (section.name) }
                time.clock { (clock) }
            }
        }
    }
}

/// A notice is in Chinese, whatever the page's language is.
fn notice(item: &Item<'_>, is_first: bool) -> Markup {
    let notice = item.notice;
    let until = notice.until.map(|it| it.as_millisecond());
    html! {
        section.shown[is_first] lang="zh-CN" data-notice=(notice.id)
            data-from=(notice.from.as_millisecond()) data-until=[until] {
            @if let Some(image) = item.image() { img src=(image) alt=""; }
            div.words {
                h1 { (notice.title) }
                @for line in notice.body.lines() { p { (line) } }
            }
        }
    }
}
