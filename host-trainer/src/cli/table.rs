use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

/// Widest column of names, in characters; longer names wrap.
const MAX_NAME_WIDTH: u16 = 32;

/// Returns a table of left-aligned columns.
pub fn plain(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}

/// Returns a table whose first `words` columns are names, the others right-aligned numbers.
pub fn table(header: impl IntoIterator<Item = String>, words: usize) -> Table {
    let mut table = plain(header);
    for (index, column) in table.column_iter_mut().enumerate() {
        if index < words {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(MAX_NAME_WIDTH)));
        } else {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
