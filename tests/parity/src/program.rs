//! Pieces that the programs share: signals, exit codes, reading and printing.

use std::io::{ErrorKind, Write as _, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use boards::Board;
use clap::Args;
use host_support::errors::chain;
use host_support::numbers::whole;
use host_support::{bounded, files};
use prenda::{AnswersHeader, Model, Record};

use crate::{Device, Lab, Link, device};

/// Most bytes read from a file, since a file can be endless.
const MAX_BYTES: u64 = 4 << 30;

/// Runs a program. The exit code is 0 only if `work` returns true, and 128 plus the signal's number
/// after a signal.
pub fn exit_code(work: impl FnOnce() -> anyhow::Result<bool>) -> ExitCode {
    device::stop_all_at_signals();
    match work() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Standard error may be closed.
            let _ = writeln!(stderr(), "error: {}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// The settings with which a program starts devices.
#[derive(Debug, Args)]
pub struct LabArguments {
    /// Folder with one BOARD.elf for each board, as `cargo xtask firmware` writes it, and the page
    /// wasm.html.
    #[arg(long, value_name = "DIR", default_value = "target/prenda/firmware")]
    firmware: PathBuf,
    /// The path of frames to emulated boards.
    #[arg(long, value_enum, default_value_t)]
    link: Link,
    /// The debug probe for hardware boards, VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL, as `probe-rs
    /// list` shows it [default: PROBE_RS_PROBE in the environment, or the only one connected]
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
    /// Seconds of silence after which a device counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = device::PATIENCE.as_secs(),
        value_parser = whole::<u64>(1..=3600))]
    patience: u64,
}

impl LabArguments {
    /// Returns the settings. The device's log lines are printed.
    #[must_use]
    pub fn lab(&self) -> Lab {
        Lab {
            firmware: self.firmware.clone(),
            link: self.link,
            instruction_shift: None,
            probe: self.probe.clone().or_else(|| std::env::var("PROBE_RS_PROBE").ok()),
            patience: Duration::from_secs(self.patience),
            show_logs: true,
            emulator_arguments: Vec::new(),
        }
    }
}

/// Parses a device's name on a command line.
///
/// # Errors
///
/// Returns a message with all names if the name is unknown.
pub fn parse_device(name: &str) -> Result<Device, String> {
    boards::all().map_err(|error| error.to_string())?;
    Device::by_name(name).ok_or_else(|| {
        let names: Vec<_> = Device::all().map(Device::name).collect();
        format!("unknown device; expected one of: {}", names.join(", "))
    })
}

/// Parses the name of an emulated board on a command line.
///
/// # Errors
///
/// Returns a message with all names if the name is unknown.
pub fn parse_emulated(name: &str) -> Result<&'static Board, String> {
    boards::all().map_err(|error| error.to_string())?;
    let emulated = || Device::all().filter(|device| matches!(device, Device::Qemu(_))).filter_map(Device::board);
    emulated().find(|board| board.name == name).ok_or_else(|| {
        let names: Vec<_> = emulated().map(|board| board.name.as_str()).collect();
        format!("unknown emulated board; expected one of: {}", names.join(", "))
    })
}

/// Prints a line on standard output; a closed pipe is ignored.
///
/// # Errors
///
/// Returns an error if it cannot be written.
pub fn print_line(line: &str) -> anyhow::Result<()> {
    match writeln!(stdout(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Reads a model or an answers file.
///
/// # Errors
///
/// Returns an error if it cannot be read, is not a regular file, or is larger than 4 GiB.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    bounded::read(path, MAX_BYTES).with_context(|| format!("cannot read {}", path.display()))
}

/// A model's file, and the file with the host's answers for it.
#[derive(Debug)]
pub struct Inputs {
    model_path: PathBuf,
    answers_path: PathBuf,
    /// The model's bytes.
    pub model: Vec<u8>,
    answers: Vec<u8>,
}

impl Inputs {
    /// Reads both files.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`read`] and [`parse`](Self::parse).
    pub fn read(model_path: &Path, answers_path: &Path) -> anyhow::Result<Self> {
        let (model, answers) = (read(model_path)?, read(answers_path)?);
        let inputs = Self { model_path: model_path.into(), answers_path: answers_path.into(), model, answers };
        inputs.parse(1).map(drop)?;
        Ok(inputs)
    }

    /// Parses the model, the header of the answers, and at most the first `images` records.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is invalid, there are no images, or they are for another model.
    pub fn parse(&self, images: usize) -> anyhow::Result<(Model<'_>, AnswersHeader, Vec<Record<'_>>)> {
        let (model_path, answers_path) = (self.model_path.display(), self.answers_path.display());
        let model = Model::parse(&self.model)
            .with_context(|| format!("cannot use {model_path}; export it again with `host-trainer train --export`"))?;
        let (header, records) = AnswersHeader::parse(&self.answers).with_context(|| answers_path.to_string())?;
        ensure!(
            header.model == model.id(),
            "{answers_path} holds the answers of model {}, but {model_path} is model {}; run `host-trainer evaluate \
             --answers` again",
            header.model,
            model.id()
        );
        ensure!(
            (header.inputs as usize, usize::from(header.classes)) == (model.input_width(), model.classes()),
            "{answers_path}: found {} pixels and {} classes, expected {} and {} as in {model_path}; run `host-trainer \
             evaluate --answers` again",
            header.inputs,
            header.classes,
            model.input_width(),
            model.classes()
        );
        ensure!(
            usize::from(header.networks) == model.networks().len(),
            "{answers_path}: number of networks: found {}, expected {} as in {model_path}; run `host-trainer evaluate \
             --answers` again",
            header.networks,
            model.networks().len()
        );
        let records: Vec<_> = records.take(images).collect();
        ensure!(!records.is_empty(), "{answers_path} has no images; run `host-trainer evaluate --answers`");
        Ok((model, header, records))
    }
}

/// Writes a file whole or not at all.
///
/// # Errors
///
/// Returns an error if it cannot be written; an old file then stays as it was.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    Ok(files::write(path, content.as_ref())?)
}

/// Checks that a file at `path` can be written.
///
/// # Errors
///
/// Returns an error if it cannot.
pub fn check_writable(path: &Path) -> anyhow::Result<()> {
    Ok(files::check_writable(path)?)
}
