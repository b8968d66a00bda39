//! `cargo xtask parity`: the same images on the host and on devices, every logit compared.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use anyhow::{Context, Result, bail};
use clap::Args;
use host_support::parity::{ParityRecord, Target, target_name};
use host_support::table::Folded;
use serde::Deserialize;

use crate::board;
use crate::output::{log, print};
use crate::playground::{self, WASM};
use crate::process::Job;
use crate::table::percent;
use crate::trainer::{Evaluated, TestData};
use crate::workspace::Workspace;
use crate::{DEFAULT_BOARD, UsageError, image, run_folder, trainer};

/// The device without a board: `prenda-serve` on a thread.
pub const LOOPBACK: &str = "loopback";

/// Prefix of devices reached through a debug probe; the board's name follows.
pub const PROBE: &str = "probe-";

#[derive(Debug, Deserialize)]
pub struct ModelReport {
    pub devices: Vec<ParityRecord>,
    pub sample: Option<Sample>,
}

pub fn verify(record: &ParityRecord, evaluated: &Evaluated) -> Result<()> {
    let ParityRecord { device: name, images, .. } = record;
    if *images != evaluated.images {
        let all = evaluated.images;
        bail!("{name} was compared on {images} images, the host on {all}; run one such command at a time");
    }
    if !record.agrees() {
        bail!(
            "host and {name} differ: {} of {} logits, {} probabilities, {} classes, {} networks",
            record.logits_different,
            record.logits_compared,
            record.probabilities_different,
            record.classes_different,
            record.networks_different
        );
    }
    Ok(())
}

/// The probabilities of one image, which add up to the same whole on both sides.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// Its index in the test split.
    #[serde(rename = "picture")]
    pub image: u64,
    pub label: usize,
    pub class_names: Vec<String>,
    pub host: Vec<u32>,
    pub device: Vec<u32>,
    pub device_name: String,
    /// The target that ran the device's code.
    pub target: Option<Target>,
}

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask parity\n  \
    cargo xtask parity mps3-an547 --vectors\n  \
    cargo xtask parity wasm\n  \
    cargo xtask parity probe-pico2 --model runs/mine\n  \
    cargo xtask parity --elf mine.elf --chip nRF52840_xxAA --model runs/mine")]
