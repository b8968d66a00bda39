//! `link`: devices behind a bad line, by hand, or from `cargo xtask check link`.

#![forbid(unsafe_code)]

mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use parity::program::{exit_code, parse_device, print_line, read};
use parity::{Device, Echo, Fault, Lab, Link, Ordeal, Plan, Row, send_noise, sweep};
use serde::Serialize;
use shared_model::{AnswersHeader, Record};

/// Probabilities of a fault, for each byte.
const RATES: [f64; 6] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];

/// Up to this one a frame with a image of hundreds of pixels has a chance; beyond it images
/// have two.
const MAX_FOR_LARGE_FRAMES: f64 = 1e-3;

/// For so many times fewer frames that are late than damaged ones: these take time.
const LATE_SHARE: u64 = 10;

/// Damages what goes over the link to a device and back, in every way and at every rate, and holds
/// every answer that is taken against the host's.
///
/// Exit code 0 only if no wrong answer was taken, all came to their end, and the device answered
/// afterwards.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Devices: `loopback`, BOARD in QEMU, probe-BOARD behind a debug probe.
    #[arg(value_name = "DEVICE", value_parser = parse_device, required = true)]
    devices: Vec<Device>,
    /// The model, and what the host computes with it: for rates at which its frames have a chance.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// What `host-trainer evaluate --answers` wrote for that model.
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Folder with the firmware, one BOARD.elf for each board.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// How frames reach emulated boards.
    #[arg(long, value_enum, default_value_t)]
    link: Link,
    /// Goes on with each kind and rate until so many frames are damaged, or so many images
    /// answered.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    damaged: u64,
    /// Then sends random bytes for so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    noise: u64,
    /// Where the faults and the random bytes come from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Seconds that an answer may take, all attempts together: at the worst rate a hello is
    /// answered once in hundreds of attempts.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    patience: u64,
    /// Prints one JSON array on standard output instead of tables.
    #[arg(long)]
    json: bool,
}

/// What one device went through. The names are stable: programs read them.
#[derive(Debug, Serialize)]
struct Report {
    device: String,
    link: &'static str,
    rows: Vec<Row>,
    /// Frames damaged, in all.
    damaged: u64,
    /// Frames late and otherwise whole, in all.
    late: u64,
    /// Answers to images that were taken, in all.
    answers: u64,
    /// Values in them that are not the host's.
    wrong: u64,
    /// Random bytes sent after all that.
    noise_bytes: u64,
    /// Refusals of these.
    noise_refused: u64,
    seconds: f64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| run(&arguments))
}

/// Whether no wrong answer was taken from any device.
fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let lab = Lab {
        firmware: arguments.firmware.clone(),
        link: arguments.link,
        instruction_shift: None,
        probe: std::env::var("PROBE_RS_PROBE").ok(),
        patience: Duration::from_secs(arguments.patience),
        show_logs: false,
    };
    let model = read(&arguments.model)?;
    let answers = read(&arguments.answers)?;
    let (header, records) = AnswersHeader::parse(&answers).with_context(|| arguments.answers.display().to_string())?;
    let records: Vec<_> = records.collect();
    ensure!(!records.is_empty(), "{} holds no pictures", arguments.answers.display());
    let mut reports = Vec::new();
    for device in &arguments.devices {
        let report = try_device(*device, &lab, arguments, &model, &header, &records)
            .with_context(|| format!("{} failed", device.name()))?;
        if !arguments.json {
            print_line(&table::of(&report))?;
        }
        reports.push(report);
    }
    if arguments.json {
        print_line(&serde_json::to_string(&reports)?)?;
    }
    Ok(reports.iter().all(|report| report.answers > 0 && report.wrong == 0))
}

fn try_device(
    device: Device,
    lab: &Lab,
    arguments: &Arguments,
    model: &[u8],
    header: &AnswersHeader,
    records: &[Record<'_>],
) -> anyhow::Result<Report> {
    let started = Instant::now();
    device.availability(lab)?;
    let echo = Echo::new()?;
    let echoes: Vec<_> = echo.records().collect();
    let harmed_of = |kinds: &[Fault]| arguments.damaged.div_ceil(if kinds == [Fault::Delay] { LATE_SHARE } else { 1 });
    let style = ProgressStyle::with_template("{prefix:12} {wide_bar} {pos}/{len} frames, {elapsed}, {msg}")?;
    let bar = ProgressBar::new(RATES.len() as u64 * Fault::selections().map(harmed_of).sum::<u64>())
        .with_style(style)
        .with_prefix(device.name());
    let mut rows = Vec::new();
    let (small, large): (Vec<_>, Vec<_>) = RATES.into_iter().partition(|rate| *rate > MAX_FOR_LARGE_FRAMES);
    for (rates, model, header, records) in
        [(large, model, header, records), (small, &echo.model, &echo.header, &echoes)]
    {
        let mut ordeal = Ordeal::new(device.start(lab, model)?);
        for rate in rates {
            for kinds in Fault::selections() {
                let name = Fault::name_of(kinds);
                bar.set_message(format!("{name} at {rate:e}"));
                let plan = Plan {
                    kinds,
                    rate,
                    seed: arguments.seed.wrapping_add(rows.len() as u64),
                    harmed: harmed_of(kinds),
                };
                let before = bar.position();
                let row = ordeal.endure(&plan, header, records, |harmed| bar.set_position(before + harmed));
                rows.push(row.with_context(|| format!("{name} at a rate of {rate:e} a byte"))?);
            }
        }
    }
    bar.finish_and_clear();

    let mut session = device.start(lab, model)?;
    let deadline = Instant::now() + Duration::from_secs(arguments.noise);
    let noise_bytes = send_noise(&mut session.client, arguments.seed, |_| Instant::now() < deadline)?;
    let (outcome, _) = sweep(&mut session, header, records.iter().copied(), |_| {}).context("after random bytes")?;
    ensure!(outcome.agrees(), "wrong answers after random bytes: {outcome:?}");
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum();
    Ok(Report {
        device: device.name().into(),
        link: link_of(device, lab.link),
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

/// What carries the frames.
fn link_of(device: Device, link: Link) -> &'static str {
    match (device, link) {
        (Device::Loopback, _) => "socket",
        (Device::Qemu(_), Link::Uart) => "uart",
        _ => "rtt",
    }
}
