//! `parity`: the sweep by hand, or from `cargo xtask parity`.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use parity::{Answer, Device, Lab, Link, Outcome, Report, Sample, device, new_file, record_path, sweep, write_json};
use shared_model::{AnswersHeader, ModelView, Record};

/// Most bytes that are read of a file, so that an endless one comes to an end.
const MOST_BYTES: u64 = 4 << 30;

/// Sends every picture of an answers file to devices and holds every logit, probability and class against the host's.
///
/// Exit code 0 only if nothing differs.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Devices to compare: `loopback`, BOARD in QEMU, probe-BOARD behind a debug probe, which is flashed. By default all
    /// that are there without hardware.
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
    /// How frames reach emulated boards.
    #[arg(long, value_enum, default_value_t)]
    link: Link,
    /// The debug probe for boards on the desk, VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL, as `probe-rs list` shows it; the environment's
    /// PROBE_RS_PROBE, or the only one there is, by default.
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
    /// Also writes the outcome, and one picture's probabilities, to this file as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Also writes each device's outcome to parity-DEVICE.json in this folder, a run's, for `host-trainer report`.
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
    // Without the handler a signal would leave emulators behind; if it cannot be set, the sweep is as good without.
    let _ = ctrlc::set_handler(|| {
        let _nothing_more = device::stop_all();
        std::process::exit(130);
    });
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody may be there to read it.
            let _ = writeln!(stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse_device(name: &str) -> Result<Device, String> {
    boards::all().map_err(|error| error.to_string())?;
    Device::by_name(name).ok_or_else(|| {
        let names: Vec<_> = Device::all().map(Device::name).collect();
        format!("no such device; there are: {}", names.join(", "))
    })
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
    let model = ModelView::parse(&blob).with_context(|| {
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
            let recorded = outcome.record(device.name(), model.id(), folder);
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
    Ok(report.devices.iter().all(Outcome::is_exact))
}

/// Every device that is there. One on the desk is not taken without being named: it would be flashed.
fn present(lab: &Lab) -> Vec<Device> {
    Device::all().filter(|device| !device.is_hardware() && device.availability(lab).is_ok()).collect()
}

fn sweep_device(
    device: Device,
    lab: &Lab,
    blob: &[u8],
    header: &AnswersHeader,
    records: &[Record<'_>],
) -> anyhow::Result<(Outcome, Option<Answer>)> {
    device.availability(lab)?;
    let mut session = device.start(lab, blob)?;
    let style = ProgressStyle::with_template("{prefix:12} {wide_bar} {pos}/{len} pictures, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(records.len() as u64).with_style(style).with_prefix(device.name());
    let outcome = sweep(&mut session, header, records.iter().copied(), |done| bar.set_position(done));
    bar.finish_and_clear();
    outcome.with_context(|| format!("{} failed", device.name()))
}

fn print_outcome(outcome: &Outcome) -> anyhow::Result<()> {
    let verdict = if outcome.is_exact() { "identical" } else { "DIFFERENT" };
    // Where nothing is damaged on the way, there is nothing to tell.
    let resent = match outcome.resent {
        0 => String::new(),
        count => format!("; the link is noisy or slow: {count} requests were sent again"),
    };
    print_line(&format!(
        "{}: {verdict}: {} pictures, {} of {} logits differ, {} probabilities, {} classes; accuracy {:.4} ({:.1} s){resent}",
        outcome.device,
        outcome.pictures,
        outcome.logits_different,
        outcome.logits_compared,
        outcome.probabilities_different,
        outcome.classes_different,
        outcome.accuracy,
        outcome.seconds,
    ))
}

/// Prints a line on standard output. A reader who has gone is no failure.
fn print_line(line: &str) -> anyhow::Result<()> {
    match writeln!(stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
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

/// Reads a file that is not larger than any model or any answers.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let metadata = path.metadata().with_context(cannot)?;
    // A pipe would be waited for, a device read without end.
    ensure!(metadata.is_file(), "cannot read {}: it is no file", path.display());
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).with_context(cannot)?;
    ensure!(bytes.len() as u64 <= MOST_BYTES, "{} is larger than {} MiB", path.display(), MOST_BYTES >> 20);
    Ok(bytes)
}

/// That a file at `path` can be written.
fn check_writable(path: &Path) -> anyhow::Result<()> {
    ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
    new_file(path).with_context(|| format!("cannot write {}: is its folder there?", path.display()))?;
    Ok(())
}
