//! `ask`: one image after another on one device, for `cargo xtask ask`.

#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::io::{BufRead, Read as _, stdin};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use parity::program::{Inputs, LabArguments, exit_code, parse_device, print_line, read};
use parity::{Device, Lab, Scale, Session, Target, Unit, sweep};
use prenda::Model;
use serde::Serialize;

/// Longest line of input, in bytes: a path.
const MAX_LINE: u64 = 4096;

/// Sends single images to a device, and prints its answers next to the host's as JSON.
///
/// Starts the device and prints a line about it. Each line of standard input is the path of an
/// answers file of one image, from `host-trainer predict --answers`, and gives another line. The
/// device keeps running, so a hardware board is flashed once. The exit code is 0 only if nothing
/// differs.
#[derive(Debug, Parser)]
#[command(name = "ask", version)]
struct Arguments {
    /// `loopback`, BOARD in QEMU, or probe-BOARD through a debug probe, which flashes it.
    #[arg(value_name = "DEVICE", value_parser = parse_device)]
    device: Device,
    /// The model, as `host-trainer train --export` writes it.
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    #[command(flatten)]
    lab: LabArguments,
}

/// The device and its model. The JSON keys are stable.
#[derive(Debug, Serialize)]
struct Introduced<'a> {
    device: &'static str,
    core: String,
    target: Target,
    model_id: String,
    /// Number of networks; more than one in a cascade.
    networks: usize,
    columns: u16,
    channels: u16,
    class_names: Vec<&'a str>,
    /// The unit of `count`; `None` if the device cannot count.
    unit: Option<Unit>,
}

/// One image. The JSON keys are stable.
#[derive(Debug, Serialize)]
struct Asked<'a> {
    pixels: &'a [u8],
    /// True if no value differs.
    agree: bool,
    host: Outputs,
    device: Outputs,
    /// Instructions of an emulated core or cycles of a board, for one inference.
    count: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Outputs {
    class: u16,
    /// The network that answered, from 0.
    network: u8,
    /// With 16 fractional bits.
    logits: Vec<i32>,
    /// With 15 fractional bits.
    probabilities: Vec<u16>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(|| run(&arguments))
}

/// Answers every line of the input; returns true if nothing differs.
fn run(Arguments { device, model, lab }: &Arguments) -> anyhow::Result<bool> {
    let bytes = read(model)?;
    let view = Model::parse(&bytes).with_context(|| {
        format!("cannot use {}; export it again with `host-trainer train --export`", model.display())
    })?;
    let lab = Lab { instruction_shift: device.instruction_shift(), ..lab.lab() };
    device.availability(&lab)?;
    let mut session = device.start(&lab, &bytes)?;
    let (core, scale) = introduce(&mut session, &view)
        .map_err(|error| error.context(format!("{} failed{}", device.name(), session.post_mortem())))?;
    let introduced = Introduced {
        device: device.name(),
        core,
        target: device.target(),
        model_id: view.id().to_string(),
        networks: view.networks().len(),
        columns: view.image().columns,
        channels: view.image().channels,
        class_names: view.class_names().collect(),
        unit: scale.as_ref().map(|scale| scale.unit),
    };
    print_line(&serde_json::to_string(&introduced)?)?;

    let mut is_equal = true;
    let mut input = stdin().lock();
    while let Some(answers) = next_path(&mut input)? {
        is_equal &= ask(&mut session, scale.as_ref(), model, &answers)?;
    }
    Ok(is_equal)
}

/// Checks the device's model; returns its core and, if it counts, its calibrated counter.
fn introduce(session: &mut Session, view: &Model<'_>) -> anyhow::Result<(String, Option<Scale>)> {
    let device = session.device;
    let introduction = session.client.hello_with(view.id())?;
    let scale = device.counts().then(|| Scale::calibrate(&mut session.client, device.instruction_shift()));
    Ok((introduction.core, scale.transpose()?))
}

/// Reads the path in the next line; returns `None` at the end of the input.
fn next_path(input: &mut impl BufRead) -> anyhow::Result<Option<PathBuf>> {
    let mut line = Vec::new();
    input.take(MAX_LINE).read_until(b'\n', &mut line).context("cannot read standard input")?;
    ensure!(
        (line.len() as u64) < MAX_LINE,
        "standard input: found a line of {MAX_LINE} bytes or more, expected a path"
    );
    let path = line.strip_suffix(b"\n").unwrap_or(&line);
    Ok((!line.is_empty()).then(|| OsStr::from_bytes(path).into()))
}

/// Compares one image and prints both answers; returns true if nothing differs.
fn ask(session: &mut Session, scale: Option<&Scale>, model: &Path, answers: &Path) -> anyhow::Result<bool> {
    let name = session.device.name();
    let inputs = Inputs::read(model, answers)?;
    let (_, header, records) = inputs.parse(usize::MAX)?;
    let [record] = records[..] else {
        let (file, images) = (answers.display(), header.images);
        bail!("{file}: found {images} images, expected 1; `cargo xtask parity` compares many")
    };
    let failed = || format!("{name} failed");
    let (parity, answer) = sweep(session, &header, [record], |_| {}).with_context(failed)?;
    let answer = answer.with_context(|| format!("{name} gave no answer"))?;
    let count = scale.map(|scale| anyhow::Ok(scale.counts(&session.client.measure(record.pixels)?).total));
    let asked = Asked {
        pixels: record.pixels,
        agree: parity.agrees(),
        host: Outputs::new(record.class, record.network, record.logits, record.probabilities),
        device: Outputs::new(answer.class, answer.network, &answer.logits, &answer.probabilities),
        count: count.transpose().with_context(failed)?,
    };
    print_line(&serde_json::to_string(&asked)?)?;
    Ok(asked.agree)
}

impl Outputs {
    /// Reads little-endian logits and probabilities.
    fn new(class: u16, network: u8, logits: &[u8], probabilities: &[u8]) -> Self {
        let logits = logits.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
        let probabilities = probabilities.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
        Self { class, network, logits, probabilities }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_path_of_bounded_length() {
        let mut input = &b"a b.bin\n/\xff\nlast"[..];
        let mut paths = Vec::new();
        while let Some(path) = next_path(&mut input).unwrap() {
            paths.push(path);
        }
        assert_eq!(paths, [Path::new("a b.bin"), Path::new(OsStr::from_bytes(b"/\xff")), Path::new("last")]);
        let error = next_path(&mut &[b'x'; 5000][..]).unwrap_err().to_string();
        assert!(error.contains("4096 bytes"), "{error}");
    }
}
