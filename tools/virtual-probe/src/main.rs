//! `virtual-probe BOARD`: an emulated board and a debug probe on the network.

#![forbid(unsafe_code)]

mod uart_socket;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit};

use anyhow::{Context as _, Result, anyhow};
use clap::Parser;
use host_support::errors;
use host_support::shell::quoted;
use serde_json::json;
use uart_socket::UartSocket;
use virtual_probe::{BOARDS, Board, CHIPS, Machine, MachineOptions, Probe, Server, Uart, stop_all};

/// A debug probe with no hardware: a Black Magic Probe to probe-rs, with a board that QEMU
/// emulates.
///
/// Exit codes: 1 after an error, 2 after a usage error, 128 plus the signal's number after a
/// signal.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Name of the board.
    #[arg(value_parser = board)]
    board: &'static Board,
    /// Listen on this TCP port of the host; 0 chooses a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Create this Unix socket for the board's first serial port.
    #[arg(long, value_name = "SOCKET")]
    uart: Option<PathBuf>,
    /// Load and run this program before any client connects.
    #[arg(long, value_name = "ELF")]
    kernel: Option<PathBuf>,
    /// Log the requests of clients that cannot be answered.
    #[arg(long)]
    verbose: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", errors::chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let uart = arguments.uart.as_deref().map(UartSocket::new).transpose()?;
    let socket = uart.clone();
    host_support::signals::on_end(move |code| {
        // Held until the exit: no process can be started meanwhile.
        let _stopped = stop_all();
        socket.iter().for_each(UartSocket::remove);
        exit(code);
    })
    .context("cannot install the signal handler")?;
    let served = serve(arguments, uart.as_ref());
    uart.iter().for_each(UartSocket::remove);
    served
}

fn serve(arguments: &Arguments, uart: Option<&UartSocket>) -> Result<()> {
    let board = arguments.board;
    let read = |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let program = arguments.kernel.as_ref().map(read).transpose()?;
    let place = uart.map_or(Uart::None, |socket| Uart::At(socket.path().to_owned()));
    let machine = MachineOptions::new(board.machine).uart(place).debugged().start()?;
    let chips = chips(&machine)?;
    let mut probe = Probe::new(board, machine)?.verbose(arguments.verbose);
    if let (Some(program), Some(path)) = (&program, &arguments.kernel) {
        probe.load(program).with_context(|| path.display().to_string())?;
    }
    let mut server = Server::new(probe, arguments.port)?;
    announce(arguments, &server, &chips)?;
    Ok(server.run()?)
}

/// Returns the file that describes the boards as chips: the workspace's, or, if that does not
/// exist, a copy in the machine's temporary folder.
fn chips(machine: &Machine) -> Result<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/targets/emulated.yaml"));
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let path = machine.folder().join("emulated.yaml");
    fs::write(&path, CHIPS).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Prints the probe's address: as arguments of probe-rs, and as environment variables for a shell.
fn announce(arguments: &Arguments, server: &Server, chips: &Path) -> Result<()> {
    let (board, selector, port) = (arguments.board.name, server.selector()?, server.address()?.port());
    let text = if arguments.json {
        json!({ "board": board, "port": port, "selector": selector, "chips": chips, "uart": arguments.uart })
            .to_string()
    } else {
        let chips = quoted(chips);
        format!(
            "probe-rs COMMAND --protocol swd --probe {selector} --chip {board} --chip-description-path {chips}\n\
             export PROBE_RS_PROBE={selector} PROBE_RS_PROTOCOL=swd PROBE_RS_CHIP_DESCRIPTION_PATH={chips}"
        )
    };
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).context("cannot write to standard output")
}

fn board(name: &str) -> Result<&'static Board> {
    let names: Vec<_> = BOARDS.iter().map(|board| board.name).collect();
    Board::by_name(name).ok_or_else(|| anyhow!("unknown board; the boards are {}", names.join(", ")))
}
