//! `link`: devices on a faulty line, by hand or from `cargo xtask check link`.

#![forbid(unsafe_code)]

mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use host_support::numbers::whole;
use indicatif::{ProgressBar, ProgressStyle};
use parity::program::{Inputs, exit_code, parse_device, print_line};
use parity::{Device, Echo, Fault, FaultRow, FaultTest, Lab, Link, Plan, Target, send_noise, sweep};
use prenda::{AnswersHeader, Record};
use serde::Serialize;

/// Probabilities of a fault, for each byte.
const RATES: [f64; 6] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];

/// Highest rate at which a frame with an image of hundreds of pixels can pass; at higher ones,
/// images have two pixels.
const MAX_FOR_LARGE_FRAMES: f64 = 1e-3;

/// Factor by which fewer frames are delayed than damaged, since delays take time.
const LATE_SHARE: u64 = 10;

/// Damages the frames to and from a device in every way and at every rate, and compares every
/// accepted answer with the host's.
///
/// The exit code is 0 only if no wrong answer was accepted, every sweep finished, and the device
/// answered afterwards.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Devices: `loopback`, BOARD in QEMU, or probe-BOARD through a debug probe.
    #[arg(value_name = "DEVICE", value_parser = parse_device, required = true)]
    devices: Vec<Device>,
    /// The model for rates at which its frames can pass.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The host's answers for that model, as `host-trainer evaluate --answers` writes them.
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Folder with the firmware, one BOARD.elf for each board.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// The path of frames to emulated boards.
    #[arg(long, value_enum, default_value_t)]
    link: Link,
    /// Frames to damage, or images to answer, for each kind and rate.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = whole::<u64>(1..))]
    damaged: u64,
    /// Seconds of random bytes afterwards.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = whole::<u64>(0..))]
    noise: u64,
    /// Seed of the faults and the random bytes.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<u64>(0..))]
    seed: u64,
    /// Seconds to wait for an answer, all attempts together: at the highest rate, a hello takes
    /// hundreds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = whole::<u64>(1..=3600))]
    patience: u64,
    /// Prints one JSON array on standard output instead of tables.
    #[arg(long)]
    json: bool,
}

/// The results of one device. The JSON keys are stable.
#[derive(Debug, Serialize)]
struct LinkReport {
    device: String,
    /// The target that runs the device's code.
    target: Target,
    /// Its processor core.
    core: String,
    /// Quantities that the test did not measure.
    not_measured: Vec<String>,
    link: &'static str,
    rows: Vec<FaultRow>,
    /// Frames damaged in total.
    damaged: u64,
    /// Frames late but not damaged in total.
    late: u64,
    /// Answers to images accepted in total.
    answers: u64,
    /// Values in them that differ from the host's.
    wrong: u64,
    /// Random bytes sent afterwards.
    noise_bytes: u64,
    /// Refusals of these.
    noise_refused: u64,
    seconds: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| run(&arguments))
}

/// Tests the devices; returns true if each answered and no wrong answer was accepted.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let lab = Lab {
        firmware: arguments.firmware.clone(),
        link: arguments.link,
        instruction_shift: None,
        probe: std::env::var("PROBE_RS_PROBE").ok(),
        patience: Duration::from_secs(arguments.patience),
        show_logs: false,
        emulator_arguments: Vec::new(),
    };
    let inputs = Inputs::read(&arguments.model, &arguments.answers)?;
    let (_, header, records) = inputs.parse(usize::MAX)?;
    let mut reports = Vec::new();
    for device in &arguments.devices {
        let report = test_device(*device, &lab, arguments, &inputs.model, &header, &records)
            .with_context(|| format!("{} failed", device.name()))?;
        if !arguments.json {
            print_line(&table::table(&report))?;
        }
        reports.push(report);
    }
    if arguments.json {
        print_line(&serde_json::to_string(&reports)?)?;
    }
    Ok(reports.iter().all(|report| report.answers > 0 && report.wrong == 0))
}

fn test_device(
    device: Device,
    lab: &Lab,
    arguments: &Arguments,
    model: &[u8],
    header: &AnswersHeader,
    records: &[Record<'_>],
) -> anyhow::Result<LinkReport> {
    let started = Instant::now();
    device.availability(lab)?;
    let echo = Echo::new()?;
    let echoes: Vec<_> = echo.records().collect();
    let affected = |kinds: &[Fault]| arguments.damaged.div_ceil(if kinds == [Fault::Delay] { LATE_SHARE } else { 1 });
    let style = ProgressStyle::with_template("{prefix:12} {wide_bar} {pos}/{len} frames, {elapsed}, {msg}")?;
    let bar = ProgressBar::new(RATES.len() as u64 * Fault::selections().map(affected).sum::<u64>())
        .with_style(style)
        .with_prefix(device.name());
    let mut rows = Vec::new();
    let (small, large): (Vec<_>, Vec<_>) = RATES.into_iter().partition(|rate| *rate > MAX_FOR_LARGE_FRAMES);
    for (rates, model, header, records) in
        [(large, model, header, records), (small, &echo.model, &echo.header, &echoes)]
    {
        let mut test = FaultTest::new(device.start(lab, model)?);
        for rate in rates {
            for kinds in Fault::selections() {
                let name = Fault::name_of(kinds);
                bar.set_message(format!("{name} at {rate:e}"));
                let plan = Plan {
                    kinds,
                    rate,
                    seed: arguments.seed.wrapping_add(rows.len() as u64),
                    affected: affected(kinds),
                };
                let before = bar.position();
                let row = test.run(&plan, header, records, |affected| bar.set_position(before + affected));
                rows.push(row.with_context(|| format!("{name} at a rate of {rate:e} a byte"))?);
            }
        }
    }
    bar.finish_and_clear();

    let mut session = device.start(lab, model)?;
    let deadline = Instant::now() + Duration::from_secs(arguments.noise);
    let noise_bytes = send_noise(&mut session.client, arguments.seed, |_| Instant::now() < deadline)?;
    let (record, _) = sweep(&mut session, header, records.iter().copied(), |_| {}).context("after random bytes")?;
    ensure!(record.agrees(), "wrong answers after random bytes: {record:?}");
    let sum = |count: fn(&FaultRow) -> u64| rows.iter().map(count).sum();
    Ok(LinkReport {
        device: device.name().into(),
        target: device.target(),
        core: record.core,
        not_measured: record.not_measured,
        link: match (device, lab.link) {
            (Device::Loopback, _) => "socket",
            (Device::Qemu(_), Link::Uart) => "uart",
            _ => "rtt",
        },
        damaged: sum(|row| row.damaged),
        late: sum(|row| row.late),
        answers: sum(|row| row.answers),
        wrong: sum(|row| row.wrong),
        rows,
        noise_bytes,
        noise_refused: session.client.traffic().refused,
        seconds: started.elapsed().as_secs_f64(),
    })
}
