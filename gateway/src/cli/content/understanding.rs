//! What was understood of a folder and its licences, for people and for programs.

use jiff::tz::TimeZone;
use lujiang_content::{Draft, DraftTitle, Fate, Gravity};
use lujiang_wire::{Copies, TitleAllotment};
use serde_json::{Value, json};

use crate::cli::printer::Printer;

/// Titles that are shown one by one; a shelf of two thousand that stays is a number.
const TITLES_SHOWN: usize = 200;

/// Characters of a title in the table.
const TITLE_SHOWN: usize = 24;

/// Prints it.
pub(super) fn tell(printer: &mut Printer, draft: &Draft, zone: &TimeZone) -> anyhow::Result<()> {
    let is_told = |title: &&DraftTitle| title.fate != Fate::Kept;
    let rows: Vec<[String; 6]> = draft
        .titles
        .iter()
        .filter(is_told)
        .take(TITLES_SHOWN)
        .map(|title| row(title, zone))
        .collect();
    if !rows.is_empty() {
        let heading = ["", "title", "licence", "copies", "kiosks", "size"];
        printer.table(heading, &rows)?;
        let more = draft
            .titles
            .iter()
            .filter(is_told)
            .count()
            .saturating_sub(TITLES_SHOWN);
        if more > 0 {
            printer.line(format!("and {more} more: all of them with --json"))?;
        }
        let zone = zone.iana_name().unwrap_or("the library");
        printer.line(format!(
            "Times are those of {zone}; a last day ends at 24:00, with all of it."
        ))?;
        printer.line("")?;
    }
    if !draft.problems.is_empty() {
        for problem in &draft.problems {
            let gravity = gravity(problem.gravity());
            printer.line(format!("{gravity}  {problem}"))?;
        }
        printer.line("")?;
    }
    let counts = Fate::ALL.map(|fate| (draft.count(fate), fate));
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, fate)| format!("{count} {}", fate.as_str()))
        .collect();
    printer.line(format!(
        "{}: {}, {} ({})",
        draft.parts.catalogue.metadata.identifier,
        titles(draft),
        size(draft.bytes()),
        match counts.is_empty() {
            true => "nothing".into(),
            false => counts.join(", "),
        }
    ))?;
    printer.line(format!(
        "each kiosk fetches at most {} anew",
        size(draft.new_bytes())
    ))
}

/// The same for programs.
pub(super) fn json(draft: &Draft, revision: Option<u64>) -> Value {
    let title = |title: &DraftTitle| {
        json!({
            "identifier": title.identifier, "title": title.title, "file": title.file,
            "fate": title.fate.as_str(), "since": title.window.since, "until": title.window.until,
            "copies": title.copies, "allotted": title.allotted, "bytes": title.bytes,
        })
    };
    let problem = |problem: &lujiang_content::Problem| {
        json!({
            "about": problem.about, "gravity": gravity(problem.gravity()),
            "fault": problem.fault.to_string(),
        })
    };
    json!({
        "release": draft.parts.catalogue.metadata.identifier,
        "titles": draft.titles.iter().map(title).collect::<Vec<_>>(),
        "problems": draft.problems.iter().map(problem).collect::<Vec<_>>(),
        "bytes": draft.bytes(), "new_bytes": draft.new_bytes(), "revision": revision,
    })
}

fn row(title: &DraftTitle, zone: &TimeZone) -> [String; 6] {
    [
        title.fate.as_str().to_owned(),
        short(title.title.as_str()),
        title.window.shown(zone),
        title
            .copies
            .map_or_else(|| "any".into(), |copies| copies.to_string()),
        kiosks(&title.allotted),
        size(title.bytes),
    ]
}

/// Who has it: `kiosk-a 2, kiosk-b 1`, or `all`.
fn kiosks(allotted: &TitleAllotment) -> String {
    let some = allotted
        .devices
        .iter()
        .filter_map(|(device, copies)| match copies {
            Copies::None => None,
            Copies::Of(number) => Some(format!("{device} {number}")),
            Copies::Unlimited => Some(device.to_string()),
        });
    let some: Vec<_> = some.collect();
    match (allotted.others, some.len()) {
        (Copies::Unlimited, 0) => "all".into(),
        (Copies::None, 0) => "none".into(),
        (_, 1..=4) => some.join(", "),
        (_, count) => format!("{count} kiosks"),
    }
}

fn gravity(gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Refused => "refused",
        Gravity::Warning => "warning",
    }
}

fn short(title: &str) -> String {
    match title.chars().count() > TITLE_SHOWN {
        true => title.chars().take(TITLE_SHOWN - 1).chain(['…']).collect(),
        false => title.to_owned(),
    }
}

/// `104 titles`
pub(super) fn titles(draft: &Draft) -> String {
    match draft.parts.catalogue.publications.len() {
        1 => "1 title".into(),
        count => format!("{count} titles"),
    }
}

/// Bytes as people say them.
#[expect(
    clippy::cast_precision_loss,
    reason = "for people, to a tenth of a megabyte"
)]
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.0} kB", (bytes as f64 / 1e3).ceil()),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        1_000_000_000.. => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
