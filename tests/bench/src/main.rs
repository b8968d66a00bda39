//! `bench`: measures an inference on boards: instructions or cycles, code, and memory.
//! `cargo xtask bench` runs it.

#![forbid(unsafe_code)]

mod architecture;
mod axis;
mod budgets;
mod chart;
mod code;
mod examples;
mod growth;
mod measure;
mod measured;
mod reach;
mod rivals;
mod row;
mod table;

use std::fs;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use boards::WeightOrder;
use clap::{Args, Parser, Subcommand};
use host_support::errors::chain;
use host_support::numbers::whole;
use parity::program::{self, Inputs, exit_code, print_line, read, write};
use parity::{Device, Lab, Link, device};
use prenda::{Layer, LayerKind, Model};

use budgets::Budgets;
use examples::ExampleBudgets;
use measured::MeasuredOptions;
use rivals::Rivals;
use row::Row;

/// Default number of images.
const IMAGES: usize = 200;

/// Measures an inference: instructions on emulated boards, cycles on hardware boards.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures images on boards.
    Measure(Box<Measure>),
    /// Draws how cost grows with work, from the output of `measure --json` for several networks.
    Growth {
        /// Output of `measure --json`, one file for each network.
        #[arg(value_name = "FILE", required = true)]
        records: Vec<PathBuf>,
        /// The SVG to write.
        #[arg(long = "chart", value_name = "FILE.svg")]
        chart: PathBuf,
    },
    /// Compares programs of the folder examples, which have run, with the host's answers, and
    /// prints their costs.
    Examples(Examples),
    /// Writes the images of an answers file, one after another, as examples include them.
    Images {
        /// The model.
        #[arg(long, value_name = "FILE")]
        model: PathBuf,
        /// The images, from `host-trainer evaluate --answers`.
        #[arg(long, value_name = "FILE")]
        answers: PathBuf,
        /// The file to write.
        #[arg(value_name = "FILE.gray")]
        images: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Examples {
    /// The programs: their names, models, answers, ELFs and outputs, in JSON.
    #[arg(value_name = "FILE")]
    runs: PathBuf,
    /// Print one JSON array on standard output instead of a table.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the table in Markdown.
    #[arg(long)]
    markdown: bool,
    /// Fail with exit code 1 if a figure exceeds its budget in this file, or if an inference takes
    /// more instructions than one of the same model that is parsed at start-up.
    #[arg(long, value_name = "FILE", conflicts_with = "write_budgets")]
    budgets: Option<PathBuf>,
    /// Write the measurements as the budgets of these programs.
    #[arg(long, value_name = "FILE")]
    write_budgets: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Measure {
    /// Boards to measure: BOARD in QEMU, or probe-BOARD, which is flashed through a debug probe;
    /// by default all available emulated boards.
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    devices: Vec<Device>,
    /// The model, from `host-trainer train --export`.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The images, from `host-trainer evaluate --answers`.
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// The same model with its weights in vectors, from `host-trainer reorder`; used on boards that
    /// run it faster.
    #[arg(long, value_name = "FILE", requires = "vector_answers")]
    vector_model: Option<PathBuf>,
    /// The images for --vector-model.
    #[arg(long, value_name = "FILE", requires = "vector_model")]
    vector_answers: Option<PathBuf>,
    /// Folder of the firmware, one BOARD.elf for each board, from `cargo xtask firmware`.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// Measure at most the first N images of the answers.
    #[arg(long = "pictures", value_name = "N", default_value_t = IMAGES as u32,
        value_parser = whole::<u32>(1..))]
    images: u32,
    /// The debug probe, VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL; by default PROBE_RS_PROBE, or the
    /// only probe connected.
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
    /// Seconds without an answer after which a device counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = device::PATIENCE.as_secs(),
        value_parser = whole::<u64>(1..=3600))]
    patience: u64,
    /// Also report each image's share of zeros and count, in JSON.
    #[arg(long)]
    each: bool,
    /// Skip devices that the model does not fit, with a note.
    #[arg(long)]
    where_it_fits: bool,
    /// Print one JSON array on standard output instead of tables.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the tables in Markdown.
    #[arg(long)]
    markdown: bool,
    /// Also draw our counts and other engines' as bars, SVG.
    #[arg(long = "chart", value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    measured: MeasuredOptions,
    /// Fail with exit code 1 if a figure exceeds its budget in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "write_budgets")]
    budgets: Option<PathBuf>,
    /// Write the measurements as the budgets of these boards.
    #[arg(long, value_name = "FILE")]
    write_budgets: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| {
        match &arguments.task {
            Task::Measure(options) => run(options)?,
            Task::Growth { records, chart } => draw_growth(records, chart)?,
            Task::Examples(options) => compare_examples(options)?,
            Task::Images { model, answers, images } => {
                check_writable(images, &[model.clone(), answers.clone()])?;
                write(images, examples::images(model, answers)?)?;
            }
        }
        Ok(true)
    })
}

fn parse_device(name: &str) -> Result<Device, String> {
    boards::all().map_err(|error| error.to_string())?;
    let boards = || Device::all().filter(|device| device.counts());
    boards().find(|device| device.name() == name).ok_or_else(|| {
        let names: Vec<_> = boards().map(Device::name).collect();
        format!("not a device that can be measured; expected one of: {}", names.join(", "))
    })
}

