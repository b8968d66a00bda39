//! `estimate`: cycles, time and energy on boards, from what an emulator executes.
//! `cargo xtask estimate` runs it.
//!
//! ```text
//! QEMU -- plugin or log --> trace --> decode --> core, memory --> estimator --> row, report; fit
//! ```

#![forbid(unsafe_code)]

mod chart;
mod core;
mod decode;
mod elf;
mod estimator;
mod fit;
mod foreign;
mod inference;
mod instruction;
mod memory;
mod report;
mod row;
mod trace;
mod tracing;

use std::collections::BTreeSet;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use boards::WeightOrder;
use boards::owned::{self, OwnedBoard};
use clap::Parser;
use cycles::{Costs, Counter};
use host_support::errors::chain;
use host_support::numbers::{grouped, rounded, whole};
use parity::Device;
use parity::program::{Inputs, exit_code, print_line};
use serde::Serialize;

use crate::inference::Settings;
use crate::tracing::Method;

/// Estimates the cycles, time and energy of an inference, or of a part of any program.
#[derive(Debug, Parser)]
#[command(name = "estimate", version)]
struct Arguments {
    /// Boards of tools/boards/owned.toml, or cores, such as cortex-m4, without wait states.
    #[arg(value_name = "BOARD", value_parser = parse_board)]
    boards: Vec<OwnedBoard>,
    /// The model, from `host-trainer train --export`.
    #[arg(long, value_name = "FILE", requires = "answers",
        required_unless_present_any = ["elf", "fit", "chart"])]
    model: Option<PathBuf>,
    /// The images, from `host-trainer evaluate --answers`.
    #[arg(long, value_name = "FILE", requires = "model")]
    answers: Option<PathBuf>,
    /// The same model with its weights in vectors, for cores with Helium.
    #[arg(long, value_name = "FILE", requires_all = ["vector_answers", "model"])]
    vector_model: Option<PathBuf>,
    /// The images for --vector-model.
    #[arg(long, value_name = "FILE", requires = "vector_model")]
    vector_answers: Option<PathBuf>,
    /// Folder of the firmware of emulated boards, from `cargo xtask firmware`.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// Infer at most the first N images of the answers.
    #[arg(long = "pictures", value_name = "N", default_value_t = 128, value_parser = whole::<u32>(1..))]
    images: u32,
    /// Another clock.
    #[arg(long, value_name = "HZ", value_parser = whole::<u64>(1..))]
    clock: Option<u64>,
    /// Other wait states of the flash.
    #[arg(long, value_name = "N")]
    wait_states: Option<u32>,
    /// Estimate a part of this program instead of an inference. One board can be named; otherwise
    /// it is the core that the program is compiled for.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "answers"], requires = "from")]
    elf: Option<PathBuf>,
    /// The start of the part: a symbol, or an address such as 0x1234.
    #[arg(long, value_name = "SYMBOL", requires = "elf")]
    from: Option<String>,
    /// The end of the part, which is not included. [default: the return from the function at
    /// --from]
    #[arg(long, value_name = "SYMBOL", requires = "elf")]
    to: Option<String>,
    /// The machine of QEMU that runs --elf. [default: by core and address of the code]
    #[arg(long, value_name = "NAME", requires = "elf")]
    machine: Option<String>,
    /// Fit the costs of tools/cycles/costs.toml, and write them to this file.
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["boards", "model", "elf", "clock", "wait_states"])]
    fit: Option<PathBuf>,
    /// Models with their answers for which the error of --fit is measured.
    #[arg(long, value_names = ["MODEL", "ANSWERS"], num_args = 2, requires = "fit")]
    validate: Vec<PathBuf>,
    /// Draw time and energy on boards to this file.
    #[arg(long, value_name = "FILE.svg", conflicts_with_all = ["boards", "model", "elf", "fit"], requires = "rows")]
    chart: Option<PathBuf>,
    /// A model's name and its output of --json, for --chart.
    #[arg(long, value_names = ["NAME", "FILE"], num_args = 2, requires = "chart")]
    rows: Vec<PathBuf>,
    /// Seconds after which a device or a program counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = whole::<u64>(1..=3600))]
    patience: u64,
    /// Trace with QEMU's execution log, even if the plugin can be built.
    #[arg(long)]
    log: bool,
    /// Print JSON on standard output instead of tables.
    #[arg(long)]
    json: bool,
}

