//! `parity`: the sweep, by hand or from `cargo xtask parity`.

#![forbid(unsafe_code)]

use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use boards::Board;
use clap::Parser;
use host_support::files::{folder_of, is_same};
use host_support::parity::target_name;
use indicatif::{ProgressBar, ProgressStyle};
use parity::program::{Inputs, LabArguments, check_writable, exit_code, parse_device, parse_emulated, print_line};
use parity::{Answer, Device, Lab, ParityRecord, ParityReport, ParitySample, Place, record_path, sweep, write_record};
use prenda::{AnswersHeader, Model, Record};

/// Sends every image of an answers file to devices and compares every logit, probability and class
/// with the host's.
///
/// The exit code is 0 only if nothing differs.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Devices to compare: `loopback`, `wasm` in a browser, BOARD in QEMU, or probe-BOARD through a
    /// debug probe, which flashes it [default: all that are available without hardware]
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    devices: Vec<Device>,
    /// A program of yours that serves the model by `prenda-serve`, instead of devices. Its model is
    /// compiled in, and must be --model.
    #[arg(long, value_name = "FILE", conflicts_with = "devices", requires = "place")]
    elf: Option<PathBuf>,
    /// The emulated board that runs --elf.
    #[arg(long, value_name = "BOARD", group = "place", requires = "elf", value_parser = parse_emulated)]
    board: Option<&'static Board>,
    /// The chip that runs --elf, by its name in probe-rs, for example nRF52840_xxAA. It is flashed.
    #[arg(long, value_name = "CHIP", group = "place", requires = "elf")]
    chip: Option<String>,
    /// The model, as `host-trainer train --export` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The host's answers, as `host-trainer evaluate --answers` writes them.
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    #[command(flatten)]
    lab: LabArguments,
    /// Also writes the results and one image's probabilities to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Also writes each device's result to parity-DEVICE.json in this folder of a run, for
    /// `host-trainer report`.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Prints one JSON array on standard output instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| run(&arguments))
}

/// Fails if writing the report would overwrite an input or a file of a run.
fn check_report(path: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let inputs = [&arguments.model, &arguments.answers];
    let is_of_run = path.exists() && folder_of(path).join("result.json").exists();
    if let Some(other) = inputs.into_iter().find(|input| is_same(path, input)) {
        bail!("--report {} would overwrite {}; name another file", path.display(), other.display());
    }
    ensure!(!is_of_run, "--report {} would overwrite a file of a run; name another file", path.display());
    Ok(())
}

/// Compares the devices; returns true if nothing differs.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    if let Some(path) = &arguments.report {
        // Before the sweep, so that no result is lost.
        check_report(path, arguments)?;
        check_writable(path)?;
    }
    let lab = arguments.lab.lab();
    let devices = match (foreign(arguments), arguments.devices.as_slice()) {
        (Some(device), _) => vec![device],
        (None, []) => available(&lab),
        (None, devices) => devices.to_vec(),
    };
    if let Some(folder) = &arguments.record {
        devices.iter().try_for_each(|device| check_writable(&record_path(folder, &device.record_name())))?;
    }
    let inputs = Inputs::read(&arguments.model, &arguments.answers)?;
    let (model, header, records) = inputs.parse(usize::MAX)?;

    let mut report =
        ParityReport { model_id: model.id().to_string(), devices: Vec::new(), failed: Vec::new(), sample: None };
    let swept = devices.into_iter().try_for_each(|device| {
        let swept = sweep_device(device, &lab, &inputs.model, &header, &records);
        let (record, first) = swept.inspect_err(|_| report.failed.push(device.name().into()))?;
        if !arguments.json {
            print_record(&record)?;
        }
        if let Some(folder) = &arguments.record {
            write_record(&record, &device.record_name(), model.id(), folder)?;
        }
        report.sample = first.map(|first| sample(&model, device, &records[0], &first));
        report.devices.push(record);
        anyhow::Ok(())
    });
    // Even if a device failed: the others' results may have taken hours.
    if let Some(path) = arguments.report.as_ref().filter(|_| !report.devices.is_empty())
        && !report.write(path)?
    {
        let _ = writeln!(stderr(), "warning: {} has more devices of this model and is not replaced", path.display());
    }
    swept?;
    if arguments.json {
        print_line(&serde_json::to_string(&report.devices)?)?;
    }
    Ok(report.devices.iter().all(ParityRecord::agrees))
}

