//! `cargo xtask estimate`: cycles, time and energy on boards that are not there.

pub mod budgets;
mod fit;
mod page;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};
use boards::owned::{self, OwnedBoard};
use clap::Args;
use host_support::numbers::whole;

use crate::parity::build_firmware;
use crate::process::Job;
use crate::work::{Work, answered, fixture};
use crate::workspace::{Workspace, shown};
use crate::{UsageError, run_folder};

/// Cores without wait states, in the order of tables and budgets.
const CORES: [&str; 6] = ["cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m33", "rv32"];

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask estimate\n  \
    cargo xtask estimate nrf52840-dk pico2 --model runs/mine\n  \
    cargo xtask estimate cortex-m4 --elf mine.elf --from infer\n  \
    cargo xtask estimate stm32f4-discovery --wait-states 3 --clock 90000000")]
pub struct Options {
    /// A board of tools/boards/owned.toml, or a core without wait states: cortex-m0, -m0plus, -m3,
    /// -m4, -m33 or rv32; of cortex-m7 and -m55 only instructions are counted. [default: every
    /// board]
    #[arg(value_name = "BOARD", conflicts_with = "whole")]
    boards: Vec<String>,
    /// The model, or the folder of its run. [default: that of tests/fixtures]
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "whole")]
    model: Option<PathBuf>,
    /// The folder of the data set whose test images are inferred. [default: the trainer's choice]
    #[arg(long, value_name = "DIR", requires = "model")]
    data: Option<PathBuf>,
    /// Infer the first N test images.
    #[arg(long = "pictures", value_name = "N", default_value_t = 128, conflicts_with = "whole",
        value_parser = whole::<u32>(1..))]
    images: u32,
    /// Another clock.
    #[arg(long, value_name = "HZ", value_parser = whole::<u64>(1..), conflicts_with = "whole")]
    clock: Option<u64>,
    /// Other wait states of the flash.
    #[arg(long, value_name = "N", conflicts_with = "whole")]
    wait_states: Option<u32>,
    /// Estimate a part of this program instead of an inference. [default board: the core that it is
    /// compiled for]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "images", "whole"], requires = "from")]
    elf: Option<PathBuf>,
    /// The start of the part: a symbol, or an address such as 0x1234.
    #[arg(long, value_name = "SYMBOL", requires = "elf")]
    from: Option<String>,
    /// The end of the part, which is not included. [default: the return from the function at
    /// --from]
    #[arg(long, value_name = "SYMBOL", requires = "elf")]
    to: Option<String>,
    /// Print one JSON array on standard output instead of tables.
    #[arg(long, conflicts_with = "whole")]
    json: bool,
    /// Fail if the committed model takes more cycles on a core than tests/cycle-budgets.toml
    /// allows.
    #[arg(long, group = "whole")]
    budgets: bool,
    /// Write the estimates to this file.
    #[arg(long, group = "whole")]
    write_budgets: bool,
    /// Write the tables of docs/latency.md.
    #[arg(long, group = "whole")]
    write_docs: bool,
    /// Write nothing; exit with 1 if the tables of docs/latency.md would change.
    #[arg(long, group = "whole")]
    check: bool,
    /// Fit the costs of tools/cycles/costs.toml, from which `host-trainer` estimates without an
    /// emulator: ten minutes.
    #[arg(long, group = "whole")]
    fit: bool,
    /// Arguments for the program `estimate`; `cargo run --bin estimate -- --help` describes them.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

pub fn command(workspace: &Workspace, options: Options) -> Result<()> {
    if options.budgets || options.write_budgets {
        return budgets::with_build(workspace, options.write_budgets);
    }
    if options.fit {
        return fit::command(workspace);
    }
    if options.write_docs || options.check {
        return page::command(workspace, options.check);
    }
    let boards = boards(&options)?;
    if let Some(elf) = &options.elf {
        workspace.build_program("estimate")?;
        let job = workspace.job("estimate").args(&options.boards).arg("--elf").arg(elf);
        let job = job.option("--from", options.from.as_ref()).option("--to", options.to.as_ref());
        return settings(job, &options).run_to_stdout();
    }
    let work = match options.model.clone() {
        None => fixture(workspace),
        Some(model) => {
            let model = run_folder::model_of(model);
            if !model.is_file() {
                bail!("model {} does not exist; train it, or leave out --model", shown(&model));
            }
            workspace.build_program("host-trainer")?;
            answered(workspace, model, &workspace.folder("estimate")?, options.data.as_deref())?
        }
    };
    workspace.build_program("estimate")?;
    build(workspace, &boards)?;
    let job = job(workspace, &work)?.args(&options.boards).args(["--pictures", &options.images.to_string()]);
    settings(job, &options).run_to_stdout()
}

