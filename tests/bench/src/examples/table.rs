//! The tables of the examples, for a terminal and in Markdown.

use host_support::numbers::grouped;
use host_support::table::Folded;

use super::{ExampleRow, Program};
use crate::rivals::Rivals;
use crate::table::{Words, markdown_of, whole};

/// Formats `rows` for a terminal.
pub fn terminal(rows: &[ExampleRow], rivals: &Rivals) -> String {
    let tables = words(rows, rivals).map(|(names, Words { title, rows })| {
        let mut rows = rows.into_iter();
        let mut table = Folded::new(rows.next().unwrap_or_default(), names);
        rows.for_each(|row| table.add_row(row));
        format!("{title}\n{table}")
    });
    tables.join("\n\n")
}

/// Formats `rows` in Markdown.
pub fn markdown(rows: &[ExampleRow], rivals: &Rivals) -> String {
    words(rows, rivals).map(|(names, words)| markdown_of(&words, names)).join("\n")
}

/// Returns the tables, and the number of columns with names of each.
fn words(rows: &[ExampleRow], rivals: &Rivals) -> [(usize, Words); 2] {
    let images = rows.first().map_or(0, |row| row.images);
    let (compiled_in, parsed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.program == Program::Measure);
    let compiled_in = Words {
        title: format!("Compiled in: bytes, and mean instructions of {images} images; in brackets: CMSIS-NN"),
        rows: compiled_in_table(&compiled_in, rivals),
    };
    let parsed = Words {
        title: format!("Parsed at start-up: bytes, and instructions, of an inference the mean of {images} images"),
        rows: parsed_table(&parsed),
    };
    [(2, compiled_in), (3, parsed)]
}

fn compiled_in_table(rows: &[&ExampleRow], rivals: &Rivals) -> Vec<Vec<String>> {
    let header = ["model", "core", "code", "of it helpers", "RAM", "of it stack", "instructions"];
    let mut table = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        let rival = rivals.of_network(&row.network).iter().find(|rival| rival.name.starts_with("CMSIS-NN"));
        // Its bytes were measured on this core.
        let measured = rival.filter(|_| row.core == "cortex-m4");
        let code = measured.and_then(|rival| rival.code_bytes).map(grouped);
        let instructions = rival.and_then(|rival| rival.instructions.get(&row.core).copied()).map(grouped);
        table.push(vec![
            row.model.clone(),
            row.core.clone(),
            beside(grouped(row.code_bytes), code),
            grouped(row.helper_bytes),
            beside(grouped(row.ram_bytes), measured.and_then(|rival| rival.ram.clone())),
            grouped(row.stack_bytes),
            beside(whole(row.instructions_mean), instructions),
        ]);
    }
    table
}

/// Formats our figure, with that of another engine in brackets.
fn beside(ours: String, other: Option<String>) -> String {
    other.map_or(ours.clone(), |other| format!("{ours} ({other})"))
}

fn parsed_table(rows: &[&ExampleRow]) -> Vec<Vec<String>> {
    let header =
        ["model", "core", "start-up", "code", "of it helpers", "RAM", "inference", "start-up", "in inferences"];
    let mut table = vec![header.map(str::to_owned).to_vec()];
    for row in rows {
        let start = row.start_instructions.unwrap_or(0);
        table.push(vec![
            row.model.clone(),
            row.core.clone(),
            row.program.name().to_owned(),
            grouped(row.code_bytes),
            grouped(row.helper_bytes),
            grouped(row.ram_bytes),
            whole(row.instructions_mean),
            grouped(start),
            format!("{:.1}", start as f64 / row.instructions_mean),
        ]);
    }
    table
}
