//! A board in QEMU with the virtual probe, its UART, and the tool.

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};

use boards::Board;
use libtest_mimic::Failed;
use object::{Object as _, ObjectSymbol as _};
use parity::Client;
use virtual_probe::{Killer, MachineOptions, Probe, ProbeError, Server, Stopper, Uart};

use crate::common::{firmware_folder, fixtures};
use crate::run::{End, PATIENCE, Run};
use crate::tool::Tool;

/// A board and its probe. Dropping it ends both.
pub struct Bench {
    pub board: &'static Board,
    pub tool: Tool,
    pub selector: String,
    pub killer: Killer,
    /// The other end of the board's first serial port.
    pub uart: UnixStream,
    stopper: Stopper,
    server: Option<JoinHandle<Result<(), ProbeError>>>,
}

impl Bench {
    /// Starts a board with empty memory.
    pub fn new(board: &'static Board, tool: &Tool) -> Result<Self, Failed> {
        let emulated = virtual_probe::Board::by_name(&board.name).ok_or("the virtual probe does not know the board")?;
        let mut machine = MachineOptions::new(emulated.name).debugged().uart(Uart::Stream).start()?;
        let uart = machine.uart.take().ok_or("the board has no UART")?;
        uart.set_read_timeout(Some(PATIENCE))?;
        uart.set_write_timeout(Some(PATIENCE))?;
        let killer = machine.killer();
        let mut server = Server::new(Probe::new(emulated, machine)?, 0)?;
        let (selector, stopper) = (server.selector()?, server.stopper());
        let server = Some(thread::Builder::new().name("virtual-probe".into()).spawn(move || server.run())?);
        Ok(Self { board, tool: tool.clone(), selector, killer, uart, stopper, server })
    }

    /// Returns a command of the tool for this board.
    pub fn command(&self, command: &str) -> Command {
        self.tool.command(command, &self.board.name, &self.selector)
    }

    /// Runs a command that ends by itself, and checks that it succeeds.
    pub fn ask(&self, command: &str) -> Result<End, Failed> {
        Run::start(self.command(command))?.end()?.success()
    }

    /// Starts a command with one of the board's programs.
    pub fn follow(&self, command: &str, program: Program) -> Result<Run, Failed> {
        let mut line = self.command(command);
        line.arg(self.elf(program));
        Run::start(line)
    }

    /// Flashes the firmware.
    pub fn download(&self) -> Result<(), Failed> {
        self.follow("download", Program::Served)?.end()?.success().map(drop)
    }

    /// Flashes only a model.
    pub fn download_model(&self, model: &[u8]) -> Result<(), Failed> {
        // In the build folder, so that an interrupted trial leaves no file elsewhere.
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe_rs-model.bin");
        fs::write(&file, model)?;
        let elf = fs::read(self.elf(Program::Served))?;
        let elf = object::File::parse(&*elf)?;
        let region = elf.symbol_by_name("_model_start").ok_or("the firmware has no region for a model")?;
        let mut line = self.command("download");
        line.args(["--binary-format", "bin", "--base-address", &format!("{:#x}", region.address())]).arg(file);
        Run::start(line)?.end()?.success().map(drop)
    }

    /// Sends bytes to the board's serial port.
    pub fn send(&self, bytes: &[u8]) -> Result<(), Failed> {
        Ok((&self.uart).write_all(bytes)?)
    }

    /// Returns a client on the board's serial port.
    pub fn client(&self) -> Result<Client, Failed> {
        Ok(Client::new(Box::new(self.uart.try_clone()?), PATIENCE))
    }

    /// Waits for the server to end by itself.
    pub fn end(mut self) -> Result<(), ProbeError> {
        let server = self.server.take().expect("it is only taken here and in `drop`");
        server.join().expect("the server does not panic")
    }

    fn elf(&self, program: Program) -> PathBuf {
        elf(self.board, program)
    }
}

/// The board's programs.
#[derive(Clone, Copy)]
pub enum Program {
    /// The firmware.
    Served,
    /// The program that fails on purpose.
    Faults,
}

/// Returns the path of a board's program.
pub fn elf(board: &Board, program: Program) -> PathBuf {
    let [served, faults, _] = board.programs();
    let name = match program {
        Program::Served => served,
        Program::Faults => faults,
    };
    firmware_folder().join(format!("{name}.elf"))
}

/// Reads the committed model.
pub fn model() -> Result<Vec<u8>, Failed> {
    let path: &Path = &fixtures().join("model.bin");
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stopper.stop();
        self.killer.kill();
        if let Some(server) = self.server.take() {
            // Only `end` reports its error.
            let _ = server.join();
        }
    }
}
