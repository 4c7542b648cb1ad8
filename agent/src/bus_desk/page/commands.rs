//! The printed card of the keys: each as a barcode of Code 128, which scanners read as they come.

use barcoders::sym::code128::Code128;
use maud::{Markup, html};

use super::{Reading, frame, strip};
use crate::bus_desk::scan::Command;
use crate::bus_desk::shown::Shown;

/// White modules on either side, as the symbology asks for.
const QUIET: usize = 10;

/// Selects the character set of Code 128 that has letters.
const CHARACTER_SET: char = 'Ɓ';

/// The page.
pub(crate) fn page(reading: &Reading, shown: &Shown) -> Markup {
    let labels = reading.labels();
    let body = html! {
        div.row.no-print {
            p { (labels.commands_hint) }
            button.main data-print hidden { (labels.print) }
        }
        div.codes {
            @for command in Command::ALL {
                figure {
                    (bars(command.code()))
                    figcaption { b { (name(reading, command)) } " " span.code { (command.code()) } }
                }
            }
        }
    };
    frame::sheet(
        reading,
        labels.commands,
        strip::states(reading, shown),
        body,
    )
}

fn name(reading: &Reading, command: Command) -> &'static str {
    let labels = reading.labels();
    match command {
        Command::Lend => labels.lend,
        Command::Return => labels.take_back,
        Command::Renew => labels.renew,
        Command::Undo => labels.undo_last,
        Command::NextReader => labels.next_reader,
    }
}

fn bars(code: &str) -> Markup {
    let symbol = Code128::new(format!("{CHARACTER_SET}{code}"));
    let modules = symbol
        .expect("our commands are capitals and hyphens")
        .encode();
    let width = modules.len() + 2 * QUIET;
    html! {
        svg viewBox=(format!("0 0 {width} 30")) preserveAspectRatio="none" role="img"
            aria-label=(code) shape-rendering="crispEdges" {
            @for (index, _) in modules.iter().enumerate().filter(|(_, module)| **module == 1) {
                rect x=(index + QUIET) y="0" width="1" height="30" {}
            }
        }
    }
}
