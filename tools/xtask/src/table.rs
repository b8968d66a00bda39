//! Tables on standard output.

use comfy_table::{CellAlignment, Table, presets};

pub fn new() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table
}

/// Returns a table of names and values; the values are right-aligned.
pub fn facts<const N: usize>(rows: [(&str, String); N]) -> Table {
    let mut table = new();
    for (name, value) in rows {
        table.add_row([name.to_owned(), value]);
    }
    align_right(&mut table, 1);
    table
}

pub fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Formats a ratio from 0 to 1 in per cent.
pub fn percent(ratio: f64) -> String {
    format!("{:.2} %", ratio * 100.0)
}
