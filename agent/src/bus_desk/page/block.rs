//! Block loans: the forms, what is wrong with which line, and the receipt that is printed.

use maud::{Markup, html};

use super::{Reading, frame, strip};
use crate::bus_desk::block::{BlockKind, Draft, Receipt};
use crate::bus_desk::list::Trouble;
use crate::bus_desk::said::Tone;
use crate::bus_desk::shown::Shown;
use crate::bus_desk::words;
use crate::lending::{Barcode, BlockOut, Refused};

/// So many codes are shown at once; more are behind their head.
const CODES_OPEN_MAX: usize = 12;

/// What the first page shows.
#[derive(Debug)]
pub(crate) struct BlockDesk {
    /// What is out.
    pub(crate) out: Vec<BlockOut>,
    /// Whether the bus has a card of its own.
    pub(crate) has_bus_card: bool,
    /// Which form is asked for.
    pub(crate) kind: BlockKind,
    /// Whether a list was asked for that is gone.
    pub(crate) is_gone: bool,
    /// Whether the last item of a block was undone just now.
    pub(crate) is_undone: bool,
}

/// The first page: what to do, the form for it, and what is out.
pub(crate) fn page(reading: &Reading, shown: &Shown, desk: &BlockDesk) -> Markup {
    let labels = reading.labels();
    let body = html! {
        @if desk.is_gone { (frame::notice(Tone::Doubt, labels.draft_gone, "")) }
        @if desk.is_undone { (frame::notice(Tone::Good, labels.last_undone, "")) }
        p { (labels.block_intro) }
        (kinds(reading, desk))
        @if !desk.kind.is_loan() { (out(reading, desk)) }
        section.panel {
            form.wide method="post" action="/blocks" {
                input type="hidden" name="kind" value=(desk.kind.word());
                @if desk.kind == BlockKind::Lend { (card_field(reading, None)) }
                (list_field(reading, "", desk.kind != BlockKind::Lend))
                div.whole.row { button.main { (labels.check) } }
            }
        }
    };
    frame::sheet(reading, labels.blocks, strip::states(reading, shown), body)
}

fn kinds(reading: &Reading, desk: &BlockDesk) -> Markup {
    let mut kinds = vec![BlockKind::Lend, BlockKind::Return];
    if desk.has_bus_card {
        kinds.extend([BlockKind::Load, BlockKind::Unload]);
    }
    html! {
        nav.row aria-label=(reading.labels().blocks) {
            @for kind in kinds {
                a.button href=(format!("/blocks?kind={}", kind.word()))
                    aria-current=[(kind == desk.kind).then_some("page")] { (name(reading, kind)) }
            }
        }
    }
}

/// What is done, in a word.
pub(crate) fn name(reading: &Reading, kind: BlockKind) -> &'static str {
    let labels = reading.labels();
    match kind {
        BlockKind::Lend => labels.block_lend,
        BlockKind::Return => labels.block_return,
        BlockKind::Load => labels.bus_load,
        BlockKind::Unload => labels.bus_unload,
    }
}

fn card_field(reading: &Reading, known: Option<String>) -> Markup {
    let labels = reading.labels();
    html! {
        div.whole {
            label for="card" { (labels.institution) }
            input #card name="card" type="text" autocomplete="off" maxlength="200" data-next="list"
                required[known.is_none()] autofocus[known.is_none()] placeholder=[known];
        }
    }
}

fn list_field(reading: &Reading, list: &str, has_focus: bool) -> Markup {
    let labels = reading.labels();
    html! {
        div.whole {
            label for="list" { (labels.list) }
            // A newline after the tag is not part of the text, so a list keeps its first line.
            textarea #list name="list" rows="10" spellcheck="false" autocomplete="off"
                autofocus[has_focus] aria-describedby="list-hint" { "\n" (list) }
            small #list-hint { (labels.list_hint) }
        }
    }
}

