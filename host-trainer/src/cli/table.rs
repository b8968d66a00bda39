use comfy_table::{ContentArrangement, Table, presets};
use host_support::table::MAX_WIDTH;

/// Returns a table of left-aligned columns. Cells wrap if it is too wide.
pub fn plain(header: impl IntoIterator<Item = String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(MAX_WIDTH as u16);
    table
}
