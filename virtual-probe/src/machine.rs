//! QEMU as a board: started with nothing but what is used, and told of by its last words when it is gone.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use thiserror::Error;

use crate::{EmulatorError, Gdb, Killer, Memory, Monitor, Process};

/// The program.
pub const QEMU: &str = "qemu-system-arm";

/// Why there is no machine.
#[derive(Debug, Error)]
pub enum MachineError {
    /// QEMU is not installed, or cannot be run.
    #[error("{QEMU} does not run ({reason}): install it (Debian: qemu-system-arm)")]
    NotInstalled {
        /// Why not.
        reason: io::Error,
    },
    /// QEMU runs, but not as it should.
    #[error("`{QEMU} --version` {reason}: install it anew")]
    Unusable {
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

/// Where the board's first serial port goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Uart {
    /// Nowhere.
    #[default]
    None,
    /// To [`Machine::uart`].
    Stream,
    /// To whoever connects to this Unix socket.
    At(PathBuf),
}

/// Which machine to start, and how.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    machine: String,
    patience: Duration,
    kernel: Option<PathBuf>,
    images: Vec<(u64, Vec<u8>)>,
    semihosting: bool,
    uart: Uart,
    debugged: bool,
    arguments: Vec<OsString>,
}

/// A running QEMU. Dropping it ends the process.
#[derive(Debug)]
pub struct Machine {
    /// Its memory, also while the core runs.
    pub memory: Memory,
    /// The first serial port, where [`Uart::Stream`] was asked for.
    pub uart: Option<UnixStream>,
    /// What semihosting by QEMU writes.
    pub output: Option<ChildStdout>,
    /// The core and the monitor, where the machine is [debugged](MachineOptions::debugged).
    pub debug: Option<(Gdb, Monitor)>,
    machine: String,
    process: Process,
}

/// Whether QEMU can be run here, which is known within `patience`.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_emulator(patience: Duration) -> Result<(), MachineError> {
    let mut command = Command::new(QEMU);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (process, _) = Process::spawn(&mut command, temporary_folder()?).map_err(not_installed)?;
    match process.wait(patience) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(MachineError::Unusable { reason: format!("failed: {status}") }),
        None => Err(MachineError::Unusable { reason: "does not end".to_owned() }),
    }
}

impl MachineOptions {
    /// A machine by QEMU's name, with nothing in its memory and nothing connected to it.
    #[must_use]
    pub fn new(machine: &str) -> Self {
        Self {
            machine: machine.to_owned(),
            patience: Duration::from_secs(20),
            kernel: None,
            images: Vec::new(),
            semihosting: false,
            uart: Uart::None,
            debugged: false,
            arguments: Vec::new(),
        }
    }

    /// How long it may take to come up, and to answer: 20 seconds by default.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// An ELF that QEMU loads, again at each reset.
    #[must_use]
    pub fn kernel(mut self, path: &Path) -> Self {
        self.kernel = Some(path.to_owned());
        self
    }

    /// Bytes that QEMU loads at `address`, again at each reset.
    #[must_use]
    pub fn image(mut self, address: u64, bytes: &[u8]) -> Self {
        self.images.push((address, bytes.to_owned()));
        self
    }

    /// Whether QEMU itself serves semihosting calls: off by default.
    #[must_use]
    pub fn semihosting(mut self, on: bool) -> Self {
        self.semihosting = on;
        self
    }

    /// Where the first serial port goes: nowhere by default.
    #[must_use]
    pub fn uart(mut self, uart: Uart) -> Self {
        self.uart = uart;
        self
    }

    /// Starts it stopped, and gives its core to [`Machine::debug`].
    #[must_use]
    pub fn debugged(mut self) -> Self {
        self.debugged = true;
        self
    }