fn out(reading: &Reading, desk: &BlockDesk) -> Markup {
    let labels = reading.labels();
    let prefix = desk.kind.prefix();
    let blocks = desk
        .out
        .iter()
        .filter(|out| out.block.as_str().starts_with(prefix));
    let blocks: Vec<&BlockOut> = blocks.collect();
    html! {
        div.panel {
            h2 #out { (labels.open_blocks) }
            @if blocks.is_empty() {
                p { (labels.no_blocks) }
            } @else {
                p { (labels.by_name_or_list) }
                div.scroll tabindex="0" role="region" aria-labelledby="out" {
                    table {
                        thead { tr {
                            th scope="col" { (labels.block_name) }
                            th scope="col" { (labels.date) }
                            th.number scope="col" { (labels.count) }
                            td {}
                        } }
                        tbody { @for block in blocks { tr {
                            td.code { a href=(receipt_address(block.block.as_str())) { (block.block) } }
                            td { (words::day(reading.language, block.day, reading.today())) }
                            td.number { (words::number(block.items.len() as u64)) }
                            td {
                                form method="post" action="/blocks" {
                                    input type="hidden" name="kind" value=(desk.kind.word());
                                    button name="block" value=(block.block)
                                        aria-label=(format!("{} {}", labels.return_this, block.block)) {
                                        (labels.return_this)
                                    }
                                }
                            }
                        } } }
                    }
                }
            }
        }
        @if !desk.out.is_empty() { h2 { (labels.or_list) } }
    }
}

/// Where a block's receipt is. Names of blocks are of letters, digits and hyphens.
pub(crate) fn receipt_address(block: &str) -> String {
    format!("/blocks/receipt/{block}")
}

/// A list that was looked at.
pub(crate) fn draft(reading: &Reading, shown: &Shown, draft: &Draft) -> Markup {
    let labels = reading.labels();
    let count = draft.checked.good.len() as u64;
    let items = format!("{} {}", words::number(count), labels.items);
    let confirm = if draft.kind.is_loan() {
        labels.confirm_lend
    } else {
        labels.confirm_return
    };
    let card = draft.reader.as_ref().map(ToString::to_string);
    let body = html! {
        @if let Some(refused) = draft.refused {
            @let told = words::why(reading.language, refused);
            (frame::notice(Tone::Bad, &told.fact, &told.remedy))
        }
        section.panel { dl {
            @if let Some(card) = &card { dt { (labels.institution) } dd.number { (card) } }
            @if let Some(block) = &draft.block { dt { (labels.block_name) } dd.code { (block) } }
            dt { (labels.good_items) } dd { b { (items) } }
            @if !draft.checked.troubles.is_empty() {
                dt { (labels.troubles) } dd.bad { b { (draft.checked.troubles.len()) } }
            }
        } }
        (compared(reading, draft))
        @if draft.is_good() {
            form.row method="post" action="/blocks/confirm" {
                button.main name="draft" value=(draft.id.0) autofocus { (confirm) " " (items) }
                a.button href=(format!("/blocks?kind={}", draft.kind.word())) { (labels.cancel) }
            }
        } @else {
            (troubles(reading, &draft.checked.troubles))
            (again(reading, draft, card))
        }
    };
    frame::sheet(
        reading,
        name(reading, draft.kind),
        strip::states(reading, shown),
        body,
    )
}

/// What is worth a look before a list that comes back is confirmed.
fn compared(reading: &Reading, draft: &Draft) -> Markup {
    let labels = reading.labels();
    let compared = &draft.compared;
    html! {
        @if !compared.strangers.is_empty() {
            (codes(labels.strangers, labels.strangers_hint, &compared.strangers))
        }
        @for part in &compared.parts {
            @let head = format!("{} {}", labels.stays_out, part.block);
            (codes(&head, labels.stays_out_hint, &part.missing))
        }
    }
}

/// Some items under a head that counts them.
fn codes(head: &str, hint: &str, items: &[Barcode]) -> Markup {
    html! {
        details.panel open[items.len() <= CODES_OPEN_MAX] {
            summary { (head) " · " b.number { (words::number(items.len() as u64)) } }
            p { (hint) }
            ul.receipt { @for item in items { li.code { (item) } } }
        }
    }
}

fn troubles(reading: &Reading, troubles: &[Trouble]) -> Markup {
    let labels = reading.labels();
    if troubles.is_empty() {
        return html! {};
    }
    html! {
        div.panel {
            h2 #troubles { (labels.troubles) }
            div.scroll tabindex="0" role="region" aria-labelledby="troubles" {
                table {
                    thead { tr {
                        th.number scope="col" { (labels.line) }
                        th scope="col" { (labels.barcode) }
                        th scope="col" { (labels.problem) }
                    } }
                    tbody { @for trouble in troubles { tr {
                        td.number { (trouble.line) }
                        td.code { (trouble.code) }
                        td { (problem(reading, trouble)) }
                    } } }
                }
            }
        }
    }
}

