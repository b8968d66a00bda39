//! `parity`: the sweep by hand, or from `cargo xtask parity`.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use parity::program::{check_writable, exit_code, parse_device, print_line, read};
use parity::{
    Answer, Device, Lab, Link, ParityRecord, Report, Sample, device, record_path, sweep, write_json, write_record,
};
use shared_model::{AnswersHeader, Model, Record};

/// Sends every image of an answers file to devices and holds every logit, probability and class
/// against the host's.
///
/// Exit code 0 only if nothing differs.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Devices to compare: `loopback`, BOARD in QEMU, probe-BOARD behind a debug probe, which is
    /// flashed. By default all that are there without hardware.
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    devices: Vec<Device>,
    /// The model, as `host-trainer train --export` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// What the host computes for each image, as `host-trainer evaluate --answers` writes it.
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Folder with the firmware, one BOARD.elf for each board, as `cargo xtask firmware` writes it.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// How frames reach emulated boards.
    #[arg(long, value_enum, default_value_t)]
    link: Link,
    /// The debug probe for boards on the desk, VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL, as
    /// `probe-rs list` shows it; the environment's PROBE_RS_PROBE, or the only one there is, by
    /// default.
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
    /// Also writes the outcome, and one image's probabilities, to this file as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Also writes each device's outcome to parity-DEVICE.json in this folder, a run's, for
    /// `host-trainer report`.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Seconds that a device may stay silent before it counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = device::PATIENCE.as_secs(), value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Prints one JSON array on standard output instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| run(&arguments))
}

/// Whether every device is exact.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if let Some(path) = &arguments.report {
        // Early, so that a sweep is not lost for a wrong path.
        check_writable(path)?;
    }
    let lab = Lab {
        firmware: arguments.firmware.clone(),
        link: arguments.link,
        instruction_shift: None,
        probe: arguments.probe.clone().or_else(|| std::env::var("PROBE_RS_PROBE").ok()),
        patience: Duration::from_secs(arguments.patience),
        show_logs: true,
    };
    let devices = if arguments.devices.is_empty() { present(&lab) } else { arguments.devices.clone() };
    if let Some(folder) = &arguments.record {
        devices.iter().try_for_each(|device| check_writable(&record_path(folder, device.name())))?;
    }
    let blob = read(&arguments.model)?;
    let model = Model::parse(&blob).with_context(|| {
        format!("{} cannot be used; export it again by `host-trainer train --export`", arguments.model.display())
    })?;
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
    ensure!(
        (header.inputs as usize, usize::from(header.classes)) == (model.input_width(), model.classes()),
        "{} is not about pictures and classes like those of {}: run `host-trainer evaluate --answers` again",
        arguments.answers.display(),
        arguments.model.display()
    );
    let records: Vec<_> = records.collect();
    ensure!(!records.is_empty(), "{} holds no pictures", arguments.answers.display());

    let mut report = Report { devices: Vec::new(), sample: None };
    for device in devices {
        let (outcome, first) = sweep_device(device, &lab, &blob, &header, &records)?;
        if !arguments.json {
            print_outcome(&outcome)?;
        }
        if let Some(folder) = &arguments.record {
            let recorded = write_record(&outcome, device.name(), model.id(), folder);
            recorded.with_context(|| format!("cannot record {} in {}", device.name(), folder.display()))?;
        }
        report.sample = first.map(|first| sample(&model, device, &records[0], &first));
        report.devices.push(outcome);
    }
    if let Some(path) = &arguments.report {
        write_json(path, &report).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if arguments.json {
        print_line(&serde_json::to_string(&report.devices)?)?;
    }
    Ok(report.devices.iter().all(ParityRecord::agrees))
}

/// Every device that is there. One on the desk is not taken without being named: it would be
/// flashed.
fn present(lab: &Lab) -> Vec<Device> {
    Device::all().filter(|device| !device.is_hardware() && device.availability(lab).is_ok()).collect()
}

fn sweep_device(
    device: Device,
    lab: &Lab,
    blob: &[u8],
    header: &AnswersHeader,
    records: &[Record<'_>],
) -> anyhow::Result<(ParityRecord, Option<Answer>)> {
    device.availability(lab)?;
    let mut session = device.start(lab, blob)?;
    let style = ProgressStyle::with_template("{prefix:12} {wide_bar} {pos}/{len} pictures, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(records.len() as u64).with_style(style).with_prefix(device.name());
    let outcome = sweep(&mut session, header, records.iter().copied(), |done| bar.set_position(done));
    bar.finish_and_clear();
    outcome.with_context(|| format!("{} failed", device.name()))
}

fn print_outcome(outcome: &ParityRecord) -> anyhow::Result<()> {
    let verdict = if outcome.agrees() { "identical" } else { "DIFFERENT" };
    // Where nothing is damaged on the way, there is nothing to tell.
    let resent = match outcome.resent {
        0 => String::new(),
        count => format!("; the link is noisy or slow: {count} requests were sent again"),
    };
    print_line(&format!(
        "{}: {verdict}: {} pictures, {} of {} logits differ, {} probabilities, {} classes; accuracy {:.4} ({:.1} s){resent}",
        outcome.device,
        outcome.images,
        outcome.logits_different,
        outcome.logits_compared,
        outcome.probabilities_different,
        outcome.classes_different,
        outcome.accuracy,
        outcome.seconds,
    ))
}

fn sample(model: &Model<'_>, device: Device, record: &Record<'_>, first: &Answer) -> Sample {
    let probabilities = |bytes: &[u8]| bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    Sample {
        image: 0,
        label: record.label,
        class_names: model.class_names().map(Into::into).collect(),
        pixels: record.pixels.to_vec(),
        columns: model.columns(),
        host: probabilities(record.probabilities),
        device: probabilities(&first.probabilities),
        device_name: device.name().into(),
    }
}
