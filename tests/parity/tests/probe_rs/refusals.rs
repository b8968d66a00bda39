//! What goes wrong, and is said to: wrong chip, no probe, two clients, an emulator that ends in the
//! middle.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use boards::Board;
use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use virtual_probe::QEMU;

use crate::bench::{Bench, Program, elf};
use crate::run::{PATIENCE, Run};
use crate::tool::Tool;

pub type Case = fn(&'static Board, &Tool) -> Result<(), Failed>;

/// Cases for one board.
pub const CASES: &[(&str, Case)] = &[
    ("unknown_chip", unknown_chip),
    ("wrong_chip", wrong_chip),
    ("no_probe", no_probe),
    ("second_client", second_client),
    ("emulator_gone", emulator_gone),
    ("nothing_left_behind", nothing_left_behind),
];

fn unknown_chip(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let end = Run::start(tool.command("reset", "no-such-chip", &bench.selector))?.end()?;
    end.badly()?.says(&["The chip 'no-such-chip' was not found"]).map(drop)
}

/// The ELF names its chip, and nothing is written for another.
fn wrong_chip(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let mut line = tool.command("run", "mps2-an505", &bench.selector);
    line.arg(elf(board, Program::Served));
    Run::start(line)?.end()?.badly()?.says(&["elf_chip does not match probe_chip"])?;
    // The board itself says what it is.
    let end = Run::start(tool.command("info", "mps2-an505", &bench.selector))?.end()?;
    end.well()?.says(&[&format!("Detected chip: {}", board.name)]).map(drop)
}

fn no_probe(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    // A port that was free a moment ago.
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let end = Run::start(tool.command("reset", &board.name, &format!("1d50:6018:{address}")))?.end()?;
    end.badly()?.says(&["Failed to open the debug probe"]).map(drop)
}

/// A second client is told to come later, and the first one does not notice.
fn second_client(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let first = bench.follow("run", Program::Faults)?;
    first.wait_for("waits for a byte")?;
    Run::start(bench.command("reset"))?.end()?.badly()?.says(&["Failed to open the debug probe"])?;
    bench.send(b"e")?;
    first.end()?.well()?.says(&["ends well"])?;
    bench.ask("reset").map(drop)
}

fn emulator_gone(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let run = bench.follow("run", Program::Faults)?;
    run.wait_for("waits for a byte")?;
    bench.killer.kill();
    run.end()?.badly()?.says(&["Error: "])?;
    let error = bench.end().expect_err("there is nothing left to serve").to_string();
    assert!(error.contains(&format!("the emulator of {} ended with signal: 9", board.name)), "{error}");
    Ok(())
}

/// The program `virtual-probe`: it fails with its emulator, and its emulator ends with it.
fn nothing_left_behind(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let probe = Served::start(board)?;
    kill(probe.emulator, Signal::SIGKILL)?;
    let end = probe.run.end()?;
    assert_eq!(end.code, Some(1));
    end.says(&["error: the emulator has ended", &format!("the emulator of {} ended with signal: 9", board.name)])?;

    let probe = Served::start(board)?;
    let selector = format!("1d50:6018:127.0.0.1:{}", probe.port);
    Run::start(tool.command("info", &board.name, &selector))?.end()?.well()?;
    let emulator = probe.emulator;
    assert!(is_there(emulator));
    assert_eq!(probe.run.interrupt()?.code, Some(128 + 15), "SIGTERM");
    let deadline = Instant::now() + PATIENCE;
    while is_there(emulator) {
        assert!(Instant::now() < deadline, "QEMU is left behind");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The program `virtual-probe`, with an emulator that has told its process id.
struct Served {
    run: Run,
    port: u16,
    emulator: Pid,
}

impl Served {
    fn start(board: &Board) -> Result<Self, Failed> {
        // In the place of QEMU, a script that leaves a note and becomes it.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe_rs-emulator");
        fs::create_dir_all(&folder)?;
        let (note, script) = (folder.join("pid"), folder.join(QEMU));
        fs::write(&script, format!("#!/bin/sh\necho $$ >\"$NOTE\"\nPATH=\"$OLD_PATH\" exec {QEMU} \"$@\"\n"))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        let old_path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([folder].into_iter().chain(env::split_paths(&old_path)))?;

        let mut command = Command::new(program().ok_or("it was there a moment ago")?);
        command.arg(&board.name).env("PATH", path).env("OLD_PATH", old_path).env("NOTE", &note);
        // Its line for people has no such end before the whole is there.
        let run = Run::start(command)?;
        run.wait_for("emulated.yaml\n")?;
        let line = run.text();
        let rest = line.split_once("127.0.0.1:").ok_or("the line names the probe")?.1;
        let port = rest.split_whitespace().next().ok_or("the line names the port")?.parse()?;
        let emulator = Pid::from_raw(fs::read_to_string(&note)?.trim().parse()?);
        Ok(Self { run, port, emulator })
    }
}

/// The program `virtual-probe`, where this build has it: beside the folder of this test.
pub fn program() -> Option<PathBuf> {
    let test = env::current_exe().ok()?;
    test.parent().and_then(Path::parent).map(|folder| folder.join("virtual-probe")).filter(|path| path.is_file())
}

/// Whether there is a process of this number.
fn is_there(process: Pid) -> bool {
    kill(process, None).is_ok()
}
