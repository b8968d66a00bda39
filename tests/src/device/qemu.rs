//! Boards in QEMU: frames on the UART, through a socket; defmt logs by semihosting, on QEMU's standard output.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Board, DeviceError, Lab, Session};
use crate::Client;
use crate::logs::Logs;

const PROGRAM: &str = "qemu-system-arm";

/// Every emulator that runs, so that a signal can stop them.
static RUNNING: Mutex<Vec<Arc<Mutex<Child>>>> = Mutex::new(Vec::new());

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
pub struct Emulator {
    board: &'static str,
    process: Arc<Mutex<Child>>,
    logs: Logs,
    /// Socket, model and QEMU's own messages; goes with the emulator.
    folder: TempDir,
}

/// Whether `board` can be emulated here.
pub(super) fn availability(board: &'static Board, lab: &Lab) -> Result<(), DeviceError> {
    let absent = |reason| DeviceError::Absent { device: board.name, reason };
    let found = Command::new(PROGRAM).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match found {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(absent(format!("`{PROGRAM} --version` failed: {status}"))),
        Err(error) => {
            return Err(absent(format!("{PROGRAM} does not run ({error}): `cargo xtask setup` installs it")));
        }
    }
    let elf = elf_path(lab, board.name);
    if !elf.is_file() {
        let reason = format!("no firmware at {}: `cargo xtask firmware {}` builds it", elf.display(), board.name);
        return Err(absent(reason));
    }
    Ok(())
}

/// Starts `binary` on `board`, with `model` at the start of its model region.
pub(super) fn start(board: &'static Board, binary: &str, lab: &Lab, model: &[u8]) -> Result<Session, DeviceError> {
    availability(board, lab)?;
    if model.len() > board.model_capacity_bytes as usize {
        let (device, found, capacity) = (board.name, model.len(), board.model_capacity_bytes);
        return Err(DeviceError::ModelTooLarge { device, found, capacity });
    }
    let not_started = |reason| DeviceError::NotStarted { device: board.name, reason };
    launch(board, &elf_path(lab, binary), lab, model).map_err(|error| not_started(format!("{error:#}")))
}

fn launch(board: &'static Board, elf: &Path, lab: &Lab, model: &[u8]) -> anyhow::Result<Session> {
    use anyhow::Context as _;

    let symbols = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let folder = TempDir::with_prefix("prenda-").context("no temporary folder")?;
    let (socket, messages) = (folder.path().join("link"), folder.path().join("messages"));
    let listener = UnixListener::bind(&socket).with_context(|| format!("cannot listen at {}", socket.display()))?;

    let mut command = Command::new(PROGRAM);
    command.args(["-machine", board.machine, "-nodefaults", "-display", "none", "-monitor", "none"]);
    command.arg("-chardev").arg(format!("socket,id=link,path={}", escaped(&socket)));
    command.args(["-serial", "chardev:link", "-semihosting-config", "enable=on,target=native"]);
    command.arg("-kernel").arg(elf);
    if !model.is_empty() {
        let file = folder.path().join("model.bin");
        fs::write(&file, model).context("cannot write the model for the emulator")?;
        let (file, address) = (escaped(&file), board.model_address);
        command.arg("-device").arg(format!("loader,file={file},addr={address:#x},force-raw=on"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&messages)?);
    let mut process = command.spawn().with_context(|| format!("cannot run {PROGRAM}"))?;
    let output = process.stdout.take();
    let process = Arc::new(Mutex::new(process));
    lock(&RUNNING).push(Arc::clone(&process));
    let logs = Logs::collect(board.name, symbols, output)?;
    let mut emulator = Emulator { board: board.name, process, logs, folder };

    let Some(stream) = accept(&listener, &mut emulator, lab.patience)? else {
        anyhow::bail!("it did not open its UART{}", emulator.post_mortem());
    };
    stream.set_read_timeout(Some(lab.patience))?;
    stream.set_write_timeout(Some(lab.patience))?;
    Ok(Session { client: Client::new(stream), emulator: Some(emulator) })
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
        if emulator.ended().is_some() || Instant::now() > deadline {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

impl Emulator {
    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        lock(&self.process).try_wait().ok().flatten()
    }

    /// How the process ended, waiting for it for at most `patience`.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            let status = self.ended();
            if status.is_some() || Instant::now() > deadline {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The firmware's log lines so far. Complete once the process has ended.
    #[must_use]
    pub fn logs(&mut self) -> Vec<String> {
        if self.ended().is_some() {
            self.logs.finish();
        }
        self.logs.lines()
    }

    /// Ends the process now.
    pub fn kill(&mut self) {
        kill(&self.process);
    }

    /// How the emulator ended, what it said, and the firmware's last words.
    pub(super) fn post_mortem(&mut self) -> String {
        let mut text = match self.wait(Duration::from_millis(500)) {
            Some(status) => format!("; the emulator of {} ended with {status}", self.board),
            None => format!("; the emulator of {} still runs", self.board),
        };
        let mut messages = String::new();
        if let Ok(mut file) = File::open(self.folder.path().join("messages")) {
            // Whatever can be read is better than nothing.
            let _ = file.read_to_string(&mut messages);
        }
        for line in messages.lines().chain(self.logs().iter().map(String::as_str)) {
            text.push_str("\n    ");
            text.push_str(line);
        }
        text
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.kill();
        lock(&RUNNING).retain(|process| !Arc::ptr_eq(process, &self.process));
        self.logs.finish();
    }
}

/// Ends every emulator that this process has started: for a handler of signals.
pub fn stop_all() {
    for process in lock(&RUNNING).iter() {
        kill(process);
    }
}

fn kill(process: &Mutex<Child>) {
    let mut process = lock(process);
    // It may be gone already, which is as well.
    let _ = process.kill();
    let _ = process.wait();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn elf_path(lab: &Lab, binary: &str) -> PathBuf {
    lab.firmware.join(format!("{binary}.elf"))
}

/// A path as an option of QEMU's, where a comma is written twice.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}
