//! QEMU as a board: started with nothing but what is used, and told of by its last words when it is
//! gone.

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

/// The program for Arm's boards, which is the one that is started unless another is named.
pub const QEMU: &str = "qemu-system-arm";

/// Bytes of what an emulator said that are told: its first words say what is wrong.
const MAX_MESSAGE_BYTES: u64 = 16 << 10;

/// Why there is no machine.
#[derive(Debug, Error)]
pub enum MachineError {
    /// QEMU is not installed, or cannot be run.
    #[error("{program} does not run ({reason}): install it (Debian: {program})")]
    NotInstalled {
        /// The program.
        program: String,
        /// Why not.
        reason: io::Error,
    },
    /// QEMU runs, but not as it should.
    #[error("`{program} --version` {reason}: install it anew")]
    Unusable {
        /// The program.
        program: String,
        /// What happened.
        reason: String,
    },
    /// There is no place for its sockets and files.
    #[error("cannot use the temporary folder {}: {reason}; set TMPDIR to another, with a short path", folder.display())]
    Folder {
        /// The folder, or the socket in it.
        folder: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// It ended, or did not come up.
    #[error("the emulator of {machine} did not open its {link}{post_mortem}")]
    NotStarted {
        /// QEMU's name of the machine.
        machine: String,
        /// The first of its connections that is missing.
        link: &'static str,
        /// How it ended, and what it said.
        post_mortem: String,
    },
    /// It came up, but does not answer.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
}

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
pub struct Machine {
    /// Its memory, also while the core runs.
    pub memory: Memory,
    /// The first serial port, where [`Uart::Stream`] was asked for.
    pub uart: Option<UnixStream>,
    /// The core and the monitor, where the machine is [debugged](MachineOptions::debugged).
    pub debug: Option<(Gdb, Monitor)>,
    machine: String,
    process: Process,
}

/// Whether QEMU, by the name of its program, can be run here, which is known within `patience`.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_emulator(program: &str, patience: Duration) -> Result<(), MachineError> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process::spawn(&mut command, temporary_folder()?).map_err(not_installed(program))?;
    let unusable = |reason| Err(MachineError::Unusable { program: program.to_owned(), reason });
    match process.wait(patience) {
        Some(status) if status.success() => Ok(()),
        Some(status) => unusable(format!("failed: {status}")),
        None => unusable("does not end".to_owned()),
    }
}

impl Machine {
    /// How the process ended, waiting for that for at most `patience`.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        self.process.wait(patience)
    }

    /// A folder for files of the machine's, which is removed with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    /// What ends the process, for those who do not own it.
    #[must_use]
    pub fn killer(&self) -> Killer {
        self.process.killer()
    }

    /// How the emulator ended, if it did, and what it said: text to be put behind an error's.
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
        // Whatever can be read is better than nothing; one that still runs may go on writing.
        let _ = file.take(MAX_MESSAGE_BYTES).read_to_end(&mut messages);
    }
    // Said at every start: the board's network is not connected to anything, on purpose.
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

/// The connection that QEMU makes, or nothing where it ends before or takes too long.
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
    fn of_an_emulator_that_says_without_end_the_first_words_are_told() {
        let folder = temporary_folder().unwrap();
        let said = b"no such \x1b[31mmachine\nlan9118\n\xff\n".repeat(1 << 16);
        std::fs::write(folder.path().join("messages"), &said).unwrap();
        let process = Process::spawn(Command::new("sleep").arg("60"), folder).unwrap();
        let text = post_mortem("none", &process);
        assert!(
            text.starts_with("; the emulator of none still runs\n    no such [31mmachine\n    \u{fffd}\n"),
            "{text}"
        );
        assert!(text.len() < 3 * MAX_MESSAGE_BYTES as usize);
    }
}
