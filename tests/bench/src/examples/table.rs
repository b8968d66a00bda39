//! The table of the examples, for a terminal and in Markdown.

use std::collections::BTreeSet;

use host_support::numbers::grouped;
use host_support::table::Folded;

use super::ExampleRow;
use crate::rivals::Rivals;
use crate::table::{Words, markdown_of, whole};

/// Columns of names.
const NAMES: usize = 2;

/// Formats `rows` for a terminal.
pub fn terminal(rows: &[ExampleRow], rivals: &Rivals) -> String {
    let Words { title, rows } = words(rows, rivals);
    let mut rows = rows.into_iter();
    let mut table = Folded::new(rows.next().unwrap_or_default(), NAMES);
    rows.for_each(|row| table.add_row(row));
    format!("{title}\n{table}")
}

/// Formats `rows` in Markdown.
pub fn markdown(rows: &[ExampleRow], rivals: &Rivals) -> String {
    markdown_of(&words(rows, rivals), NAMES)
}

fn words(rows: &[ExampleRow], rivals: &Rivals) -> Words {
    let header = ["model", "core", "code", "of it helpers", "RAM", "of it stack", "instructions"];
    let compared = ["code", "RAM", "instructions"];
    let at_run_time = compared.map(|name| format!("{name}, read at run time"));
    let rival = compared.map(|name| format!("{name}, CMSIS-NN"));
    let mut table = vec![[&header.map(str::to_owned)[..], &at_run_time, &rival].concat()];
    for row in rows {
        let bytes = [row.code_bytes, row.helper_bytes, row.ram_bytes, row.stack_bytes].map(grouped);
        let ours = [&[row.model.clone(), row.core.clone()][..], &bytes, &[whole(row.instructions_mean)]].concat();
        let at_run_time = row.run_time.as_ref().map(|run_time| {
            let bytes = [run_time.code_bytes, run_time.ram_bytes].map(grouped);
            [&bytes[..], &[whole(run_time.instructions_mean)]].concat()
        });
        let rival = rivals.of_network(&row.network).iter().find(|rival| rival.name.starts_with("CMSIS-NN"));
        let rival = rival.map(|rival| {
            // Its bytes were measured on this core.
            let bytes = [rival.code_bytes.map(grouped), rival.ram.clone()].map(|bytes| bytes.unwrap_or_default());
            let bytes = if row.core == "cortex-m4" { bytes } else { [String::new(), String::new()] };
            let count = rival.instructions.get(&row.core).copied().map(grouped).unwrap_or_default();
            [&bytes[..], &[count]].concat()
        });
        let empty = || vec![String::new(); compared.len()];
        table.push([ours, at_run_time.unwrap_or_else(empty), rival.unwrap_or_else(empty)].concat());
    }
    let images = rows.first().map_or(0, |row| row.images);
    let examples: BTreeSet<_> = rows.iter().map(|row| row.example.as_str()).collect();
    let examples: Vec<_> = examples.into_iter().collect();
    let title = format!("Bytes, and mean instructions of {images} images, of {}", examples.join(", "));
    Words { title, rows: table }
}
