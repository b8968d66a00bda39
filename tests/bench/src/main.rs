//! `bench`: what an inference takes on boards, in instructions or cycles, code and memory; by hand,
//! or from `cargo xtask bench`.

#![forbid(unsafe_code)]

mod axis;
mod budgets;
mod chart;
mod code;
mod growth;
mod measure;
mod rivals;
mod row;
mod style;
mod table;

use std::fs;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use boards::WeightOrder;
use clap::{Args, Parser, Subcommand};
use parity::program::{self, exit_code, print_line, read};
use parity::{Device, Lab, Link, device, new_file};
use shared_model::{AnswersHeader, Model, Record};

use budgets::Budgets;
use rivals::Rivals;
use row::Row;

/// Most images that are measured unless more are asked for.
const IMAGES: usize = 200;

/// Counts what an inference takes: instructions on emulated boards, cycles on hardware.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures images on devices.
    Measure(Box<Measure>),
    /// Draws how cost grows with work, of what `measure --json` printed for several networks.
    Growth {
        /// What was printed, one file for each network.
        #[arg(value_name = "FILE", required = true)]
        records: Vec<PathBuf>,
        /// The image, SVG.
        #[arg(long = "chart", value_name = "FILE.svg")]
        chart: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Measure {
    /// BOARD in QEMU, or probe-BOARD behind a debug probe, which is flashed. By default all that
    /// are there without hardware.
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    devices: Vec<Device>,
    /// The model, as `host-trainer train --export` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The images, as `host-trainer evaluate --answers` writes them.
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// The same model with its weights in vectors, as `host-trainer reorder` writes it, for boards
    /// that are faster so.
    #[arg(long, value_name = "FILE", requires = "vector_answers")]
    vector_model: Option<PathBuf>,
    /// The images for it.
    #[arg(long, value_name = "FILE", requires = "vector_model")]
    vector_answers: Option<PathBuf>,
    /// Folder with the firmware, one BOARD.elf for each board, as `cargo xtask firmware` writes it.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// The first so many images of the answers, or all that there are.
    #[arg(long = "pictures", value_name = "N", default_value_t = IMAGES as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    images: u32,
    /// The debug probe for boards on the desk, VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL;
    /// PROBE_RS_PROBE, or the only one there is, by default.
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
    /// Seconds that a device may stay silent before it counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = device::PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Also tells of each image, in JSON: its share of zeros, and what it takes.
    #[arg(long)]
    each: bool,
    /// Leaves out devices whose memory the model does not fit, and says so.
    #[arg(long)]
    where_it_fits: bool,
    /// Prints one JSON array on standard output instead of tables.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Prints the tables in Markdown.
    #[arg(long)]
    markdown: bool,
    /// Also draws bars of ours and others' counts, SVG.
    #[arg(long = "chart", value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Fails, with exit code 1, where anything takes more than this file allows.
    #[arg(long, value_name = "FILE", conflicts_with = "write_budgets")]
    budgets: Option<PathBuf>,
    /// Writes what was measured as the budgets of these boards.
    #[arg(long, value_name = "FILE")]
    write_budgets: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| {
        match &arguments.task {
            Task::Measure(options) => run(options)?,
            Task::Growth { records, chart } => draw_growth(records, chart)?,
        }
        Ok(true)
    })
}

fn parse_device(name: &str) -> Result<Device, String> {
    boards::all().map_err(|error| error.to_string())?;
    // Behind a probe an emulated board goes on in steps, and its time with it.
    let boards = || Device::all().filter(|device| matches!(device, Device::Qemu(_)) || device.is_hardware());
    boards().find(|device| device.name() == name).ok_or_else(|| {
        let names: Vec<_> = boards().map(Device::name).collect();
        format!("no such device, or none that can be measured; there are: {}", names.join(", "))
    })
}

