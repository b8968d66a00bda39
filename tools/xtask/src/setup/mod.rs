//! `cargo xtask setup`: looks at each step, and does what is missing.

mod apt;
mod browser;
mod data;
mod device;
mod emulator;
mod linker;
mod probe_rs;
mod steps;
mod target;

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::DEFAULT_BOARD;
use crate::board;
use crate::gpu::Backend;
use crate::output::{print, tell};
use crate::workspace::Workspace;

use apt::Apt;
use steps::{Done, Found, Step};

/// What a machine is set up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Training, firmware, and comparing them.
    Demo,
    /// That, and everything that the tests look at.
    Tests,
}

/// Whether pages can be tried in a browser here.
pub fn has_browser() -> bool {
    matches!(browser::Browser.check(), Found::Ready(_))
}

/// `cargo xtask setup [--check] [--probe-rs]`.
///
/// # Errors
/// With `--check` when something is missing; without, when something that is needed could not be had.
pub fn command(check: bool, probe_rs: bool) -> Result<()> {
    let mut steps = steps(Purpose::Tests)?;
    if probe_rs {
        steps.push(Box::new(probe_rs::ProbeRs));
    }
    if check { report(&steps) } else { ensure_all(&steps) }
}

/// Does what is missing, telling about it on standard error.
///
/// # Errors
/// When a step could not be done; the lines to type have been printed.
pub fn ensure(purpose: Purpose) -> Result<()> {
    ensure_all(&steps(purpose)?)
}

/// As [`ensure`], for the data set alone.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_data() -> Result<()> {
    ensure_all(&[Box::new(data::DataSet)])
}

/// As [`ensure`], for a device on which the trainer of `workspace`, which is built, can train by `backend`.
///
/// # Errors
/// As [`ensure`].
pub fn ensure_device(workspace: &Workspace, backend: Backend) -> Result<()> {
    ensure_all(&[Box::new(device::GraphicsDevice { workspace, backend })])
}

fn ensure_all(steps: &[Box<dyn Step + '_>]) -> Result<()> {
    let mut apt = Apt::default();
    let mut failed = Vec::new();
    for step in steps {
        let name = step.name();
        match step.check() {
            Found::Ready(what) => tell(format_args!("    ok       {name}: {what}")),
            Found::Missing(what) => {
                tell(format_args!("    missing  {name}: {what}\n             needed {}", step.why()));
                match act(step.as_ref(), &mut apt) {
                    Ok(told) => tell(format_args!("    {told}")),
                    Err(error) => {
                        tell(format_args!("    failed   {name}: {error:#}\n{}", step.by_hand()));
                        failed.push(name);
                    }
                }
            }
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("not set up: {}; type one of the lines above, then run this again", failed.join(", "))
}

/// Does one step and looks again whether it is now true.
fn act(step: &dyn Step, apt: &mut Apt) -> Result<String> {
    match step.act(apt)? {
        Done::Later(when) => Ok(format!("later    {}: {when}", step.name())),
        Done::Now => match step.check() {
            Found::Ready(what) => Ok(format!("done     {}: {what}", step.name())),
            Found::Missing(what) => bail!("was installed, but still: {what}"),
        },
    }
}

/// Says what is there and what is not; changes nothing.
fn report(steps: &[Box<dyn Step>]) -> Result<()> {
    let mut missing = Vec::new();
    let mut lines = Vec::new();
    for step in steps {
        let (name, why) = (step.name(), step.why());
        match step.check() {
            Found::Ready(what) => lines.push(format!("    ok       {name}: {what}")),
            Found::Missing(what) => {
                lines.push(format!("    missing  {name}: {what}\n             needed {why}\n{}", step.by_hand()));
                missing.push(name);
            }
        }
    }
    let printed = print(lines.join("\n"));
    if missing.is_empty() {
        return printed;
    }
    bail!("missing: {}; `cargo xtask setup` installs what it can", missing.join(", "))
}

/// The steps, in order.
fn steps(purpose: Purpose) -> Result<Vec<Box<dyn Step>>> {
    // The demo makes do with one board; the tests build all of them, and run those that are emulated.
    let boards = match purpose {
        Purpose::Demo => vec![board::named(DEFAULT_BOARD)?],
        Purpose::Tests => boards::all()?,
    };
    let triples: BTreeSet<_> = boards.iter().map(|board| board.triple.clone()).collect();
    let emulated = boards.into_iter().filter(|board| board.emulator.is_some());
    let programs: BTreeSet<_> = emulated.map(|board| board.emulator_program).collect();
    let linker = linker::Linker { triples: triples.iter().cloned().collect() };
    let targets = triples.into_iter().map(|triple| Box::new(target::FirmwareTarget { triple }) as Box<dyn Step>);
    let mut steps: Vec<Box<dyn Step>> = targets.collect();
    steps.push(Box::new(linker));
    steps.extend(programs.into_iter().map(|program| Box::new(emulator::Emulator { program }) as Box<dyn Step>));
    steps.push(Box::new(data::DataSet));
    if purpose == Purpose::Tests {
        steps.push(Box::new(browser::Browser));
    }
    Ok(steps)
}
