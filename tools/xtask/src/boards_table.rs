//! `cargo xtask boards`: the memory of every board's firmware, and the emulated boards for
//! probe-rs.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use boards::Board;
use clap::Args;
use host_support::files;
use host_support::numbers::grouped;
use host_support::page::Page;
use host_support::parity::Target;
use host_support::table::Folded;
use serde::{Deserialize, Serialize};

use crate::bench;
use crate::image::{self, Firmware};
use crate::output::{log, print};
use crate::probe::CHIPS;
use crate::workspace::Workspace;

/// The page with the table, and the command in its markers.
const PAGE: &str = "docs/boards.md";
const WRITER: &str = "boards --write-docs";

/// The line after the table.
const NOTE: &str = "all sizes in bytes; the deepest stack is measured on the emulator";

#[derive(Args)]
pub struct Options {
    /// Print one JSON array on standard output instead of a table.
    #[arg(long)]
    json: bool,
    /// Write the table of docs/boards.md, and tools/virtual-probe/targets/emulated.yaml.
    #[arg(long, conflicts_with = "json")]
    write_docs: bool,
    /// Write nothing; exit with 1 if the table of docs/boards.md would change.
    #[arg(long, conflicts_with_all = ["json", "write_docs"])]
    check: bool,
}

/// One board, as `--json` prints it. The keys are stable.
#[derive(Serialize)]
struct BoardRow {
    board: String,
    core: String,
    /// `None` if probe-rs does not know it.
    chip: Option<String>,
    triple: String,
    is_emulated: bool,
    flash_bytes: u64,
    variables_bytes: u64,
    /// The part of the variables that inference and the link write to.
    buffers_bytes: u64,
    stack_bytes: u64,
    /// Deepest stack after every kind of request; `None` if the board is not emulated.
    stack_deepest_bytes: Option<u64>,
    model_address: u64,
    model_room_bytes: u64,
}

/// The stack of a board, from the JSON of `bench`.
#[derive(Deserialize)]
struct StackUse {
    board: String,
    ram_stack_bytes: u64,
}

pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let path = workspace.root.join(PAGE);
    if options.write_docs {
        // First: the build of the virtual probe reads it.
        files::write(&workspace.root.join(CHIPS), boards::chip_descriptions(&boards::all()?).as_bytes())?;
    }
    let page = if options.write_docs || options.check { Some(Page::read(&path, WRITER)?) } else { None };
    let rows = rows(workspace)?;
    if options.json {
        return print(serde_json::to_string(&rows)?);
    }
    let table = table(rows);
    let Some(page) = page else { return print(format_args!("{table}\n{NOTE}")) };
    let text = page.with(&format!("```text\n{table}\n{NOTE}\n```"));
    if options.check {
        if text != page.text {
            bail!("{PAGE} would change; `cargo xtask boards --write-docs` writes it");
        }
        return Ok(());
    }
    files::write(&path, text.as_bytes())?;
    log(format_args!("    wrote the table of {PAGE}, and {CHIPS}"));
    Ok(())
}

/// Returns all boards; the emulated ones are measured with the fixture.
fn rows(workspace: &Workspace) -> Result<Vec<BoardRow>> {
    let measured = bench::memory(workspace)?.into_iter();
    let deepest: BTreeMap<_, _> = measured.map(|row: StackUse| (row.board, row.ram_stack_bytes)).collect();
    let row = |board: Board| {
        let firmware = image::build(workspace, &board)?;
        let deepest = deepest.get(&board.name).copied();
        BoardRow::new(board, &firmware, deepest)
    };
    boards::all()?.into_iter().map(row).collect()
}

fn table(rows: Vec<BoardRow>) -> Folded {
    let names = ["board", "core", "runs on"];
    let sizes = ["flash", "variables", "buffers", "stack", "deepest"];
    let header = [&names[..], &sizes[..], &["model at", "room for it"]].concat();
    let mut table = Folded::new(header, names.len());
    for row in rows {
        table.add_row([
            row.board,
            row.core,
            if row.is_emulated { Target::Emulator } else { Target::Hardware }.name().to_owned(),
            grouped(row.flash_bytes),
            grouped(row.variables_bytes),
            grouped(row.buffers_bytes),
            grouped(row.stack_bytes),
            row.stack_deepest_bytes.map(grouped).unwrap_or_default(),
            format!("{:#010x}", row.model_address),
            grouped(row.model_room_bytes),
        ]);
    }
    table
}

impl BoardRow {
    fn new(board: Board, firmware: &Firmware, stack_deepest_bytes: Option<u64>) -> Result<Self> {
        let (model, stack) = (firmware.model_region()?, firmware.stack_region()?);
        Ok(Self {
            is_emulated: board.emulator.is_some(),
            board: board.name,
            core: board.core,
            chip: board.chip,
            triple: board.triple,
            flash_bytes: firmware.sizes().flash,
            variables_bytes: firmware.sizes().ram,
            buffers_bytes: firmware.buffers_bytes()?,
            stack_bytes: stack.end - stack.start,
            stack_deepest_bytes,
            model_address: model.start,
            model_room_bytes: model.end - model.start,
        })
    }
}