    /// Another argument for QEMU.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// Where QEMU is not there, or does not come up.
    pub fn start(self) -> Result<Machine, MachineError> {
        let folder = temporary_folder()?;
        let messages = folder.path().join("messages");
        let mut command = Command::new(QEMU);
        let machine = self.machine.as_str();
        command.args(["-machine", machine, "-nodefaults", "-nic", "none", "-display", "none", "-monitor", "none"]);
        if self.semihosting {
            command.args(["-semihosting-config", "enable=on,target=native"]);
        }

        // Multiplexed although nothing shares it: the multiplexer's 32 bytes of buffer feed the UART, which has one,
        // three times as fast. Its escape character is set to what no byte can be.
        let uart = match &self.uart {
            Uart::None => None,
            Uart::Stream => Some(listen(folder.path(), "uart")?),
            Uart::At(_) => None,
        };
        let socket = match &self.uart {
            Uart::None => None,
            Uart::Stream => Some(format!("path={}", escaped(&folder.path().join("uart")))),
            Uart::At(path) => Some(format!("path={},server=on,wait=off", escaped(path))),
        };
        if let Some(socket) = socket {
            command.arg("-chardev").arg(format!("socket,id=uart,mux=on,{socket}"));
            command.args(["-echr", "0x100", "-serial", "chardev:uart"]);
        }

        let qtest = listen(folder.path(), "qtest")?;
        command.args(["-qtest-log", "none", "-qtest"]).arg(unix(folder.path(), "qtest"));
        let debug = if self.debugged {
            let listeners = (listen(folder.path(), "gdb")?, listen(folder.path(), "qmp")?);
            command.arg("-chardev").arg(format!("socket,id=gdb,path={}", escaped(&folder.path().join("gdb"))));
            command.args(["-S", "-gdb", "chardev:gdb", "-qmp"]).arg(unix(folder.path(), "qmp"));
            Some(listeners)
        } else {
            None
        };

        if let Some(kernel) = &self.kernel {
            command.arg("-kernel").arg(kernel);
        }
        for (index, (address, bytes)) in self.images.iter().enumerate() {
            let file = folder.path().join(format!("image-{index}"));
            fs::write(&file, bytes).map_err(|reason| MachineError::Folder { folder: file.clone(), reason })?;
            command.arg("-device").arg(format!("loader,file={},addr={address:#x},force-raw=on", escaped(&file)));
        }
        command.args(&self.arguments);

        let output = File::create(&messages).map_err(|reason| MachineError::Folder { folder: messages, reason })?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(output);
        let (process, output) = Process::spawn(&mut command, folder).map_err(not_installed)?;

        let deadline = Instant::now() + self.patience;
        let accepted = |listener: &UnixListener, link| {
            accept(listener, &process, deadline).ok().flatten().ok_or_else(|| MachineError::NotStarted {
                machine: self.machine.clone(),
                link,
                post_mortem: post_mortem(&self.machine, &process),
            })
        };
        let memory = Memory::new(accepted(&qtest, "memory link")?, self.patience)?;
        let uart = uart.map(|listener| accepted(&listener, "UART")).transpose()?;
        let debug = match debug {
            Some((gdb, monitor)) => {
                let gdb = Gdb::new(accepted(&gdb, "debug link")?, self.patience)?;
                Some((gdb, Monitor::new(accepted(&monitor, "monitor")?, self.patience)?))
            }
            None => None,
        };
        Ok(Machine { memory, uart, output, debug, machine: self.machine, process })
    }
}

impl Machine {
    /// How the process ended, waiting for that for at most `patience`.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<ExitStatus> {
        self.process.wait(patience)
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
    let mut messages = String::new();
    if let Ok(mut file) = File::open(process.folder().join("messages")) {
        // Whatever can be read is better than nothing.
        let _ = file.read_to_string(&mut messages);
    }
    // Said at every start: the board's network is not connected to anything, on purpose.
    for line in messages.lines().filter(|line| !line.contains("lan9118")) {
        text.push_str("\n    ");
        text.push_str(line);
    }
    text
}

fn temporary_folder() -> Result<TempDir, MachineError> {
    TempDir::with_prefix("prenda-").map_err(|reason| MachineError::Folder { folder: env::temp_dir(), reason })
}

fn not_installed(reason: io::Error) -> MachineError {
    MachineError::NotInstalled { reason }
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

fn unix(folder: &Path, name: &str) -> String {
    format!("unix:{}", escaped(&folder.join(name)))
}

/// A path as an option of QEMU's, where a comma is written twice.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}
