//! Tables on standard output.

use comfy_table::{CellAlignment, Table, presets};

pub fn new() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table
}

/// Returns a table with `header`, whose columns `right` are right-aligned.
pub fn with_header<'a>(header: impl IntoIterator<Item = &'a str>, right: impl IntoIterator<Item = usize>) -> Table {
    let mut table = new();
    table.set_header(header);
    right.into_iter().for_each(|column| align_right(&mut table, column));
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

fn align_right(table: &mut Table, column: usize) {
    if let Some(column) = table.column_mut(column) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

pub fn percent(ratio: f64) -> String {
    format!("{:.2} %", ratio * 100.0)
}

/// Returns a probability as an integer and in per cent of the whole.
pub fn share(part: u32, all: &[u32]) -> String {
    let whole: u32 = all.iter().sum();
    format!("{part}  {:>8}", percent(f64::from(part) / f64::from(whole.max(1))))
}