fn run(options: &Measure) -> anyhow::Result<()> {
    // Early, so that nothing is measured for a wrong path.
    let inputs = [Some(&options.model), Some(&options.answers), options.vector_model.as_ref()];
    let inputs = inputs.into_iter().chain([options.vector_answers.as_ref(), options.budgets.as_ref()]);
    let inputs: Vec<_> = inputs.flatten().cloned().collect();
    for path in [&options.chart, &options.write_budgets].into_iter().flatten() {
        check_writable(path, &inputs)?;
    }
    let budgets = options.budgets.as_deref().map(Budgets::read).transpose()?;
    let rivals = Rivals::committed()?;
    let lab = Lab {
        firmware: options.firmware.clone(),
        link: Link::Rtt,
        instruction_shift: None,
        probe: options.probe.clone().or_else(|| std::env::var("PROBE_RS_PROBE").ok()),
        patience: Duration::from_secs(options.patience),
        show_logs: false,
    };
    let devices = if options.devices.is_empty() { emulated(&lab) } else { options.devices.clone() };
    ensure!(!devices.is_empty(), "no emulated board is there: `cargo xtask setup`, then `cargo xtask firmware BOARD`");

    let pairs = Work::read(&options.model, &options.answers)?;
    let vectors = match (&options.vector_model, &options.vector_answers) {
        (Some(model), Some(answers)) => Some(Work::read(model, answers)?),
        _ => None,
    };
    if let Some(vectors) = &vectors {
        let ((pairs, _), (vectors, _)) = (pairs.parse(1)?, vectors.parse(1)?);
        let shape =
            |model: &Model<'_>| model.layers().map(|layer| (layer.inputs(), layer.outputs())).collect::<Vec<_>>();
        // Layers of other orders than these two stay as they are.
        let is_in_vectors = vectors.layers().all(|layer| layer.order().to_string() != "pairs");
        ensure!(
            is_in_vectors && shape(&pairs) == shape(&vectors),
            "--vector-model is not the same network with its weights in vectors: `host-trainer reorder` makes it of --model"
        );
    }
    let mut rows = Vec::new();
    for device in devices {
        let is_for_vectors = device.board().is_some_and(|board| board.weight_order == WeightOrder::Vectors);
        let work = vectors.as_ref().filter(|_| is_for_vectors).unwrap_or(&pairs);
        let (model, records) = work.parse(options.images as usize)?;
        match measure::measure(device, &lab, &model, &records, options.each) {
            Err(error) if options.where_it_fits && measure::is_too_large(&error) => {
                // Nobody may be there to read it.
                let _ = writeln!(stderr(), "left out: {error:#}");
            }
            row => rows.push(row?),
        }
    }
    if let Some(path) = &options.chart {
        write(path, &chart::bars(&rows, &rivals)?)?;
    }
    if let Some(path) = &options.write_budgets {
        write(path, &Budgets::text_of(&rows)?)?;
    }
    print_line(&match (options.json, options.markdown) {
        (true, _) => serde_json::to_string(&rows)?,
        (_, true) => table::markdown(&rows, &rivals),
        _ => table::terminal(&rows, &rivals),
    })?;
    let exceeded = budgets.map(|budgets| budgets.exceeded(&rows)).transpose()?.unwrap_or_default();
    if !exceeded.is_empty() {
        bail!("budgets are exceeded:\n    {}", exceeded.join("\n    "));
    }
    Ok(())
}

/// A model and images for it, as their files have them.
struct Work<'a> {
    model_path: &'a Path,
    answers_path: &'a Path,
    model: Vec<u8>,
    answers: Vec<u8>,
}

impl<'a> Work<'a> {
    fn read(model_path: &'a Path, answers_path: &'a Path) -> anyhow::Result<Self> {
        let work = Self { model_path, answers_path, model: read(model_path)?, answers: read(answers_path)? };
        // Early, so that nothing is measured beside a wrong file.
        work.parse(1).map(drop)?;
        Ok(work)
    }

    /// The model, and the first `images` for it.
    fn parse(&self, images: usize) -> anyhow::Result<(Model<'_>, Vec<Record<'_>>)> {
        let Self { model_path, answers_path, .. } = self;
        let model = Model::parse(&self.model).with_context(|| {
            format!("{} cannot be used; export it again by `host-trainer train --export`", model_path.display())
        })?;
        let (header, records) =
            AnswersHeader::parse(&self.answers).with_context(|| answers_path.display().to_string())?;
        ensure!(
            header.model == model.id() && header.inputs as usize == model.input_width(),
            "{} holds the answers of model {}, but {} is model {}: run `host-trainer evaluate --answers` again",
            answers_path.display(),
            header.model,
            model_path.display(),
            model.id()
        );
        let records: Vec<_> = records.take(images).collect();
        ensure!(!records.is_empty(), "{} holds no pictures", answers_path.display());
        Ok((model, records))
    }
}

/// Every emulated board that is there, not behind a probe.
fn emulated(lab: &Lab) -> Vec<Device> {
    let is_emulated = |device: &Device| matches!(device, Device::Qemu(_)) && device.availability(lab).is_ok();
    Device::all().filter(is_emulated).collect()
}

fn draw_growth(records: &[PathBuf], image: &Path) -> anyhow::Result<()> {
    check_writable(image, records)?;
    let mut rows: Vec<Row> = Vec::new();
    for path in records {
        let text = read(path)?;
        let more: Vec<Row> = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not what `bench measure --json` prints", path.display()))?;
        rows.extend(more);
    }
    ensure!(!rows.is_empty(), "nothing was measured");
    write(image, &growth::growth(&rows)?)
}

/// Writes `text` whole or not at all.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut file = new_file(path).with_context(cannot)?;
    file.write_all(text.as_bytes()).with_context(cannot)?;
    file.persist(path).with_context(cannot)?;
    Ok(())
}

/// That a file at `path` can be written, and is none of `inputs`.
fn check_writable(path: &Path, inputs: &[PathBuf]) -> anyhow::Result<()> {
    let is_same = |input: &PathBuf| {
        fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(input).is_ok_and(|input| input == path))
    };
    ensure!(!inputs.iter().any(is_same), "{} is read, and would be written over: name another file", path.display());
    program::check_writable(path)
}
