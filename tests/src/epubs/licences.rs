//! The table of licences a supplier sends with the books.

use std::path::Path;

use anyhow::Context as _;

use super::Book;

/// What is written for each book, cell by cell.
#[derive(Debug, Clone, Default)]
pub struct Licence {
    /// `2026-11-01`, or empty.
    pub start: String,
    /// The last day, or empty.
    pub end: String,
    /// Copies in all, or none for as many as like.
    pub copies: Option<u32>,
    /// Sites it is for: `main;east` or `main=2;east=1`; empty for all.
    pub sites: String,
    /// `yes` where it may be borrowed on a phone, or empty.
    pub phone: String,
}

impl Licence {
    /// Writes the table with this licence for each book, by file name.
    pub(super) fn write(&self, table: &Path, books: &[Book]) -> anyhow::Result<()> {
        let mut text = String::from("file,start,end,copies,sites,phone\n");
        for book in books {
            let name = book.file.file_name().unwrap_or_default().to_string_lossy();
            let copies = self.copies.map(|copies| copies.to_string());
            text += &[
                &*name,
                &self.start,
                &self.end,
                copies.as_deref().unwrap_or_default(),
                &self.sites,
                &self.phone,
            ]
            .join(",");
            text.push('\n');
        }
        std::fs::write(table, text).with_context(|| format!("writing {}", table.display()))
    }
}
