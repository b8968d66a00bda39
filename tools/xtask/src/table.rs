//! Tables on standard output.

use comfy_table::{CellAlignment, Table, presets};

/// An empty table, as all of ours look.
pub fn new() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table
}

/// What was measured, and its value, to the right.
pub fn facts<const N: usize>(rows: [(&str, String); N]) -> Table {
    let mut table = new();
    for (name, value) in rows {
        table.add_row([name.to_owned(), value]);
    }
    align_right(&mut table, 1);
    table
}

/// Moves what is in a column to its right.
pub fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// A share of 0..=1 in per cent.
pub fn percent(ratio: f64) -> String {
    format!("{:.2} %", ratio * 100.0)
}
