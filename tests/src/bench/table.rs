//! Figures for people: a table whose columns line up.

use std::io::Write as _;

use anyhow::Context as _;

/// Prints rows under a head; the first column stands left, the others right.
///
/// # Errors
/// Where standard output is closed.
pub fn print(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
        longest.max(head[column].chars().count())
    };
    let mut out = std::io::stdout().lock();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = width(column);
            line += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        writeln!(out, "{}", line.trim_end()).context("writing to standard output")?;
    }
    out.flush().context("writing to standard output")
}

/// The value in the middle of several rounds.
///
/// # Panics
/// Without a round.
#[must_use]
pub fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// A duration in milliseconds.
#[must_use]
pub fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
