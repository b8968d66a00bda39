//! The unmodified command-line tool of probe-rs with every emulated board, through the virtual
//! probe.
//!
//! All trials are ignored if the tool is not on the PATH or is too old, unless `PARITY_REQUIRE`
//! names `probe-rs`. A board without its firmware is ignored, unless `PARITY_REQUIRE` names the
//! board. `PARITY_FIRMWARE` is the folder of the boards' ELFs.

mod bench;
mod board;
mod cargo_run;
#[path = "../common/mod.rs"]
mod common;
mod refusals;
mod run;
mod tool;

use std::process::ExitCode;
use std::sync::LazyLock;

use bench::{Bench, Program, elf};
use boards::Board;
use common::{TOOL, ignored, missing, required};
use libtest_mimic::{Arguments, Failed, Trial};
use tool::Tool;
use virtual_probe::{check_emulator, stop_all_at_signals};

/// Every board that the virtual probe knows.
static BOARDS: LazyLock<Vec<Board>> = LazyLock::new(|| {
    let all = boards::all().unwrap_or_default();
    all.into_iter().filter(|board| virtual_probe::Board::by_name(&board.name).is_some()).collect()
});

/// The board for cases that are the same on every board.
const ONE: &str = "mps2-an386";

fn main() -> ExitCode {
    // QEMU, the probe and the tool use two cores, and a busy machine could make one look hung.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    stop_all_at_signals();
    let required = required();
    let tool = Tool::find().and_then(|tool| match check_emulator(virtual_probe::QEMU, run::PATIENCE) {
        Ok(()) => Ok(tool),
        Err(error) => Err(format!("{error}; or run `cargo xtask setup`")),
    });
    let (mut trials, mut of_one) = (Vec::new(), Vec::new());
    if let Err(reason) = &tool
        && required.iter().any(|name| name == TOOL)
    {
        trials.push(missing(TOOL, reason.clone()));
    }
    for board in BOARDS.iter() {
        let firmware = check_firmware(board);
        if let Err(reason) = &firmware
            && required.contains(&board.name)
        {
            trials.push(missing(&board.name, reason.clone()));
        }
        let tool = tool.clone().and_then(|tool| firmware.map(|()| tool));
        trials.extend(board::CASES.iter().map(|&(name, case)| {
            trial(format!("{}::{name}", board.name), tool.clone(), move |tool| case(&Bench::new(board, tool)?))
        }));
        if board.name == ONE {
            of_one = trials_of_one(board, &tool);
        }
    }
    trials.extend(of_one);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns the trials for one board only.
fn trials_of_one(board: &'static Board, tool: &Result<Tool, String>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for &(name, case) in refusals::CASES {
        let tool = match name {
            "nothing_is_left_running" if refusals::program().is_none() => {
                Err("this build has no virtual-probe; build it with `cargo build -p virtual-probe`".to_owned())
            }
            _ => tool.clone(),
        };
        trials.push(trial(name.to_owned(), tool, move |tool| case(board, tool)));
    }
    let tool = match tool {
        Ok(_) if !cargo_run::has_target(board) => {
            Err(format!("the target is not installed; run `rustup target add {}`", board.triple))
        }
        tool => tool.clone(),
    };
    trials.push(trial("cargo_run".to_owned(), tool, move |tool| cargo_run::cargo_run(board, tool)));
    trials
}

/// Returns a trial with the tool, or one that is ignored with a reason.
fn trial(
    name: String,
    tool: Result<Tool, String>,
    case: impl FnOnce(&Tool) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    match tool {
        Ok(tool) => Trial::test(name, move || case(&tool)),
        Err(reason) => ignored(name, &reason),
    }
}

/// Checks that the board's programs are built.
fn check_firmware(board: &Board) -> Result<(), String> {
    let programs = [Program::Served, Program::Faults].map(|program| elf(board, program));
    match programs.iter().find(|path| !path.is_file()) {
        None => Ok(()),
        Some(path) => {
            Err(format!("cannot find {}; build it with `cargo xtask firmware {}`", path.display(), board.name))
        }
    }
}
