//! What stands around every page: head, language, the way back to the desk.

use maud::{DOCTYPE, Markup, html};

use super::Reading;
use super::icon::Icon;
use crate::bus_desk::asset;
use crate::bus_desk::said::Tone;
use crate::bus_desk::words;

/// A whole document. `kind` is the class of its body: `desk` or `sheet`.
pub(crate) fn document(reading: &Reading, title: &str, kind: &str, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(words::html_language(reading.language)) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="icon" href=(asset::ICON.address());
                link rel="stylesheet" href=(asset::STYLE.address());
                script defer src=(asset::SCRIPT.address()) {}
            }
            body class=(kind) { (body) }
        }
    }
}

/// A page beside the desk: a form, a list, a receipt.
pub(crate) fn sheet(reading: &Reading, title: &str, strip: Markup, body: Markup) -> Markup {
    let labels = reading.labels();
    let content = html! {
        header {
            h1 { (title) }
            div.states #strip { (strip) }
            nav.row {
                a.button href="/" { (labels.back) }
                (language_switch(reading))
            }
        }
        main { (body) }
    };
    document(
        reading,
        &format!("{title} · {}", labels.desk),
        "sheet",
        content,
    )
}

/// The other language, in its own words. It is a form, since it changes what is remembered.
pub(crate) fn language_switch(reading: &Reading) -> Markup {
    let other = words::choose(reading.language, "en", "zh");
    html! {
        form method="post" action="/language" data-whole {
            button.plain name="language" value=(other)
                lang=(words::choose(reading.language, "en", "zh-CN")) {
                (reading.labels().other_language)
            }
        }
    }
}

/// Something that has to be read first.
pub(crate) fn notice(tone: Tone, fact: &str, remedy: &str) -> Markup {
    let (class, role) = match tone {
        Tone::Idle => ("notice panel", "status"),
        Tone::Good => ("notice good panel", "status"),
        Tone::Doubt => ("notice doubt panel", "status"),
        Tone::Bad => ("notice bad panel", "alert"),
    };
    html! {
        div class=(class) role=(role) {
            (Icon::of(tone).draw())
            div {
                strong { (fact) }
                @if !remedy.is_empty() { p { (remedy) } }
            }
        }
    }
}