/// Returns the named boards, or all of them. Fails if one does not have the wait states.
fn boards(options: &Options) -> Result<Vec<OwnedBoard>> {
    let named = match options.boards.as_slice() {
        [] if options.elf.is_some() => Vec::new(),
        [] => owned::owned()?,
        names => names.iter().map(|name| owned::named(name)).collect::<Result<_, _>>().map_err(usage)?,
    };
    let set = |board: OwnedBoard| board.with(options.clock, options.wait_states);
    named.into_iter().map(set).collect::<Result<_, _>>().map_err(usage)
}

fn usage(error: owned::OwnedError) -> anyhow::Error {
    UsageError(error.to_string()).into()
}

/// Returns estimates of the first `images` of `work` on `boards`, as JSON.
pub fn of_boards(workspace: &Workspace, boards: &[OwnedBoard], work: &Work, images: u32) -> Result<String> {
    workspace.build_program("estimate")?;
    build(workspace, boards)?;
    let job = job(workspace, work)?.args(boards.iter().map(|board| &board.name));
    job.args(["--pictures", &images.to_string()]).arg("--json").capture()
}

/// Returns the boards of [`CORES`].
fn cores() -> Result<Vec<OwnedBoard>> {
    Ok(CORES.iter().map(|core| owned::named(core)).collect::<Result<_, _>>()?)
}

/// Builds the firmware that runs for `boards`.
fn build(workspace: &Workspace, boards: &[OwnedBoard]) -> Result<()> {
    let emulated: BTreeSet<_> = boards.iter().filter_map(OwnedBoard::emulated).map(str::to_owned).collect();
    build_firmware(workspace, &emulated.into_iter().collect::<Vec<_>>())
}

/// Returns the command that estimates a model.
fn job(workspace: &Workspace, work: &Work) -> Result<Job> {
    Ok(work.add_to(workspace.job("estimate")).arg("--firmware").arg(workspace.folder("firmware")?))
}

fn settings(job: Job, options: &Options) -> Job {
    let job = job.option("--clock", options.clock.map(|clock| clock.to_string()));
    let job = job.option("--wait-states", options.wait_states.map(|wait_states| wait_states.to_string()));
    job.flag("--json", options.json).args(&options.arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn boards_of(line: &[&str]) -> Result<Vec<String>, String> {
        let line = Line::try_parse_from([&["estimate"], line].concat()).map_err(|error| error.to_string())?;
        let boards = boards(&line.options).map_err(|error| error.to_string())?;
        Ok(boards.into_iter().map(|board| board.name).collect())
    }

    #[test]
    fn boards_and_cores_have_names_and_settings_that_they_can_have() {
        assert!(boards_of(&[]).unwrap().contains(&"nrf52840-dk".to_owned()));
        assert_eq!(boards_of(&["pico2", "cortex-m4"]).unwrap(), ["pico2", "cortex-m4"]);
        assert_eq!(boards_of(&["--elf", "a.elf", "--from", "f"]).unwrap(), [""; 0]);
        let error = |line: &[&str]| boards_of(line).unwrap_err();
        assert!(error(&["arduino-uno"]).contains("unknown board \"arduino-uno\""));
        assert!(error(&["cortex-m4", "--wait-states", "1"]).contains("found 1 wait states"));
        assert!(error(&["--clock", "0"]).contains("--clock"));
        assert!(error(&["--elf", "a.elf"]).contains("--from"));
        assert!(error(&["--write-docs", "--json"]).contains("--json"));
    }
}