fn parse_board(name: &str) -> Result<OwnedBoard, String> {
    owned::named(name).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| {
        match (&arguments.elf, &arguments.fit, &arguments.chart) {
            (Some(elf), ..) => estimate_part(&arguments, elf)?,
            (_, Some(costs), _) => fit_costs(&arguments, costs)?,
            (.., Some(chart)) => draw_chart(&arguments, chart)?,
            (None, None, None) => estimate_inference(&arguments)?,
        }
        Ok(true)
    })
}

impl Arguments {
    /// Returns the boards with the requested clock and wait states.
    fn boards(&self) -> anyhow::Result<Vec<OwnedBoard>> {
        let boards = if self.boards.is_empty() { owned::owned()? } else { self.boards.clone() };
        let set = |board: OwnedBoard| board.with(self.clock, self.wait_states);
        Ok(boards.into_iter().map(set).collect::<Result<_, _>>()?)
    }

    fn settings<'a>(&'a self, method: &'a Method) -> Settings<'a> {
        Settings { firmware: &self.firmware, patience: Duration::from_secs(self.patience), method }
    }

    fn method(&self) -> Method {
        if self.log {
            return Method::Log;
        }
        let (method, note) = Method::choose("qemu-system-arm");
        if let Some(note) = note {
            // Standard error may be closed.
            let _ = writeln!(stderr(), "note: {note}");
        }
        method
    }
}

fn estimate_inference(arguments: &Arguments) -> anyhow::Result<()> {
    let boards = arguments.boards()?;
    let inputs = |model: &Option<PathBuf>, answers: &Option<PathBuf>| {
        let (Some(model), Some(answers)) = (model, answers) else { return Ok(None) };
        Inputs::read(model, answers).map(Some)
    };
    let pairs = inputs(&arguments.model, &arguments.answers)?.context("no model is named")?;
    let vectors = inputs(&arguments.vector_model, &arguments.vector_answers)?;
    let costs = Costs::committed()?;
    let method = arguments.method();
    let settings = arguments.settings(&method);
    let mut rows = Vec::new();
    let names: BTreeSet<_> = boards.iter().filter_map(OwnedBoard::emulated).collect();
    for name in names {
        let boards: Vec<_> = boards.iter().filter(|board| board.emulated() == Some(name)).cloned().collect();
        let is_for_vectors =
            |device: Device| device.board().is_some_and(|board| board.weight_order == WeightOrder::Vectors);
        let in_vectors = vectors.as_ref().filter(|_| Device::by_name(name).is_some_and(is_for_vectors));
        let (model, _, records) = in_vectors.unwrap_or(&pairs).parse(arguments.images as usize)?;
        let images: Vec<_> = records.iter().map(|record| record.pixels).collect();
        let inferences = match inference::run(name, &boards, &model, &images, &settings) {
            Err(error) if parity::is_too_large(&error) => {
                let _ = writeln!(stderr(), "skipped: {}: {}", names_of(&boards), chain(error.as_ref()));
                continue;
            }
            inferences => inferences?,
        };
        let operations = Counter::new(&model).map(|mut counter| counter.mean(images.iter().copied())).transpose()?;
        // Costs are for the settings of the table.
        let is_of_table = arguments.wait_states.is_none();
        let fitted = operations.as_ref().and_then(Option::as_ref).filter(|_| is_of_table).zip(Some(&costs));
        rows.extend(row::rows(&boards, &model, &inferences, fitted));
    }
    // In the order in which they are named.
    rows.sort_by_key(|row| boards.iter().position(|board| board.name == row.board));
    print_line(&if arguments.json { serde_json::to_string(&rows)? } else { report::terminal(&rows) })
}

/// Writes fitted costs to `path`.
fn fit_costs(arguments: &Arguments, path: &Path) -> anyhow::Result<()> {
    parity::program::check_writable(path)?;
    let models = arguments.validate.chunks_exact(2).map(|pair| Inputs::read(&pair[0], &pair[1]));
    let models = models.collect::<anyhow::Result<Vec<_>>>()?;
    let method = arguments.method();
    let text = fit::costs(&models, arguments.images as usize, &arguments.settings(&method))?;
    parity::program::write(path, text.as_bytes())
}