fn problem(reading: &Reading, trouble: &Trouble) -> String {
    let fact = words::why(reading.language, trouble.why).fact;
    match trouble.first_line {
        Some(first) => words::choose(
            reading.language,
            format!("{fact}（先在第 {first} 行）"),
            format!("{fact} (first on line {first})"),
        ),
        None => fact,
    }
}

fn again(reading: &Reading, draft: &Draft, card: Option<String>) -> Markup {
    let labels = reading.labels();
    let card_is_wrong = draft.kind == BlockKind::Lend && card.is_none();
    html! {
        section.panel {
            form.wide method="post" action="/blocks" {
                input type="hidden" name="kind" value=(draft.kind.word());
                input type="hidden" name="draft" value=(draft.id.0);
                @if draft.kind == BlockKind::Lend { (card_field(reading, card)) }
                (list_field(reading, &draft.list, !card_is_wrong))
                div.whole.row {
                    button.main { (labels.check_again) }
                    @if !draft.checked.troubles.is_empty() && !draft.checked.good.is_empty() {
                        button name="leave_out" value="yes" { (labels.leave_out) }
                    }
                }
            }
        }
    }
}

/// What a receipt is shown for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// To be looked at again.
    None,
    /// It was done just now.
    Done,
    /// This item of it was undone.
    Undone(Barcode),
    /// An item of it was not undone.
    NotUndone(Refused),
}

fn news(reading: &Reading, receipt: &Receipt, news: &News) -> Markup {
    match news {
        News::None => html! {},
        News::Done => {
            let items = receipt.items.len() as u64;
            let done = words::block_done(reading.language, receipt.kind, items);
            frame::notice(Tone::Good, &done, "")
        }
        News::Undone(item) => {
            let done = format!("{} {item}", reading.labels().undone);
            frame::notice(Tone::Good, &done, "")
        }
        News::NotUndone(refused) => {
            let told = words::why(reading.language, *refused);
            frame::notice(Tone::Bad, &told.fact, &told.remedy)
        }
    }
}

/// The form for a barcode that was wrong.
fn undo_item(reading: &Reading, receipt: &Receipt) -> Markup {
    let labels = reading.labels();
    html! {
        section.panel.no-print {
            form.wide method="post" action="/blocks/undo" {
                input type="hidden" name="block" value=(receipt.block);
                div.whole {
                    label for="code" { (labels.undo_item) }
                    input #code name="code" type="text" autocomplete="off" maxlength="200" required
                        aria-describedby="code-hint";
                    small #code-hint { (labels.undo_item_hint) }
                }
                div.whole.row { button { (labels.undo) } }
            }
        }
    }
}

/// What was done, to be printed and signed.
pub(crate) fn receipt(reading: &Reading, shown: &Shown, receipt: &Receipt, why: &News) -> Markup {
    let labels = reading.labels();
    let body = html! {
        (news(reading, receipt, why))
        div.row.no-print {
            button.main data-print hidden { (labels.print) }
            a.button href=(format!("/blocks?kind={}", receipt.kind.word())) { (labels.blocks) }
        }
        section.panel { dl {
            dt { (labels.block_name) } dd.code { (receipt.block) }
            dt { (labels.date) } dd { (words::whole_day(reading.language, receipt.day)) }
            @if let Some(card) = &receipt.card { dt { (labels.institution) } dd.number { (card) } }
            dt { (labels.count) } dd { b { (words::number(receipt.items.len() as u64)) } }
            @if let Some(due) = receipt.due {
                dt { (labels.due) } dd { (words::due(reading.language, due, reading.today())) }
            }
            dt { (labels.signature) } dd.signature {}
        } }
        section.panel {
            ol.receipt { @for item in &receipt.items { li.code { (item) } } }
        }
        @if !receipt.undone.is_empty() {
            section.panel {
                h2 { (labels.undone) }
                ul { @for item in &receipt.undone { li.code { s { (item) } } } }
            }
        }
        @if !receipt.items.is_empty() { (undo_item(reading, receipt)) }
    };
    let title = format!("{} · {}", labels.receipt, name(reading, receipt.kind));
    frame::sheet(reading, &title, strip::states(reading, shown), body)
}
