//! `cargo xtask boards`: every board's firmware, built, and what it takes of its part.

use anyhow::Result;
use boards::Board;
use serde::Serialize;

use crate::image::{self, Firmware};
use crate::output::print;
use crate::table::{self, align_right};
use crate::workspace::Workspace;

/// One board, as `--json` prints it. The keys are stable.
#[derive(Serialize)]
struct Row {
    board: String,
    core: String,
    /// Nothing where probe-rs does not know it.
    chip: Option<String>,
    triple: String,
    is_emulated: bool,
    flash_bytes: u64,
    variables_bytes: u64,
    stack_bytes: u64,
    model_address: u64,
    model_room_bytes: u64,
}

/// `cargo xtask boards [--json]`.
///
/// # Errors
/// When a build fails.
pub fn command(workspace: &Workspace, json: bool) -> Result<()> {
    let rows: Vec<Row> = boards::all()?
        .into_iter()
        .map(|board| image::build(workspace, &board).and_then(|firmware| Row::new(board, &firmware)))
        .collect::<Result<_>>()?;
    if json {
        return print(serde_json::to_string(&rows)?);
    }
    let mut table = table::new();
    table.set_header(["board", "core", "runs", "flash", "variables", "stack, reserved", "model at", "room for it"]);
    for row in rows {
        table.add_row([
            row.board,
            row.core,
            if row.is_emulated { "in QEMU" } else { "on the desk" }.to_owned(),
            grouped(row.flash_bytes),
            grouped(row.variables_bytes),
            grouped(row.stack_bytes),
            format!("{:#010x}", row.model_address),
            grouped(row.model_room_bytes),
        ]);
    }
    for column in [3, 4, 5, 7] {
        align_right(&mut table, column);
    }
    print(format_args!("{table}\nall sizes in bytes"))
}

impl Row {
    fn new(board: Board, firmware: &Firmware) -> Result<Self> {
        let (model, stack) = (firmware.model_region()?, firmware.stack_region()?);
        Ok(Self {
            is_emulated: board.emulator.is_some(),
            board: board.name,
            core: board.core,
            chip: board.chip,
            triple: board.triple,
            flash_bytes: firmware.sizes().flash,
            variables_bytes: firmware.sizes().ram,
            stack_bytes: stack.end - stack.start,
            model_address: model.start,
            model_room_bytes: model.end - model.start,
        })
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