/// Draws the models of --rows to `path`.
fn draw_chart(arguments: &Arguments, path: &Path) -> anyhow::Result<()> {
    parity::program::check_writable(path)?;
    let models = arguments.rows.chunks_exact(2);
    let models = models.map(|pair| chart::Model::read(&pair[0].to_string_lossy(), &pair[1]));
    parity::program::write(path, chart::chart(&models.collect::<anyhow::Result<Vec<_>>>()?)?)
}

fn names_of(boards: &[OwnedBoard]) -> String {
    boards.iter().map(|board| board.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// An estimate of a part of a program, as printed in JSON: with the keys of a [`row::Row`],
/// although it has one pass.
#[derive(Debug, Serialize)]
struct PartRow<'a> {
    elf: &'a Path,
    board: &'a str,
    core: &'a str,
    clock_hz: Option<u64>,
    wait_states: u32,
    instructions: u64,
    cycles: u64,
    cycles_mean: f64,
    cycles_min: u64,
    cycles_max: u64,
    error_percent: Option<u32>,
    milliseconds_mean: Option<f64>,
    microjoules_mean: Option<f64>,
    remark: &'a str,
}

fn estimate_part(arguments: &Arguments, elf: &Path) -> anyhow::Result<()> {
    let program = Arc::new(elf::Program::read(elf)?);
    let boards = match arguments.boards.is_empty() {
        true => vec![OwnedBoard::core_alone(foreign::core_of(&program)?.name)],
        false => arguments.boards.clone(),
    };
    let part = foreign::Part {
        from: arguments.from.as_deref().unwrap_or_default(),
        to: arguments.to.as_deref(),
        machine: arguments.machine.as_deref(),
        patience: Duration::from_secs(arguments.patience),
        with_log: arguments.log,
    };
    let mut lines = Vec::new();
    for board in boards {
        let board = board.with(arguments.clock, arguments.wait_states)?;
        let pass = foreign::estimate(&program, &board, &part)?;
        let cycles = pass.cycles.first().copied().context("the core is not modelled")?;
        let seconds = board.clock_hz.map(|clock| cycles as f64 / clock as f64);
        let row = PartRow {
            elf,
            board: &board.name,
            core: &board.core,
            clock_hz: board.clock_hz,
            wait_states: board.flash.wait_states,
            instructions: pass.instructions,
            cycles,
            cycles_mean: cycles as f64,
            cycles_min: cycles,
            cycles_max: cycles,
            error_percent: row::error_percent(&board),
            milliseconds_mean: seconds.map(|seconds| seconds * 1e3),
            microjoules_mean: board.nanojoules_per_cycle.map(|energy| cycles as f64 * energy / 1e3),
            remark: &board.remark,
        };
        lines.push(if arguments.json { serde_json::to_string(&row)? } else { part_text(&row, pass.divisions) });
    }
    let text = if arguments.json { format!("[{}]", lines.join(",")) } else { lines.join("\n") };
    print_line(&text)?;
    if arguments.json { Ok(()) } else { print_line(report::NOT_MODELLED) }
}

fn part_text(row: &PartRow<'_>, divisions: u64) -> String {
    let (cycles, instructions) = (grouped(row.cycles), grouped(row.instructions));
    let mut text = format!("{}: {cycles} cycles", row.board);
    if let Some(percent) = row.error_percent {
        text += &format!(" ± {percent} %");
    }
    text += &format!(", {instructions} instructions, {} wait states", row.wait_states);
    if let Some(milliseconds) = row.milliseconds_mean {
        text += &format!(", {} ms", rounded(milliseconds));
    }
    if let Some(microjoules) = row.microjoules_mean {
        text += &format!(", {} µJ ± 30 %", rounded(microjoules));
    }
    if divisions > 0 {
        text +=
            &format!("\n{} divisions, whose cycles depend on their values, have an assumed length", grouped(divisions));
    }
    text
}
