//! Estimates a part of any program for Cortex-M or RV32.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use boards::owned::OwnedBoard;
use virtual_probe::{Machine, MachineOptions, check_emulator};

use crate::core::{CORES, Core};
use crate::decode::Set;
use crate::elf::Program;
use crate::estimator::{Estimator, Pass};
use crate::trace::{End, Range};
use crate::tracing::{Method, Tracing};

/// The choice of a part of a program.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    pub from: &'a str,
    /// `None` for the return from the function at `from`.
    pub to: Option<&'a str>,
    /// QEMU's machine. `None` chooses it by core and address.
    pub machine: Option<&'a str>,
    pub patience: Duration,
    /// Use QEMU's log even if the plugin can be built.
    pub with_log: bool,
}

/// Returns the core that a program is compiled for.
///
/// # Errors
///
/// Returns an error if the program does not say it.
pub fn core_of(program: &Program) -> anyhow::Result<Core> {
    let name = match (program.set, program.arm) {
        (Set::Riscv, _) => "rv32",
        (_, Some(11 | 12)) => "cortex-m0",
        (_, Some(10)) => "cortex-m3",
        (_, Some(13)) => "cortex-m4",
        (_, Some(16 | 17)) => "cortex-m33",
        (_, Some(21)) => "cortex-m55",
        (_, found) => bail!(
            "{}: found Tag_CPU_arch {found:?}, expected that of a Cortex-M; name the core or a board",
            program.path.display()
        ),
    };
    Core::named(name).context("the core is not in the table")
}

/// Fails if a core cannot run the code of a program.
fn check_core(program: &Program, core: Core) -> anyhow::Result<()> {
    // A program without attributes can be for any core.
    let Ok(own) = core_of(program) else { return Ok(()) };
    // Each core also runs the code of those before it.
    let order = ["cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55"];
    let place = |core: Core| order.iter().position(|name| *name == core.name);
    let is_narrow = own.name == "cortex-m0";
    let runs = match (place(own), place(core)) {
        (Some(own), Some(core)) => own <= core || is_narrow,
        (None, None) => true,
        _ => false,
    };
    ensure!(
        runs,
        "{}: found code for {}, expected code for {}; choose another board",
        program.path.display(),
        own.name,
        core.name
    );
    Ok(())
}

/// Returns QEMU's program and machine for a core and the addresses of code and stack. A machine
/// with a larger core also runs the code of a smaller one.
fn machine_of(program: &Program, core: Core) -> (&'static str, &'static str) {
    const MICROBIT_RAM: std::ops::RangeInclusive<u32> = 0x2000_0000..=0x2000_4000;
    let first = program.first_address;
    let is_stm32 = first >> 24 == 8;
    let is_small = MICROBIT_RAM.contains(&program.initial_stack());
    let machine = match core.name {
        "rv32" => return ("qemu-system-riscv32", "virt"),
        "cortex-m4" if is_stm32 => "netduinoplus2",
        _ if is_stm32 => "netduino2",
        "cortex-m0" | "cortex-m0plus" if is_small => "microbit",
        "cortex-m0" | "cortex-m0plus" | "cortex-m3" => "mps2-an385",
        "cortex-m4" => "mps2-an386",
        "cortex-m33" if first >> 28 == 1 => "mps2-an505",
        // Its code and its RAM are smaller than those of the others.
        "cortex-m33" if program.initial_stack() <= 0x2008_0000 => "mps3-an547",
        _ => "mps2-an386",
    };
    ("qemu-system-arm", machine)
}

/// Returns the cycles on `board` between the first arrival at `from` and the next one at `to`. If
/// its flash has wait states, the program runs twice, so that caches are warm.
///
/// # Errors
///
/// Returns an error if a symbol is not there or not reached, the board's core cannot run the
/// program or is not modelled, an instruction is not known, or QEMU fails.
pub fn estimate(program: &Arc<Program>, board: &OwnedBoard, part: &Part<'_>) -> anyhow::Result<Pass> {
    let core = Core::named(&board.core).with_context(|| format!("unknown core {:?} of {}", board.core, board.name))?;
    check_core(program, core)?;
    let modelled: Vec<_> = CORES.iter().filter(|core| core.error_percent.is_some()).map(|core| core.name).collect();
    ensure!(
        core.error_percent.is_some(),
        "{} is not estimated ({}); expected one of: {}",
        core.name,
        core.remark,
        modelled.join(", ")
    );
    let from = program.address(part.from)?;
    let to = part.to.map(|to| program.address(to)).transpose()?.map_or(End::Return, End::At);
    let range = Range { from, to };
    let (emulator, machine) = machine_of(program, core);
    let machine = part.machine.unwrap_or(machine);
    check_emulator(emulator, part.patience)?;
    let (method, note) = if part.with_log { (Method::Log, None) } else { Method::choose(emulator) };
    if let Some(note) = note {
        eprintln!("note: {note}");
    }
    let flash_end = program.flash_end;
    let mut estimator = Estimator::new(std::slice::from_ref(board), flash_end, None, 1);
    let runs = if board.flash.wait_states > 0 { 2 } else { 1 };
    for _ in 0..runs {
        estimator.restart();
        let tracing = Tracing::start(&method, range, program.set, program, estimator)?;
        let options = MachineOptions::new(machine).program(emulator).patience(part.patience);
        let options = options.kernel(&program.path).semihosting(true).arguments(tracing.arguments());
        let machine = options.start()?;
        let (is_timeout, end) = wait(&tracing, &machine, part.patience);
        drop(machine);
        estimator = tracing.finish()?;
        if estimator.passes.is_empty() {
            bail!(not_reached(program, part, estimator.has_started(), is_timeout, &end));
        }
    }
    estimator.passes.into_iter().next().context("nothing was traced")
}

/// Waits for the end of the trace. Returns if it was too long, and how the emulator ended.
fn wait(tracing: &Tracing<Estimator>, machine: &Machine, patience: Duration) -> (bool, String) {
    let deadline = Instant::now() + patience;
    while !tracing.is_finished() {
        if machine.wait(Duration::ZERO).is_some() {
            return (false, machine.post_mortem());
        }
        if Instant::now() > deadline {
            return (true, String::new());
        }
        sleep(Duration::from_millis(2));
    }
    (false, String::new())
}

fn not_reached(program: &Program, part: &Part<'_>, has_started: bool, is_timeout: bool, end: &str) -> String {
    let name = if has_started { part.to.unwrap_or("the return") } else { part.from };
    let after = if has_started { format!(" after {}", part.from) } else { String::new() };
    let why = if is_timeout {
        format!(" within {} s; --patience allows more", part.patience.as_secs())
    } else {
        end.to_owned()
    };
    format!("{}: {name} was not reached{after}{why}", program.path.display())
}
