//! `virtual-probe BOARD`: an emulated board behind a probe on the network.

#![forbid(unsafe_code)]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Parser;
use serde_json::json;
use virtual_probe::{BOARDS, Board, MachineOptions, Probe, Server, Uart, stop_all};

/// A debug probe with no hardware: probe-rs takes it for a Black Magic Probe, and the board behind it is QEMU's.
///
/// Exit codes: 1 failed, 2 misused, 130 interrupted.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The board, by QEMU's name of the machine.
    #[arg(value_parser = board)]
    board: &'static Board,
    /// Port of this machine to listen on; 0 is any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Unix socket at which the board's first serial port is offered.
    #[arg(long, value_name = "SOCKET")]
    uart: Option<PathBuf>,
    /// Program that the board has from the beginning, and runs.
    #[arg(long, value_name = "ELF")]
    kernel: Option<PathBuf>,
    /// Tells what clients ask for and do not get.
    #[arg(long)]
    verbose: bool,
    /// Prints one object as JSON instead of the line for people.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let uart = UartSocket::new(arguments.uart.as_deref())?;
    let socket = arguments.uart.clone();
    ctrlc::set_handler(move || {
        // Held until the end: nothing is started meanwhile.
        let _stopped = stop_all();
        drop(UartSocket(socket.clone()));
        exit(130);
    })
    .context("cannot listen to signals")?;

    let board = arguments.board;
    let program = match &arguments.kernel {
        Some(path) => Some(fs::read(path).with_context(|| format!("cannot read {}", path.display()))?),
        None => None,
    };
    let place = uart.0.clone().map_or(Uart::None, Uart::At);
    let machine = MachineOptions::new(board.name).uart(place).debugged().start()?;
    let mut probe = Probe::new(board, machine)?.verbose(arguments.verbose);
    if let (Some(program), Some(path)) = (&program, &arguments.kernel) {
        probe.load(program).with_context(|| path.display().to_string())?;
    }
    let mut server = Server::new(probe, arguments.port)?;
    announce(arguments, &server)?;
    Ok(server.run()?)
}

/// The socket of the serial port, which QEMU makes and does not remove.
struct UartSocket(Option<PathBuf>);

impl UartSocket {
    /// Takes a path, as long as no other file is there: QEMU would replace it.
    fn new(path: Option<&Path>) -> Result<Self> {
        if let Some(path) = path
            && fs::symlink_metadata(path).is_ok_and(|found| !found.file_type().is_socket())
        {
            bail!("{} is there, and no socket; choose another path for the serial port", path.display());
        }
        Ok(Self(path.map(Path::to_owned)))
    }
}

impl Drop for UartSocket {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // It may be gone, or never have come.
            let _ = fs::remove_file(path);
        }
    }
}

/// Says where the probe is, in one line.
fn announce(arguments: &Arguments, server: &Server) -> Result<()> {
    let (board, selector, port) = (arguments.board.name, server.selector()?, server.address()?.port());
    let line = if arguments.json {
        json!({ "board": board, "port": port, "selector": selector, "uart": arguments.uart }).to_string()
    } else {
        format!(
            "probe-rs COMMAND --protocol swd --probe {selector} --chip {board} --chip-description-path virtual-probe/targets/emulated.yaml"
        )
    };
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").and_then(|()| output.flush()).context("cannot write to standard output")
}

fn board(name: &str) -> Result<&'static Board> {
    let names: Vec<_> = BOARDS.iter().map(|board| board.name).collect();
    Board::by_name(name).ok_or_else(|| anyhow!("no such board; there are {}", names.join(", ")))
}