/// Returns the device that runs --elf.
fn foreign(arguments: &Arguments) -> Option<Device> {
    let place = arguments.board.map(Place::Board).or_else(|| arguments.chip.clone().map(Place::Chip));
    Some(Device::of_elf(arguments.elf.as_ref()?, place?))
}

/// Returns every available device except hardware boards, which a sweep would flash.
fn available(lab: &Lab) -> Vec<Device> {
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
    let style = ProgressStyle::with_template("{prefix:12} {wide_bar} {pos}/{len} images, {per_sec}, {eta} left")?;
    let bar = ProgressBar::new(records.len() as u64).with_style(style).with_prefix(device.name());
    let result = sweep(&mut session, header, records.iter().copied(), |done| bar.set_position(done));
    bar.finish_and_clear();
    result.with_context(|| format!("{} failed", device.name()))
}

fn print_record(record: &ParityRecord) -> anyhow::Result<()> {
    let verdict = if record.agrees() { "identical" } else { "DIFFERENT" };
    let ParityRecord { device, images, logits_compared, logits_different, accuracy, seconds, .. } = record;
    let not_measured = record.not_measured.join(", ");
    let ParityRecord { probabilities_different, classes_different, resent, .. } = record;
    let networks = record.networks_text().map_or_else(String::new, |text| format!("; {text}"));
    let place = format!("{}, {}", target_name(record.target), record.core);
    let resent = match resent {
        0 => String::new(),
        count => format!("; the link is noisy or slow: {count} requests were sent again"),
    };
    print_line(&format!(
        "{device} ({place}): {verdict}: {images} images, {logits_different} of {logits_compared} logits differ, \
         {probabilities_different} probabilities, {classes_different} classes{networks}; accuracy {accuracy:.4} \
         ({seconds:.1} s); not measured: {not_measured}{resent}",
    ))
}

fn sample(model: &Model<'_>, device: Device, record: &Record<'_>, first: &Answer) -> ParitySample {
    let probabilities = |bytes: &[u8]| bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    ParitySample {
        image: 0,
        label: record.label,
        class_names: model.class_names().map(Into::into).collect(),
        pixels: record.pixels.to_vec(),
        columns: model.image().columns.into(),
        host: probabilities(record.probabilities),
        device: probabilities(&first.probabilities),
        device_name: device.name().into(),
        target: device.target(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_report_replaces_neither_inputs_nor_files_of_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["model.bin", "answers.bin", "old.json"] {
            fs::write(path(name), "").unwrap();
        }
        let [model, answers] = ["model.bin", "answers.bin"].map(|name| path(name).display().to_string());
        let arguments = Arguments::parse_from(["parity", "--model", &model, "--answers", &answers]);
        let check = |name: &str| check_report(&path(name), &arguments).map_err(|error| error.to_string());
        assert!(check("model.bin").is_err_and(|error| error.contains("would overwrite")));
        assert!(check("answers.bin").is_err() && check("old.json").is_ok() && check("new.json").is_ok());
        fs::write(path("result.json"), "{}").unwrap();
        assert!(check("old.json").is_err() && check("new.json").is_ok());
    }

    #[test]
    fn a_program_of_others_needs_a_place_and_no_devices() {
        let parse = |words: &[&str]| {
            let inputs = ["parity", "--model", "m", "--answers", "a"];
            Arguments::try_parse_from(inputs.iter().chain(words)).map(|arguments| foreign(&arguments))
        };
        let device = parse(&["--elf", "a/mine.elf", "--board", "mps2-an386"]).unwrap().unwrap();
        assert_eq!((device.name(), device.board_name()), ("mine", None));
        assert!(parse(&["--elf", "mine.elf", "--chip", "nRF52840_xxAA"]).unwrap().unwrap().is_hardware());
        assert!(parse(&[]).unwrap().is_none());
        for words in [
            &["--elf", "mine.elf"][..],
            &["--board", "mps2-an386"],
            &["--elf", "mine.elf", "--chip", "c", "--board", "mps2-an386"],
            &["--elf", "mine.elf", "--chip", "c", "loopback"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
        let error = parse(&["--elf", "mine.elf", "--board", "pico2"]).unwrap_err().to_string();
        assert!(error.contains("unknown emulated board; expected one of: microbit, mps2-an385"), "{error}");
    }
}
