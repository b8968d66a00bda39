//! Boards in QEMU: frames on the UART, through a socket; defmt logs by semihosting, on QEMU's standard output.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use object::{Object as _, ObjectSymbol as _};
use tempfile::TempDir;
use virtual_probe::{Killer, Process};

use super::{DeviceError, Lab, Session};
use crate::Client;
use crate::logs::Logs;

const PROGRAM: &str = "qemu-system-arm";

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
pub struct Emulator {
    board: &'static str,
    process: Process,
    logs: Logs,
}

/// Whether `board` can be emulated here.
pub(super) fn availability(board: &'static str, lab: &Lab) -> Result<(), DeviceError> {
    let absent = |reason| DeviceError::Absent { device: board, reason };
    match version_check(lab.patience) {
        Ok(Some(status)) if status.success() => {}
        Ok(Some(status)) => return Err(absent(format!("`{PROGRAM} --version` failed: {status}"))),
        Ok(None) => return Err(absent(format!("`{PROGRAM} --version` does not end"))),
        Err(error) => {
            return Err(absent(format!("{PROGRAM} does not run ({error}): `cargo xtask setup` installs it")));
        }
    }
    let elf = elf_path(lab, board);
    if !elf.is_file() {
        let reason = format!("no firmware at {}: `cargo xtask firmware {}` builds it", elf.display(), board);
        return Err(absent(reason));
    }
    Ok(())
}

/// How `--version` ends: nothing where it does not within `patience`.
fn version_check(patience: Duration) -> io::Result<Option<ExitStatus>> {
    let mut command = Command::new(PROGRAM);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (process, _) = Process::spawn(&mut command, TempDir::new()?)?;
    Ok(process.wait(patience))
}

/// Starts `binary` on `board`, with `model` at the start of its model region.
pub(super) fn start(board: &'static str, binary: &str, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
    let not_started = |error: anyhow::Error| DeviceError::NotStarted { device: board, reason: format!("{error:#}") };
    let path = elf_path(lab, binary);
    let elf = fs::read(&path).with_context(|| format!("cannot read {}", path.display())).map_err(not_started)?;
    let region = model_region(&elf).with_context(|| path.display().to_string()).map_err(not_started)?;
    if model.len() as u64 > region.end - region.start {
        let (found, capacity) = (model.len(), region.end - region.start);
        return Err(DeviceError::ModelTooLarge { device: board, found, capacity });
    }
    launch(board, &path, elf, region.start, lab, model).map_err(not_started)
}

fn launch(
    board: &'static str,
    path: &Path,
    elf: Vec<u8>,
    model_address: u64,
    lab: &Lab,
    model: &[u8],
) -> anyhow::Result<Session> {
    let folder = TempDir::with_prefix("prenda-")
        .with_context(|| format!("no temporary folder in {}; set TMPDIR to another", env::temp_dir().display()))?;
    let (socket, messages) = (folder.path().join("link"), folder.path().join("messages"));
    let listener = UnixListener::bind(&socket)
        .with_context(|| format!("cannot listen at {}; set TMPDIR to a shorter path", socket.display()))?;

    let mut command = Command::new(PROGRAM);
    command.args(["-machine", board, "-nodefaults", "-nic", "none", "-display", "none", "-monitor", "none"]);
    // Multiplexed although nothing shares it: the multiplexer's 32 bytes of buffer feed the UART, which has one, three
    // times as fast. Its escape character is set to what no byte can be.
    command.arg("-chardev").arg(format!("socket,id=link,mux=on,path={}", escaped(&socket)));
    command.args(["-echr", "0x100", "-serial", "chardev:link"]);
    command.args(["-semihosting-config", "enable=on,target=native"]);
    command.arg("-kernel").arg(path);
    if !model.is_empty() {
        let file = folder.path().join("model.bin");
        fs::write(&file, model).context("cannot write the model for the emulator")?;
        let file = escaped(&file);
        command.arg("-device").arg(format!("loader,file={file},addr={model_address:#x},force-raw=on"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&messages)?);
    let (process, output) = Process::spawn(&mut command, folder).with_context(|| format!("cannot run {PROGRAM}"))?;
    let logs = Logs::collect(board, &elf, output, lab.show_logs)?;
    let mut emulator = Emulator { board, process, logs };

    let Some(stream) = accept(&listener, &mut emulator, lab.patience)? else {
        anyhow::bail!("it did not open its UART{}", emulator.post_mortem());
    };
    stream.set_read_timeout(Some(lab.patience))?;
    stream.set_write_timeout(Some(lab.patience))?;
    Ok(Session { client: Client::new(stream, lab.patience), emulator: Some(emulator) })
}

/// The connection that QEMU makes, or nothing where it ends before or takes too long.
fn accept(listener: &UnixListener, emulator: &mut Emulator, patience: Duration) -> io::Result<Option<UnixStream>> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + patience;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(Some(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if emulator.process.wait(Duration::ZERO).is_some() || Instant::now() > deadline {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl Emulator {
    /// How the process ended, waiting for that for at most `patience`.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        self.process.wait(patience)
    }

    /// The firmware's log lines so far. Complete once the process has ended.
    #[must_use]
    pub fn logs(&mut self) -> Vec<String> {
        if self.wait(Duration::ZERO).is_some() {
            self.logs.finish();
        }
        self.logs.lines()
    }

    /// What ends the process, for those who do not own it.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.process.killer()
    }

    /// How the emulator ended, what it said, and the firmware's last words.
    pub(super) fn post_mortem(&mut self) -> String {
        let mut text = match self.wait(Duration::from_millis(500)) {
            Some(status) => format!("; the emulator of {} ended with {status}", self.board),
            None => format!("; the emulator of {} still runs", self.board),
        };
        let mut messages = String::new();
        if let Ok(mut file) = File::open(self.process.folder().join("messages")) {
            // Whatever can be read is better than nothing.
            let _ = file.read_to_string(&mut messages);
        }
        // Log lines that were shown as they came need no repeating.
        let logs = if self.logs.are_shown() { Vec::new() } else { self.logs() };
        // Said at every start: the board's network is not connected to anything, on purpose.
        let messages = messages.lines().filter(|line| !line.contains("lan9118"));
        for line in messages.chain(logs.iter().map(String::as_str)) {
            text.push_str("\n    ");
            text.push_str(line);
        }
        text
    }
}

fn elf_path(lab: &Lab, binary: &str) -> PathBuf {
    lab.firmware.join(format!("{binary}.elf"))
}

/// The addresses of the model's flash region, as the board's `memory.x` lays it out.
fn model_region(elf: &[u8]) -> anyhow::Result<Range<u64>> {
    let elf = object::File::parse(elf).context("not an ELF")?;
    let address = |name| elf.symbol_by_name(name).map(|symbol| symbol.address()).with_context(|| format!("no {name}"));
    Ok(address("_model_start")?..address("_model_end")?)
}

/// A path as an option of QEMU's, where a comma is written twice.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}
