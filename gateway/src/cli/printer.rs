//! What a command prints: lines for people, or JSON.

use std::io::{self, Write};

use anyhow::Context as _;
use serde::Serialize;

/// Prints to standard output.
pub(super) struct Printer {
    out: Box<dyn Write + Send>,
}

impl Printer {
    pub(super) fn standard_output() -> Self {
        Self {
            out: Box::new(io::stdout()),
        }
    }

    /// The writer itself, for what comes in many lines.
    pub(super) fn writer(&mut self) -> &mut (dyn Write + Send) {
        &mut self.out
    }

    /// One line.
    pub(super) fn line(&mut self, text: impl AsRef<str>) -> anyhow::Result<()> {
        writeln!(self.out, "{}", text.as_ref()).context("writing to standard output")
    }

    /// One JSON document in a line.
    pub(super) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string(value).context("writing JSON")?;
        self.line(text)
    }

    /// Rows under a heading, in columns as wide as their widest cell.
    pub(super) fn table<const N: usize>(
        &mut self,
        heading: [&str; N],
        rows: &[[String; N]],
    ) -> anyhow::Result<()> {
        let cells = |column: usize| rows.iter().map(move |row| row[column].chars().count());
        let width = |column: usize| cells(column).chain([heading[column].len()]).max();
        let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or(0));
        self.row(&widths, &heading.map(str::to_owned))?;
        for row in rows {
            self.row(&widths, row)?;
        }
        Ok(())
    }

    fn row<const N: usize>(
        &mut self,
        widths: &[usize; N],
        row: &[String; N],
    ) -> anyhow::Result<()> {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        self.line(line.trim_end())
    }
}
