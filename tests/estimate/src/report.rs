//! Tables for a terminal.

use host_support::numbers::{grouped, rounded};
use host_support::table::Folded;

use crate::row::Row;

/// The sentence that follows all figures.
pub const NOT_MODELLED: &str = "Not modelled: interrupts, DMA, contention on buses, the address of code and data on \
    the board (those of the emulated board are used), and values that end divisions early.\n\
    docs/latency.md names the source of each rule and what the errors are compared with.";

/// Returns the tables of `rows`.
pub fn terminal(rows: &[Row]) -> String {
    let optional = |number: Option<f64>| number.map_or(String::new(), rounded);
    let whole = |number: Option<u64>| number.map_or(String::new(), grouped);
    let header = ["board", "network", "cycles", "± %", "min", "max", "ms", "µJ ± 30 %", "flash", "RAM", "fits"];
    let mut table = Folded::new(header, 2);
    for row in rows {
        table.add_row([
            row.board.clone(),
            row.network.clone(),
            row.cycles_mean.map_or("not estimated".into(), |mean| grouped(mean.round() as u64)),
            row.error_percent.map_or(String::new(), |percent| percent.to_string()),
            whole(row.cycles_min),
            whole(row.cycles_max),
            optional(row.milliseconds_mean),
            optional(row.microjoules_mean),
            grouped(row.flash_bytes),
            grouped(row.ram_bytes),
            row.fit(),
        ]);
    }
    let mut layers = Folded::new(["board", "layer", "mean", "min", "max"], 2);
    for row in rows {
        for layer in &row.layers {
            let mean = grouped(layer.cycles_mean.round() as u64);
            let (min, max) = (grouped(layer.cycles_min), grouped(layer.cycles_max));
            layers.add_row([row.board.clone(), layer.layer.clone(), mean, min, max]);
        }
    }
    let images = rows.first().map_or(0, |row| row.images);
    let mut text = format!("Estimated cycles of an inference, {images} images\n{table}\n");
    if rows.iter().any(|row| !row.layers.is_empty()) {
        text += &format!("Estimated cycles of each layer, with the cost of calling it\n{layers}\n");
    }
    for row in rows {
        if row.cycles_mean.is_none() {
            let instructions = grouped(row.instructions_mean.round() as u64);
            text += &format!("{}: {instructions} instructions, cycles not estimated: {}\n", row.board, row.remark);
        } else if !row.remark.is_empty() {
            text += &format!("{}: {}\n", row.board, row.remark);
        }
    }
    text + NOT_MODELLED
}
