//! Errors: wrong chip, no probe, two clients, an emulator that ends early.

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
    ("nothing_is_left_running", nothing_is_left_running),
];

fn unknown_chip(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let end = Run::start(tool.command("reset", "no-such-chip", &bench.selector))?.end()?;
    end.failure()?.prints(&["The chip 'no-such-chip' was not found"]).map(drop)
}

/// The ELF names its chip, and the tool does not flash it to another.
fn wrong_chip(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let mut line = tool.command("run", "mps2-an505", &bench.selector);
    line.arg(elf(board, Program::Served));
    Run::start(line)?.end()?.failure()?.prints(&["elf_chip does not match probe_chip"])?;
    // The chip identifies itself.
    let end = Run::start(tool.command("info", "mps2-an505", &bench.selector))?.end()?;
    end.success()?.prints(&[&format!("Detected chip: {}", board.name)]).map(drop)
}

fn no_probe(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    // A port that was free just now.
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let end = Run::start(tool.command("reset", &board.name, &format!("1d50:6018:{address}")))?.end()?;
    end.failure()?.prints(&["Failed to open the debug probe"]).map(drop)
}

/// A second client is refused without disturbing the first.
fn second_client(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let first = bench.follow("run", Program::Faults)?;
    first.wait_for("waits for a byte")?;
    Run::start(bench.command("reset"))?.end()?.failure()?.prints(&["Failed to open the debug probe"])?;
    bench.send(b"e")?;
    first.end()?.success()?.prints(&["ends well"])?;
    bench.ask("reset").map(drop)
}

fn emulator_gone(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let run = bench.follow("run", Program::Faults)?;
    run.wait_for("waits for a byte")?;
    bench.killer.kill();
    run.end()?.failure()?.prints(&["Error: "])?;
    let error = bench.end().expect_err("the emulator has ended").to_string();
    assert!(error.contains(&format!("the emulator of {} ended with signal: 9", board.name)), "{error}");
    Ok(())
}

/// The program `virtual-probe` fails when its emulator ends, and its emulator ends with it.
fn nothing_is_left_running(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let probe = Served::start(board)?;
    kill(probe.emulator, Signal::SIGKILL)?;
    let end = probe.run.end()?;
    assert_eq!(end.code, Some(1));
    end.prints(&["error: the emulator has ended", &format!("the emulator of {} ended with signal: 9", board.name)])?;

    let probe = Served::start(board)?;
    let selector = format!("1d50:6018:127.0.0.1:{}", probe.port);
    Run::start(tool.command("info", &board.name, &selector))?.end()?.success()?;
    let emulator = probe.emulator;
    assert!(runs(emulator));
    assert_eq!(probe.run.interrupt()?.code, Some(128 + 15), "SIGTERM");
    let deadline = Instant::now() + PATIENCE;
    while runs(emulator) {
        assert!(Instant::now() < deadline, "QEMU still runs");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The program `virtual-probe`, and the process id of its emulator.
struct Served {
    run: Run,
    port: u16,
    emulator: Pid,
}

impl Served {
    fn start(board: &Board) -> Result<Self, Failed> {
        // A script in QEMU's place writes its process id and becomes QEMU.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe_rs-emulator");
        fs::create_dir_all(&folder)?;
        let (note, script) = (folder.join("pid"), folder.join(QEMU));
        fs::write(&script, format!("#!/bin/sh\necho $$ >\"$NOTE\"\nPATH=\"$OLD_PATH\" exec {QEMU} \"$@\"\n"))?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        let old_path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([folder].into_iter().chain(env::split_paths(&old_path)))?;

        let mut command = Command::new(program().ok_or("the program was there when the trials were listed")?);
        command.arg(&board.name).env("PATH", path).env("OLD_PATH", old_path).env("NOTE", &note);
        // The printed command line ends with this.
        let run = Run::start(command)?;
        run.wait_for("emulated.yaml\n")?;
        let line = run.text();
        let rest = line.split_once("127.0.0.1:").ok_or("the output names no probe")?.1;
        let port = rest.split_whitespace().next().ok_or("the output names no port")?.parse()?;
        let emulator = Pid::from_raw(fs::read_to_string(&note)?.trim().parse()?);
        Ok(Self { run, port, emulator })
    }
}

/// Returns the path of `virtual-probe`, next to this test's folder, if it is built.
pub fn program() -> Option<PathBuf> {
    let test = env::current_exe().ok()?;
    test.parent().and_then(Path::parent).map(|folder| folder.join("virtual-probe")).filter(|path| path.is_file())
}

/// Returns true if the process exists.
fn runs(process: Pid) -> bool {
    kill(process, None).is_ok()
}