pub struct Options {
    /// `loopback`, `wasm` (the playground's page in a headless browser), a BOARD of firmware/boards
    /// in QEMU, or probe-BOARD through a debug probe, which is flashed. [default: loopback and
    /// mps2-an386]
    #[arg(value_name = "DEVICE")]
    devices: Vec<String>,
    /// Loopback and every emulated board.
    #[arg(long, conflicts_with = "devices")]
    all: bool,
    /// A program of yours that serves the model by `prenda-serve`, instead of devices.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["devices", "all"], requires = "place")]
    elf: Option<PathBuf>,
    /// The emulated board that runs --elf.
    #[arg(long, value_name = "BOARD", group = "place", requires = "elf")]
    board: Option<String>,
    /// The chip that runs --elf, by its name in probe-rs. It is flashed.
    #[arg(long, value_name = "CHIP", group = "place", requires = "elf")]
    chip: Option<String>,
    /// The model, or the folder of its run, which then keeps the results as parity-DEVICE.json.
    /// [default: the demo's run]
    #[arg(long, value_name = "FILE|DIR")]
    model: Option<PathBuf>,
    /// Reorder the weights into vectors first, as cores with Helium need them (mps3-an547).
    #[arg(long)]
    vectors: bool,
    /// The folder of the data set whose test images are compared. [default: the one that the run
    /// records, otherwise the trainer's choice]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Compare on a data set that the model was not trained on.
    #[arg(long)]
    other_data: bool,
    /// Print one JSON array on standard output instead of a table.
    #[arg(long)]
    json: bool,
    /// Arguments for the program `parity`; `cargo run --bin parity -- --help` describes them.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

/// Compares. If the model is in the folder of its run, the folder keeps the results.
pub fn command(workspace: &Workspace, options: Options) -> Result<()> {
    let Options { devices, all, elf, board, chip, model, vectors, data, other_data, json, arguments } = options;
    let usual: &[&str] = if elf.is_some() { &[] } else { &[LOOPBACK, DEFAULT_BOARD] };
    let devices = chosen(&devices, all, usual)?;
    let model = run_folder::existing(workspace, model)?;
    workspace.build_programs()?;
    let folder = workspace.folder("parity")?;
    let answers = folder.join("answers.bin");
    // The reordered model leaves its run.
    let data = data.or_else(|| run_folder::data_of(&model).filter(|_| vectors));
    let model = if vectors {
        let reordered = folder.join("vectors.bin");
        trainer::reorder(workspace, &model, &reordered)?;
        reordered
    } else {
        model
    };
    let data = TestData { folder: data.as_deref(), is_other: other_data };
    let evaluated = trainer::evaluate(workspace, &model, &answers, data)?;
    log(format_args!("    model {}, {} images", evaluated.model_id, evaluated.images));
    build_firmware(workspace, &devices)?;
    let run = run_folder::of_model(&model, &evaluated.model_id);
    let job = tool(workspace, &devices, &model, &answers, run.as_deref())?;
    let job = job.option("--elf", elf).option("--board", board).option("--chip", chip).args(arguments);
    if json {
        return job.arg("--json").run_to_stdout();
    }
    let report = report_of(job, &folder.join("parity.json"))?;
    print(table(&report.devices))?;
    report.devices.iter().try_for_each(|device| verify(device, &evaluated))
}

fn table(devices: &[ParityRecord]) -> String {
    let header =
        ["device", "runs on", "core", "images", "logits", "differ", "probabilities", "classes", "accuracy", "RAM"];
    let mut table = Folded::new(header, 3);
    for device in devices {
        table.add_row([
            device.device.clone(),
            target_name(device.target).to_owned(),
            device.core.clone(),
            device.images.to_string(),
            device.logits_compared.to_string(),
            device.logits_different.to_string(),
            device.probabilities_different.to_string(),
            device.classes_different.to_string(),
            percent(device.accuracy),
            device.ram_bytes.map_or_else(String::new, |bytes| format!("{bytes} B")),
        ]);
    }
    let networks =
        devices.iter().filter_map(|device| Some(format!("{}: {}\n", device.device, device.networks_text()?)));
    format!("{table}\n{}{}", networks.collect::<String>(), not_measured(devices))
}

/// Lists what the comparison did not measure, for each kind of device.
pub fn not_measured(devices: &[ParityRecord]) -> String {
    let targets: BTreeSet<_> = devices
        .iter()
        .filter(|device| !device.not_measured.is_empty())
        .map(|device| (target_name(device.target), device.not_measured.join(", ")))
        .collect();
    let texts: Vec<String> = targets.iter().map(|(target, missing)| format!("on the {target}: {missing}")).collect();
    format!("not measured {}", texts.join("; "))
}

/// Compares the model and answers in `folder` with one device, and returns the record even if
/// something differs. The run in the folder keeps it, too.
pub fn compare(workspace: &Workspace, device: &str, folder: &Path) -> Result<(ParityRecord, Option<Sample>)> {
    let [model, answers, report, run] =
        ["model.bin", "answers.bin", "parity.json", "run"].map(|name| folder.join(name));
    let job = tool(workspace, &[device.to_owned()], &model, &answers, Some(&run))?;
    let ModelReport { devices, sample } = report_of(job, &report)?;
    let record = devices.into_iter().find(|record| record.device == device);
    Ok((record.with_context(|| format!("the parity report does not contain {device}"))?, sample))
}

/// Runs `parity` and returns its report even if something differs.
fn report_of(job: Job, report: &Path) -> Result<ModelReport> {
    // An earlier report must not be mistaken for this one.
    if report.exists() {
        fs::remove_file(report).with_context(|| format!("cannot remove {}", report.display()))?;
    }
    let job = job.arg("--report").arg(report);
    let name = job.name();
    let ran = job.run();
    if !report.exists() {
        ran?;
        bail!("`{name}` wrote no report {}", report.display());
    }
    let text = fs::read_to_string(report).with_context(|| format!("cannot read {}", report.display()))?;
    let parsed: ModelReport =
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", report.display()))?;
    // It also fails if something differs; then the report has the details.
    if parsed.devices.iter().all(ParityRecord::agrees) {
        ran?;
    }
    Ok(parsed)
}

/// Returns the devices to use: `devices`, or loopback and every emulated board, or the `usual`
/// ones.
pub fn chosen(devices: &[String], all: bool, usual: &[&str]) -> Result<Vec<String>> {
    let boards = boards::all()?;
    let devices = if all {
        let emulated = boards.iter().filter(|board| board.emulator.is_some());
        iter::once(LOOPBACK.to_owned()).chain(emulated.map(|board| board.name.clone())).collect()
    } else if devices.is_empty() {
        usual.iter().map(|&device| device.into()).collect()
    } else {
        devices.to_vec()
    };
    for board in &boards {
        let (name, probed) = (&board.name, format!("{PROBE}{}", board.name));
        if board.emulator.is_none() && devices.contains(name) {
            let text = format!("{name} is not emulated; {probed} is the board through a debug probe");
            return Err(UsageError(text).into());
        }
        if board.chip.is_none() && devices.contains(&probed) {
            let text = format!("{name} cannot be reached through a debug probe; {name} is the emulated board");
            return Err(UsageError(text).into());
        }
    }
    let known: Vec<String> = boards.into_iter().map(|board| board.name).collect();
    let is_known = |device: &&String| {
        [LOOPBACK, WASM].contains(&device.as_str()) || known.iter().any(|board| board == board_of(device))
    };
    if let Some(unknown) = devices.iter().find(|device| !is_known(device)) {
        let known = known.join(", ");
        let text = format!(
            "unknown device {unknown:?}; the devices are {LOOPBACK}, {WASM}, BOARD in QEMU and {PROBE}BOARD through a \
             debug probe; the boards are: {known}"
        );
        return Err(UsageError(text).into());
    }
    Ok(devices)
}

pub fn board_of(device: &str) -> &str {
    device.strip_prefix(PROBE).unwrap_or(device)
}

/// Builds the firmware of `devices`, which may include loopback, and the page of the browser.
pub fn build_firmware(workspace: &Workspace, devices: &[String]) -> Result<()> {
    for device in devices {
        match device.as_str() {
            LOOPBACK => {}
            WASM => playground::build_device(workspace)?,
            _ => image::build(workspace, &board::named(board_of(device))?).map(drop)?,
        }
    }
    Ok(())
}

/// Returns the command that compares, and keeps the results in the folder `run`.
fn tool(workspace: &Workspace, devices: &[String], model: &Path, answers: &Path, run: Option<&Path>) -> Result<Job> {
    let firmware = workspace.folder("firmware")?;
    let job = workspace.job("parity").args(devices).arg("--model").arg(model);
    Ok(job.arg("--answers").arg(answers).arg("--firmware").arg(firmware).option("--record", run))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> ParityRecord {
        ParityRecord { device: "d".into(), images: 10, logits_compared: 100, ..ParityRecord::default() }
    }

    #[test]
    fn the_table_says_what_ran_where_and_fits_a_terminal() {
        let mut emulated = ParityRecord { device: "mps2-an386".into(), core: "cortex-m4".into(), ..device() };
        emulated.set_target(Target::Emulator);
        let mut loopback = ParityRecord { device: LOOPBACK.into(), core: "host".into(), ..device() };
        loopback.set_target(Target::Host);
        let text = table(&[loopback, emulated]);
        assert!(text.contains("runs on") && text.contains("emulator") && text.contains("cortex-m4"), "{text}");
        assert!(
            text.ends_with("not measured on the emulator: time, energy; on the host: core, flash, RAM, time, energy"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.chars().count() <= 80 || line.starts_with("not")), "{text}");
    }

    #[test]
    fn missing_images_are_an_error() {
        let evaluated = |images| Evaluated { model_id: "00000000".into(), images, accuracy: 0.5 };
        assert!(verify(&device(), &evaluated(10)).is_ok());
        let error = verify(&device(), &evaluated(11)).unwrap_err().to_string();
        assert!(error.contains("on 10 images, the host on 11"), "{error}");
        assert!(verify(&ParityRecord { logits_different: 1, ..device() }, &evaluated(10)).is_err());
    }
}
