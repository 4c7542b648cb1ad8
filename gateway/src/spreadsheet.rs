//! Cells for spreadsheets: what a device or a person wrote must not be computed there.

/// A cell that a spreadsheet would take for a formula gets an apostrophe before it; a number stays
/// a number.
#[must_use]
pub fn harmless(cell: String) -> String {
    let is_formula =
        cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    match is_formula {
        true => format!("'{cell}"),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_does_not_compute() {
        for (cell, expected) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-cmd", "'-cmd"),
            ("-0.5", "-0.5"),
            ("主馆", "主馆"),
        ] {
            assert_eq!(harmless(cell.to_owned()), expected);
        }
    }
}
