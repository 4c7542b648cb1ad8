//! The desk itself: who is here, the scan field, what was said, what was done, and the keys.

use lujiang_wire::LoanKind;
use maud::{Markup, html};

use super::icon::Icon;
use super::{Reading, frame, strip};
use crate::bus_desk::desk::{Line, Work};
use crate::bus_desk::said::Tone;
use crate::bus_desk::scan::Command;
use crate::bus_desk::shown::Shown;
use crate::bus_desk::words;
use crate::lending::OpenStop;

/// The page while a stop is open.
pub(crate) fn page(reading: &Reading, shown: &Shown, stop: &OpenStop) -> Markup {
    let labels = reading.labels();
    let body = html! {
        (header(reading, shown, stop))
        p #lost role="alert" hidden { (labels.no_answer) }
        main {
            div.left {
                (reader(reading, shown))
                (field(reading, shown))
                (said(reading, shown))
                section.bad.panel #unsure role="alert" hidden {
                    (Icon::Bad.draw())
                    strong { (labels.unsure) }
                    p { (labels.unsure_remedy) }
                }
            }
            (items(reading, shown, stop))
        }
        (keys(reading, shown))
    };
    let title = format!("{} · {}", stop.opened.place, labels.desk);
    frame::document(reading, &title, "desk", body)
}

fn header(reading: &Reading, shown: &Shown, stop: &OpenStop) -> Markup {
    let labels = reading.labels();
    html! {
        header #strip {
            h1 {
                (stop.opened.place)
                @if let Some(occasion) = &stop.opened.occasion { small { (occasion) } }
            }
            (strip::states(reading, shown))
            nav.row {
                a href="/blocks" { (labels.blocks) }
                a href="/commands" { (labels.commands) }
                (frame::language_switch(reading))
            }
        }
    }
}

fn reader(reading: &Reading, shown: &Shown) -> Markup {
    let labels = reading.labels();
    html! {
        section.panel #reader aria-label=(labels.reader) {
            @if let Some(reader) = &shown.reader {
                span.good { (Icon::Good.draw()) }
                b { (labels.reader) " " (labels.ends_in) " " span.number { (reader.tail) } }
                span { (words::items_left(reading.language, reader.left)) }
                form method="post" action="/command" {
                    button.plain name="command" value=(Command::NextReader.code()) {
                        (labels.next_reader)
                    }
                }
            } @else if shown.work == Work::Return {
                span { (labels.no_reader_needed) }
            } @else {
                span { (labels.no_reader) }
            }
        }
    }
}

fn field(reading: &Reading, shown: &Shown) -> Markup {
    let labels = reading.labels();
    let ask = match (shown.work, &shown.reader) {
        (Work::Lend | Work::Renew, None) => labels.ask_reader,
        (Work::Return, _) | (Work::Lend | Work::Renew, Some(_)) => labels.ask_item,
    };
    html! {
        form #scan method="post" action="/scan" {
            label #ask for="code" { (ask) }
            div.field {
                input #code name="code" type="text" maxlength="200" autofocus
                    autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false"
                    enterkeyhint="enter" placeholder=(labels.scanner_ready);
                button #keyboard type="button" hidden aria-pressed="false"
                    title=(labels.keyboard) aria-label=(labels.keyboard) { "⌨" }
                button { (labels.enter) }
            }
            p #ime.doubt role="status" hidden { (labels.input_method) }
        }
    }
}

fn said(reading: &Reading, shown: &Shown) -> Markup {
    let told = words::tell(reading.language, &shown.said, reading.today());
    let (class, sound) = match shown.said.tone() {
        Tone::Idle => ("idle panel", ""),
        Tone::Good => ("good panel", "good"),
        Tone::Doubt => ("doubt panel", "doubt"),
        Tone::Bad => ("bad panel", "bad"),
    };
    let role = if sound == "bad" { "alert" } else { "status" };
    html! {
        section #said class=(class) role=(role) data-turn=(shown.turn) data-sound=(sound) {
            (Icon::of(shown.said.tone()).draw())
            strong { (told.fact) }
            p {
                (told.remedy)
                @if shown.is_repeated { " " (reading.labels().repeated) }
            }
        }
    }
}

fn items(reading: &Reading, shown: &Shown, stop: &OpenStop) -> Markup {
    let labels = reading.labels();
    let count = shown.lines.iter().filter(|line| !line.is_undone).count();
    html! {
        section.panel #items aria-label=(labels.this_visit) {
            h2 {
                (labels.this_visit) " " (count) " " (labels.items)
                span { (labels.this_stop) " " (words::number(stop.lent)) " " (labels.items) }
            }
            @if shown.lines.is_empty() {
                p.empty { (labels.nothing_yet) }
            } @else {
                ol tabindex="0" aria-label=(labels.this_visit) {
                    @for line in &shown.lines { (item(reading, line)) }
                }
            }
        }
    }
}

fn item(reading: &Reading, line: &Line) -> Markup {
    let labels = reading.labels();
    let told = match (line.is_undone, line.kind, line.due) {
        (true, _, _) => labels.undone.to_owned(),
        (false, LoanKind::Checkout | LoanKind::Renew, Some(due)) => {
            words::due(reading.language, due, reading.today())
        }
        (false, kind, _) => words::done(reading.language, kind).to_owned(),
    };
    html! {
        li.undone[line.is_undone] {
            @if line.is_undone {
                span.idle { (Icon::Back.draw()) }
            } @else {
                span.good { (Icon::Good.draw()) }
            }
            span.code { (line.item) }
            small { (told) }
            @if line.is_undoable() {
                form method="post" action="/undo" {
                    button name="line" value=(line.id.0)
                        aria-label=(format!("{} {}", labels.undo, line.item)) { (labels.undo) }
                }
            }
        }
    }
}

fn keys(reading: &Reading, shown: &Shown) -> Markup {
    let labels = reading.labels();
    let key = |name: &str, command: Command, label: &str, pressed: Option<bool>| {
        html! {
            button name="command" value=(command.code()) data-key=(name)
                aria-keyshortcuts=(name) aria-pressed=[pressed] { kbd { (name) } (label) }
        }
    };
    let is = |work| Some(shown.work == work);
    html! {
        footer #keys {
            form method="post" action="/command" {
                (key("F1", Command::Lend, labels.lend, is(Work::Lend)))
                (key("F2", Command::Return, labels.take_back, is(Work::Return)))
                (key("F3", Command::Renew, labels.renew, is(Work::Renew)))
                (key("F4", Command::Undo, labels.undo_last, None))
            }
            a.button href="/close" { (labels.close_stop) }
        }
    }
}
