//! Tables on standard output.

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

/// Columns of a terminal that a name may take; a longer one is continued below.
const LONGEST_NAME: u16 = 32;

/// A table of words.
pub fn plain(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// A table whose columns are numbers, but for the first ones, which are `words`.
pub fn table(header: impl IntoIterator<Item = String>, words: usize) -> Table {
    let mut table = plain(header);
    for (index, column) in table.column_iter_mut().enumerate() {
        if index < words {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(LONGEST_NAME)));
        } else {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
