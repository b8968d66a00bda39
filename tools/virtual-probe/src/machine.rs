//! A QEMU process that emulates a board: starts it with only the devices that are used, and reports
//! its messages after its end.

mod options;

use std::env;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use thiserror::Error;

pub use options::{MachineOptions, Uart};

use crate::{EmulatorError, Gdb, Killer, Memory, Monitor, Process};

/// The default program: QEMU for Arm's boards.
pub const QEMU: &str = "qemu-system-arm";

/// Bytes of an emulator's messages that are reported: the first ones name the error.
const MAX_MESSAGE_BYTES: u64 = 16 << 10;

/// The reason why a machine does not start.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "the messages describe the variants and their fields")]
pub enum MachineError {
    #[error("cannot run {program} ({reason}); install it (Debian: {program})")]
    NotInstalled { program: String, reason: io::Error },
    #[error("`{program} --version` {reason}; install it again")]
    Unusable { program: String, reason: String },
    #[error("cannot use the temporary folder {}: {reason}; set TMPDIR to another, with a short path", folder.display())]
    Folder { folder: PathBuf, reason: io::Error },
    #[error("the emulator of {machine} did not open its {link}{post_mortem}")]
    NotStarted { machine: String, link: &'static str, post_mortem: String },
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
}

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
pub struct Machine {
    /// The memory, which can be accessed while the core runs.
    pub memory: Memory,
    /// The first serial port, if [`Uart::Stream`] was requested.
    pub uart: Option<UnixStream>,
    /// The core and the monitor, if the machine is [debugged](MachineOptions::debugged).
    pub(crate) debug: Option<(Gdb, Monitor)>,
    machine: String,
    process: Process,
}

/// Checks that the QEMU named `program` can be run.
///
/// # Errors
///
/// Returns [`MachineError`] if it is not installed, fails, or does not end within `patience`.
pub fn check_emulator(program: &str, patience: Duration) -> Result<(), MachineError> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process::spawn(&mut command, temporary_folder()?).map_err(not_installed(program))?;
    let unusable = |reason| Err(MachineError::Unusable { program: program.to_owned(), reason });
    match process.wait(patience) {
        Some(status) if status.success() => Ok(()),
        Some(status) => unusable(format!("failed: {status}")),
        None => unusable(format!("does not end within {patience:?}")),
    }
}

impl Machine {
    /// Waits at most `patience` for the process to end; returns its exit status.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        self.process.wait(patience)
    }

    /// Returns the machine's temporary folder, which is removed with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    /// Returns a handle that ends the process.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.process.killer()
    }

    /// Returns the exit status and messages of the emulator, to append to an error message.
    #[must_use]
    pub fn post_mortem(&self) -> String {
        post_mortem(&self.machine, &self.process)
    }
}

fn post_mortem(machine: &str, process: &Process) -> String {
    let mut text = match process.wait(Duration::from_millis(500)) {
        Some(status) => format!("; the emulator of {machine} ended with {status}"),
        None => format!("; the emulator of {machine} still runs"),
    };
    let mut messages = Vec::new();
    if let Ok(file) = File::open(process.folder().join("messages")) {
        // After an error the part that was read is still useful.
        let _ = file.take(MAX_MESSAGE_BYTES).read_to_end(&mut messages);
    }
    // QEMU warns at every start that the board's network chip is not connected, which is intended.
    for line in String::from_utf8_lossy(&messages).lines().filter(|line| !line.contains("lan9118")) {
        text.push_str("\n    ");
        text.extend(line.chars().filter(|character| !character.is_control()));
    }
    text
}

fn temporary_folder() -> Result<TempDir, MachineError> {
    TempDir::with_prefix("prenda-").map_err(|reason| MachineError::Folder { folder: env::temp_dir(), reason })
}

fn not_installed(program: &str) -> impl Fn(io::Error) -> MachineError {
    move |reason| MachineError::NotInstalled { program: program.to_owned(), reason }
}

fn listen(folder: &Path, name: &str) -> Result<UnixListener, MachineError> {
    let socket = folder.join(name);
    UnixListener::bind(&socket).map_err(|reason| MachineError::Folder { folder: socket, reason })
}

/// Waits for QEMU to connect; returns `None` if it ends before or misses the deadline.
fn accept(listener: &UnixListener, process: &Process, deadline: Instant) -> io::Result<Option<UnixStream>> {
    listener.set_nonblocking(true)?;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(Some(stream));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if process.wait(Duration::ZERO).is_some() || Instant::now() > deadline {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_messages_of_an_emulator_are_reported() {
        let folder = temporary_folder().unwrap();
        let messages = b"no such \x1b[31mmachine\nlan9118\n\xff\n".repeat(1 << 16);
        std::fs::write(folder.path().join("messages"), &messages).unwrap();
        let process = Process::spawn(Command::new("sleep").arg("60"), folder).unwrap();
        let text = post_mortem("none", &process);
        assert!(
            text.starts_with("; the emulator of none still runs\n    no such [31mmachine\n    \u{fffd}\n"),
            "{text}"
        );
        assert!(text.len() < 3 * MAX_MESSAGE_BYTES as usize);
    }
}