fn run(options: &Measure) -> anyhow::Result<()> {
    // Before measuring, so that a wrong path costs no time.
    let inputs = [Some(&options.model), Some(&options.answers), options.vector_model.as_ref()];
    let inputs = inputs.into_iter().chain([options.vector_answers.as_ref(), options.budgets.as_ref()]);
    let inputs: Vec<_> = inputs.flatten().cloned().collect();
    let MeasuredOptions { estimates, record } = &options.measured;
    for path in [&options.chart, &options.write_budgets, record].into_iter().flatten() {
        check_writable(path, &inputs)?;
    }
    let budgets = options.budgets.as_deref().map(Budgets::read).transpose()?;
    let estimates = estimates.as_deref().map(measured::estimates).transpose()?.unwrap_or_default();
    let rivals = Rivals::committed()?;
    let lab = Lab {
        firmware: options.firmware.clone(),
        link: Link::Rtt,
        instruction_shift: None,
        probe: options.probe.clone().or_else(|| std::env::var("PROBE_RS_PROBE").ok()),
        patience: Duration::from_secs(options.patience),
        show_logs: false,
        emulator_arguments: Vec::new(),
    };
    let devices = if options.devices.is_empty() { emulated(&lab) } else { options.devices.clone() };
    if record.is_some() {
        measured::check_device(&devices)?;
    }
    ensure!(
        !devices.is_empty(),
        "no emulated board is available; run `cargo xtask setup`, then `cargo xtask firmware BOARD`"
    );

    let pairs = Inputs::read(&options.model, &options.answers)?;
    let vectors = match (&options.vector_model, &options.vector_answers) {
        (Some(model), Some(answers)) => Some(Inputs::read(model, answers)?),
        _ => None,
    };
    if let Some(vectors) = &vectors {
        let ((pairs, ..), (vectors, ..)) = (pairs.parse(1)?, vectors.parse(1)?);
        let shape = |model: &Model<'_>| {
            model.layers().iter().map(|layer| (layer.kind(), layer.input(), layer.output())).collect::<Vec<_>>()
        };
        // Depthwise convolutions have pairs only.
        let layers = vectors.layers().iter().filter(|layer| !matches!(layer.kind(), LayerKind::Depthwise(_)));
        let is_in_vectors = layers.filter_map(Layer::matrix).all(|matrix| matrix.order().to_string() != "pairs");
        ensure!(
            is_in_vectors && shape(&pairs) == shape(&vectors),
            "--vector-model is not --model with its weights in vectors; create it with `host-trainer reorder`"
        );
    }
    let mut rows = Vec::new();
    for device in devices {
        let is_for_vectors = device.board().is_some_and(|board| board.weight_order == WeightOrder::Vectors);
        let work = vectors.as_ref().filter(|_| is_for_vectors).unwrap_or(&pairs);
        let (model, _, records) = work.parse(options.images as usize)?;
        match measure::measure(device, &lab, &model, &records, options.each) {
            Err(error) if options.where_it_fits && parity::is_too_large(&error) => {
                // Standard error may be closed.
                let _ = writeln!(stderr(), "skipped: {}", chain(error.as_ref()));
            }
            row => rows.push(row?),
        }
    }
    print_line(&match (options.json, options.markdown) {
        (true, _) => serde_json::to_string(&rows)?,
        (_, true) => table::markdown(&rows, &rivals),
        _ => table::terminal(&rows, &rivals),
    })?;
    let comparison = measured::comparison(&rows, &estimates);
    if !comparison.is_empty() {
        print_line(&comparison)?;
    }
    if let (Some(path), [row]) = (record, rows.as_slice()) {
        write(path, measured::record(row, &options.firmware)?)?;
    }
    if let Some(path) = &options.chart {
        write(path, &chart::bars(&rows, &rivals)?)?;
    }
    if let Some(path) = &options.write_budgets {
        write(path, &Budgets::to_text(&rows)?)?;
    }
    refuse(&budgets.map(|budgets| budgets.exceeded(&rows)).transpose()?.unwrap_or_default())
}

/// Fails if there are messages about exceeded budgets.
fn refuse(exceeded: &[String]) -> anyhow::Result<()> {
    ensure!(exceeded.is_empty(), "exceeded budgets:\n    {}", exceeded.join("\n    "));
    Ok(())
}

fn compare_examples(options: &Examples) -> anyhow::Result<()> {
    let budgets = options.budgets.as_deref().map(ExampleBudgets::read).transpose()?;
    let rivals = Rivals::committed()?;
    let rows = examples::rows(&options.runs)?;
    print_line(&match (options.json, options.markdown) {
        (true, _) => serde_json::to_string(&rows)?,
        (_, true) => examples::markdown(&rows, &rivals),
        _ => examples::terminal(&rows, &rivals),
    })?;
    if let Some(path) = &options.write_budgets {
        write(path, ExampleBudgets::to_text(&rows)?)?;
    }
    refuse(&budgets.map(|budgets| budgets.exceeded(&rows)).transpose()?.unwrap_or_default())
}

fn emulated(lab: &Lab) -> Vec<Device> {
    let is_emulated = |device: &Device| matches!(device, Device::Qemu(_)) && device.availability(lab).is_ok();
    Device::all().filter(is_emulated).collect()
}

fn draw_growth(records: &[PathBuf], chart: &Path) -> anyhow::Result<()> {
    check_writable(chart, records)?;
    let mut rows: Vec<Row> = Vec::new();
    for path in records {
        let text = read(path)?;
        let more: Vec<Row> = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not the output of `bench measure --json`", path.display()))?;
        rows.extend(more);
    }
    ensure!(!rows.is_empty(), "the files contain no measurements");
    write(chart, growth::growth(&rows))
}

/// Fails if `path` cannot be written, or is one of `inputs`.
fn check_writable(path: &Path, inputs: &[PathBuf]) -> anyhow::Result<()> {
    let is_same = |input: &PathBuf| {
        fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(input).is_ok_and(|input| input == path))
    };
    ensure!(!inputs.iter().any(is_same), "{} is an input and would be overwritten; name another file", path.display());
    program::check_writable(path)
}
