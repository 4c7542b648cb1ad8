//! Tables as Excel workbooks (Office Open XML), ready to be printed on A4. Only this file knows
//! the library that writes them.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

/// Media type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The paper: A4 in the format's numbering.
const A4: u8 = 9;

/// A table to be written.
pub struct Sheet<'a> {
    /// Above the table.
    pub title: &'a str,
    /// Names of the columns and their widths in characters.
    pub columns: &'a [(&'a str, f64)],
    /// The rows; texts stay texts, whatever they begin with.
    pub rows: Vec<Vec<Cell>>,
    /// The last row.
    pub total: Vec<Cell>,
    /// Below the table, one line each.
    pub notes: Vec<String>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
}

/// Why a workbook could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the workbook could not be written")]
pub struct WorkbookError(#[from] XlsxError);

impl Cell {
    /// A text, where there is one.
    #[must_use]
    pub fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Empty, |text| Self::Text(text.to_owned()))
    }

    /// A number, where there is one.
    #[must_use]
    pub fn number(number: Option<u64>) -> Self {
        number.map_or(Self::Empty, Self::Number)
    }
}

/// The bytes of a workbook with this sheet.
///
/// # Errors
/// Where the table is larger than the format allows.
pub fn workbook(sheet: &Sheet<'_>) -> Result<Vec<u8>, WorkbookError> {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.set_name("Sheet1")?
        .set_paper_size(A4)
        .set_landscape()
        .set_print_fit_to_pages(1, 0)
        .set_repeat_rows(1, 1)?;
    let last = u16::try_from(sheet.columns.len().max(2) - 1).unwrap_or(u16::MAX);
    let title = Format::new()
        .set_bold()
        .set_font_size(16)
        .set_align(FormatAlign::Center);
    page.merge_range(0, 0, 0, last, sheet.title, &title)?;
    let head = bordered().set_bold().set_align(FormatAlign::Center);
    for (column, (name, width)) in (0..).zip(sheet.columns) {
        page.set_column_width(column, *width)?;
        page.write_string_with_format(1, column, *name, &head)?;
    }
    page.set_freeze_panes(2, 0)?;
    let mut row = 2;
    for cells in &sheet.rows {
        write_row(page, row, cells, &bordered())?;
        row += 1;
    }
    write_row(page, row, &sheet.total, &bordered().set_bold())?;
    for note in &sheet.notes {
        row += 1;
        page.write_string(row, 0, note)?;
    }
    Ok(book.save_to_buffer()?)
}

fn bordered() -> Format {
    Format::new()
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap()
}

fn write_row(
    page: &mut Worksheet,
    row: u32,
    cells: &[Cell],
    format: &Format,
) -> Result<(), XlsxError> {
    for (column, cell) in (0..).zip(cells) {
        match cell {
            Cell::Empty => page.write_blank(row, column, format)?,
            Cell::Text(text) => page.write_string_with_format(row, column, text, format)?,
            // Exact up to 2^53, which no library counts to.
            Cell::Number(number) => {
                page.write_number_with_format(row, column, *number as f64, format)?
            }
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workbook_is_a_zip_file_with_the_table_in_it() {
        let sheet = Sheet {
            title: "流动服务活动一览表",
            columns: &[("序号", 6.0), ("册数", 8.0)],
            rows: vec![vec![Cell::Text("=1+1".to_owned()), Cell::Number(360)]],
            total: vec![Cell::Text("合计".to_owned()), Cell::Number(360)],
            notes: Vec::new(),
        };
        assert!(workbook(&sheet).unwrap().starts_with(b"PK\x03\x04"));
    }
}
