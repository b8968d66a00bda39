//! `parity`: the sweep by hand, or from `cargo xtask parity`.

#![forbid(unsafe_code)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use parity::{Answer, Device, Lab, Outcome, Report, Sample, device, sweep};
use shared_model::{AnswersHeader, ModelView, Record};

/// Sends every picture of an answers file to devices and holds every logit, probability and class against the host's.
///
/// Exit code 0 only if nothing differs.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Devices to compare; all that there are by default.
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    devices: Vec<Device>,
    /// The model, as `host-trainer train --export` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// What the host computes for each picture, as `host-trainer evaluate --answers` writes it.
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Folder with the firmware, one BOARD.elf for each board, as `cargo xtask firmware` writes it.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// Also writes the outcome, and one picture's probabilities, to this file as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Seconds that a device may stay silent before it counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = device::PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Prints one JSON array on standard output instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Without the handler a signal would leave emulators behind; if it cannot be set, the sweep is as good without.
    let _ = ctrlc::set_handler(|| {
        device::stop_all();
        std::process::exit(130);
    });
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse_device(name: &str) -> Result<Device, String> {
    Device::by_name(name).ok_or_else(|| {
        let names: Vec<_> = Device::all().map(Device::name).collect();
        format!("no such device; there are: {}", names.join(", "))
    })
}

/// Whether every device is exact.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let blob = read(&arguments.model)?;
    let model = ModelView::parse(&blob).with_context(|| arguments.model.display().to_string())?;
    let answers = read(&arguments.answers)?;
    let (header, records) = AnswersHeader::parse(&answers).with_context(|| arguments.answers.display().to_string())?;
    ensure!(
        header.model == model.id(),
        "{} holds the answers of model {}, but {} is model {}: run `host-trainer evaluate --answers` again",
        arguments.answers.display(),
        header.model,
        arguments.model.display(),
        model.id()
    );
    let records: Vec<_> = records.collect();
    ensure!(!records.is_empty(), "{} holds no pictures", arguments.answers.display());

    let lab = Lab {
        firmware: arguments.firmware.clone(),
        patience: Duration::from_secs(arguments.patience),
        show_logs: true,
    };
    let devices = if arguments.devices.is_empty() { Device::all().collect() } else { arguments.devices.clone() };
    let mut report = Report { devices: Vec::new(), sample: None };
    for device in devices {
        let (outcome, first) = sweep_device(device, &lab, &blob, &header, &records)?;
        if !arguments.json {
            print_outcome(&outcome);
        }
        report.sample = first.map(|first| sample(&model, device, &records[0], &first));
        report.devices.push(outcome);
    }
    if let Some(path) = &arguments.report {
        write_report(path, &report)?;
    }
    if arguments.json {
        println!("{}", serde_json::to_string(&report.devices)?);
    }
    Ok(report.devices.iter().all(Outcome::is_exact))
}

fn sweep_device(
    device: Device,
    lab: &Lab,
    blob: &[u8],
    header: &AnswersHeader,
    records: &[Record<'_>],
) -> anyhow::Result<(Outcome, Option<Answer>)> {
    let mut session = device.start(lab, blob)?;
    let style = ProgressStyle::with_template("{prefix:12} {wide_bar} {pos}/{len} pictures, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(records.len() as u64).with_style(style).with_prefix(device.name());
    let outcome = sweep(&mut session, header, records.iter().copied(), |done| bar.set_position(done));
    bar.finish_and_clear();
    outcome.with_context(|| format!("{} failed", device.name()))
}

fn print_outcome(outcome: &Outcome) {
    let verdict = if outcome.is_exact() { "identical" } else { "DIFFERENT" };
    println!(
        "{}: {verdict}: {} pictures, {} of {} logits differ, {} probabilities, {} classes; accuracy {:.4} ({:.1} s)",
        outcome.device,
        outcome.pictures,
        outcome.logits_different,
        outcome.logits_compared,
        outcome.probabilities_different,
        outcome.classes_different,
        outcome.accuracy,
        outcome.seconds,
    );
}

fn sample(model: &ModelView<'_>, device: Device, record: &Record<'_>, first: &Answer) -> Sample {
    let probabilities = |bytes: &[u8]| bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    Sample {
        picture: 0,
        label: record.label,
        class_names: model.class_names().map(Into::into).collect(),
        pixels: record.pixels.to_vec(),
        columns: model.columns(),
        host: probabilities(record.probabilities),
        device: probabilities(&first.probabilities),
        device_name: device.name().into(),
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes the report whole or not at all.
fn write_report(path: &Path, report: &Report) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!("cannot write {}: the folder {} is not there", path.display(), folder.display());
    }
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(|| path.display().to_string())?;
    serde_json::to_writer_pretty(&mut file, report)?;
    file.flush()?;
    file.persist(path).with_context(|| path.display().to_string())?;
    Ok(())
}
