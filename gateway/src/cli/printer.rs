//! What a command prints: lines for people, or JSON.

use std::io::{self, Write};

use anyhow::Context as _;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

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
        let cells = |column: usize| rows.iter().map(move |row| row[column].width());
        let width = |column: usize| cells(column).chain([heading[column].width()]).max();
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
        // Chinese takes two columns of a terminal for a character.
        let padded = |(cell, width): (&String, &usize)| {
            let blanks = width.saturating_sub(cell.width());
            format!("{cell}{:blanks$}", "")
        };
        let cells = row.iter().zip(widths).map(padded);
        let line = cells.collect::<Vec<_>>().join("  ");
        self.line(line.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn columns_stand_below_each_other_in_chinese_too() {
        let written = Written::default();
        let mut printer = Printer {
            out: Box::new(written.clone()),
        };
        let row = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        let rows = [row("渌江", "1"), row("gate-1", "2")];
        printer.table(["name", "n"], &rows).unwrap();
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "name    n\n渌江    1\ngate-1  2\n");
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
