//! The choice of a machine, and the command line that starts it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Machine, MachineError, QEMU, accept, listen, not_installed, post_mortem, temporary_folder};
use crate::{Gdb, Memory, Monitor, Process};

/// The connection of the board's first serial port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Uart {
    /// Not connected.
    #[default]
    None,
    /// Connected to [`Machine::uart`].
    Stream,
    /// Connected to any client of this Unix socket.
    At(PathBuf),
}

/// The choice of a machine, and how to start it.
#[derive(Clone, Debug)]
#[must_use]
pub struct MachineOptions {
    program: String,
    machine: String,
    patience: Duration,
    kernel: Option<PathBuf>,
    images: Vec<(u64, Vec<u8>)>,
    semihosting: bool,
    uart: Uart,
    debugged: bool,
    instruction_shift: Option<u8>,
    arguments: Vec<OsString>,
}

impl MachineOptions {
    /// Chooses an Arm machine by QEMU's name, with empty memory and no connections.
    pub fn new(machine: &str) -> Self {
        Self {
            program: QEMU.to_owned(),
            machine: machine.to_owned(),
            patience: Duration::from_secs(20),
            kernel: None,
            images: Vec::new(),
            semihosting: false,
            uart: Uart::None,
            debugged: false,
            instruction_shift: None,
            arguments: Vec::new(),
        }
    }

    /// Sets the QEMU program that emulates the machine: [`QEMU`] by default.
    pub fn program(mut self, program: &str) -> Self {
        self.program = program.to_owned();
        self
    }

    /// Sets the time limit of the start and of every answer: 20 seconds by default.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets an ELF that QEMU loads, again at each reset.
    pub fn kernel(mut self, path: &Path) -> Self {
        self.kernel = Some(path.to_owned());
        self
    }

    /// Adds bytes that QEMU loads at `address`, again at each reset.
    pub fn image(mut self, address: u64, bytes: &[u8]) -> Self {
        self.images.push((address, bytes.to_owned()));
        self
    }

    /// Sets if QEMU itself serves semihosting calls: off by default.
    pub fn semihosting(mut self, on: bool) -> Self {
        self.semihosting = on;
        self
    }

    /// Connects the first serial port: [`Uart::None`] by default.
    pub fn uart(mut self, uart: Uart) -> Self {
        self.uart = uart;
        self
    }

    /// Starts the machine stopped, with a connection to its core for a [`Probe`](crate::Probe).
    pub fn debugged(mut self) -> Self {
        self.debugged = true;
        self
    }

    /// Makes each instruction take `1 << shift` nanoseconds of the machine's time, so that timers
    /// count the same instructions in each run. QEMU accepts 0 to 10. The default is real time.
    pub fn instruction_time(mut self, shift: u8) -> Self {
        self.instruction_shift = Some(shift);
        self
    }

    /// Adds arguments of QEMU, for example of a plugin.
    pub fn arguments(mut self, arguments: &[OsString]) -> Self {
        self.arguments.extend_from_slice(arguments);
        self
    }

    /// Starts the machine.
    ///
    /// # Errors
    ///
    /// Returns [`MachineError`] if QEMU is not installed, or does not connect and answer in time.
    pub fn start(self) -> Result<Machine, MachineError> {
        let folder = temporary_folder()?;
        let messages = folder.path().join("messages");
        let mut command = Command::new(&self.program);
        let machine = self.machine.as_str();
        // Without a boot program: some machines would run their own before ours.
        command.args(["-bios", "none"]);
        command.args(["-machine", machine, "-nodefaults", "-nic", "none", "-display", "none", "-monitor", "none"]);
        if self.semihosting {
            command.args(["-semihosting-config", "enable=on,target=native"]);
        }

        if let Some(shift) = self.instruction_shift {
            command.args(["-icount", &format!("shift={shift}")]);
        }

        // The multiplexer is used for its buffer: its 32 bytes feed the UART, which has one, three
        // times as fast. Its escape character is set to a value that no byte has.
        let (uart, socket) = match &self.uart {
            Uart::None => (None, None),
            Uart::Stream => {
                let path = escaped(&folder.path().join("uart"));
                (Some(listen(folder.path(), "uart")?), Some(format!("path={path}")))
            }
            Uart::At(path) => (None, Some(format!("path={},server=on,wait=off", escaped(path)))),
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
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        let process = Process::spawn(&mut command, folder).map_err(not_installed(&self.program))?;

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
        Ok(Machine { memory, uart, debug, machine: self.machine, process })
    }
}

fn unix(folder: &Path, name: &str) -> String {
    format!("unix:{}", escaped(&folder.join(name)))
}

/// Returns a path as a value in QEMU's options, in which a comma is written twice.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace(',', ",,")
}
