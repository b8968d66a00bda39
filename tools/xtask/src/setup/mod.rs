//! `cargo xtask setup`: checks each step, and installs what is missing.

mod apt;
mod browser;
mod c_compiler;
mod data;
mod device;
mod emulator;
mod linker;
mod probe_rs;
mod slurm;
mod steps;
mod target;

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::DEFAULT_BOARD;
use crate::board;
use crate::examples::{self, Example};
use crate::image;
use crate::output::{log, print};
use crate::trainer::Backend;
use crate::workspace::Workspace;

pub use apt::is_root;

use apt::Apt;
use steps::{About, Done, Found, Step};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Demo,
    /// The demo, and everything that the tests need.
    Tests,
}

pub fn has_browser() -> bool {
    matches!(browser::Browser.check(), Found::Ready(_))
}

pub fn command(check: bool, probe_rs: bool) -> Result<()> {
    let mut steps = steps(Purpose::Tests)?;
    if probe_rs {
        steps.push(Box::new(probe_rs::ProbeRs));
    }
    if check { report(&steps) } else { ensure_all(&steps) }
}

/// Installs what is missing, and reports it on standard error.
pub fn ensure(purpose: Purpose) -> Result<()> {
    ensure_all(&steps(purpose)?)
}

/// Like [`ensure`], for the data set alone.
pub fn ensure_data() -> Result<()> {
    ensure_all(&[Box::new(data::DataSet)])
}

/// Like [`ensure`], for Slurm alone.
pub fn ensure_slurm() -> Result<()> {
    ensure_all(&[Box::new(slurm::Slurm)])
}

/// Like [`ensure`], for a compiler with the library for one target.
pub fn ensure_target(triple: &str) -> Result<()> {
    ensure_all(&[Box::new(target::CompilerTarget { triple: triple.to_owned() })])
}

/// Like [`ensure`], for a device for `backend`. The trainer of `workspace` must be built.
pub fn ensure_device(workspace: &Workspace, backend: Backend) -> Result<()> {
    ensure_all(&[Box::new(device::GraphicsDevice { workspace, backend })])
}

fn ensure_all(steps: &[Box<dyn Step + '_>]) -> Result<()> {
    let mut apt = Apt::default();
    let mut failed = Vec::new();
    for step in steps {
        let About { name, purpose } = step.about();
        match step.check() {
            Found::Ready(what) => log(format_args!("    ok       {name}: {what}")),
            Found::Missing(what) => {
                log(format_args!("    missing  {name}: {what}\n             needed {purpose}"));
                match act(step.as_ref(), &mut apt) {
                    Ok(text) => log(format_args!("    {text}")),
                    Err(error) => {
                        let error = host_support::errors::chain(error.as_ref());
                        log(format_args!("    failed   {name}: {error}\n{}", step.by_hand()));
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

/// Performs a step and checks it again.
fn act(step: &dyn Step, apt: &mut Apt) -> Result<String> {
    let name = step.about().name;
    match step.act(apt)? {
        Done::Later(when) => Ok(format!("later    {name}: {when}")),
        Done::Now => match step.check() {
            Found::Ready(what) => Ok(format!("done     {name}: {what}")),
            Found::Missing(what) => bail!("installed, but the check still fails: {what}"),
        },
    }
}

/// Prints what is installed and what is missing; changes nothing.
fn report(steps: &[Box<dyn Step>]) -> Result<()> {
    let mut missing = Vec::new();
    let mut lines = Vec::new();
    for step in steps {
        let About { name, purpose } = step.about();
        match step.check() {
            Found::Ready(what) => lines.push(format!("    ok       {name}: {what}")),
            Found::Missing(what) => {
                lines.push(format!("    missing  {name}: {what}\n             needed {purpose}\n{}", step.by_hand()));
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

fn steps(purpose: Purpose) -> Result<Vec<Box<dyn Step>>> {
    // The demo needs one board; the tests build all boards and examples, and run the emulated ones.
    let (boards, examples) = match purpose {
        Purpose::Demo => (vec![board::named(DEFAULT_BOARD)?], Vec::new()),
        Purpose::Tests => (boards::all()?, examples::all()?),
    };
    let triples = boards.iter().map(|board| &board.triple).chain(examples.iter().map(|example| &example.triple));
    let mut triples: BTreeSet<_> = triples.cloned().collect();
    let emulators = boards.iter().filter_map(|board| board.emulator.as_ref()).map(|emulator| emulator.program.as_str());
    let emulators = emulators.chain(examples.iter().filter_map(Example::emulator));
    let programs: BTreeSet<_> = emulators.map(str::to_owned).collect();
    let linker = linker::Linker { triples: triples.iter().cloned().collect() };
    if purpose == Purpose::Tests {
        triples.insert(image::BROWSER_TRIPLE.to_owned());
    }
    let targets = triples.into_iter().map(|triple| Box::new(target::CompilerTarget { triple }) as Box<dyn Step>);
    let mut steps: Vec<Box<dyn Step>> = targets.collect();
    steps.push(Box::new(linker));
    steps.extend(programs.into_iter().map(|program| Box::new(emulator::Emulator { program }) as Box<dyn Step>));
    steps.push(Box::new(data::DataSet));
    if purpose == Purpose::Tests {
        steps.push(Box::new(c_compiler::CCompiler));
        steps.push(Box::new(browser::Browser));
    }
    Ok(steps)
}
