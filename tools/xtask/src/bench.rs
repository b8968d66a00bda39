//! `cargo xtask bench`: the cost of an inference on boards.

mod examples;
mod growth;
mod page;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use boards::{Board, owned};
use clap::Args;
use host_support::errors::chain;
use host_support::files;
use host_support::numbers::whole;
use serde::de::DeserializeOwned;

use crate::output::log;
use crate::parity::{PROBE, board_of, build_firmware};
use crate::process::Job;
use crate::work::{Work, answered, fixture};
use crate::workspace::{Workspace, shown};
use crate::{UsageError, board, estimate, run_folder};

/// The budgets of the fixture, relative to the workspace.
const BUDGETS: &str = "tests/bench-budgets.toml";

/// The budgets of a convolutional network, and its model, for the first test images.
const CONVOLUTION_BUDGETS: &str = "tests/convolution-budgets.toml";
const CONVOLUTION_MODEL: &str = "models/conv-12k.bin";
const CONVOLUTION_IMAGES: &str = "128";

#[derive(Args)]
#[command(after_help = "Examples:\n  \
    cargo xtask bench --fixture\n  \
    cargo xtask bench --examples\n  \
    cargo xtask bench mps2-an386 --model runs/mine\n  \
    cargo xtask bench nrf52840-dk --probe --record docs/measured/nrf52840-dk.json")]
pub struct Options {
    /// A folder of firmware/boards: emulated, or probe-BOARD through a debug probe, which is
    /// flashed. [default: every emulated board]
    #[arg(value_name = "BOARD")]
    boards: Vec<String>,
    /// Measure hardware boards through debug probes, in cycles: BOARD means probe-BOARD.
    #[arg(long, requires = "boards")]
    probe: bool,
    /// Write the cycles that --probe measured to this file: a record for docs/measured,
    /// which docs/latency.md lists.
    #[arg(long, value_name = "FILE.json", requires = "probe", conflicts_with = "json")]
    record: Option<PathBuf>,
    /// The model, or the folder of its run. [default: the demo's]
    #[arg(long, value_name = "FILE|DIR")]
    model: Option<PathBuf>,
    /// The folder of the data set whose test images are measured. [default: the trainer's choice]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Measure the first N test images.
    #[arg(long = "pictures", value_name = "N", default_value_t = 200,
        value_parser = whole::<u32>(1..),
        conflicts_with_all = ["budgets", "write_budgets", "write_docs", "check"])]
    images: u32,
    /// Measure the model and images of tests/fixtures, which needs no training.
    #[arg(long, conflicts_with_all = ["model", "data"])]
    fixture: bool,
    /// Print one JSON array on standard output instead of tables.
    #[arg(long)]
    json: bool,
    /// Also draw the bars of each core, ours and others', as SVG.
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
    /// Fail if the fixture exceeds tests/bench-budgets.toml, or models/conv-12k.bin exceeds
    /// tests/convolution-budgets.toml.
    #[arg(long, conflicts_with_all = ["model", "data", "probe"])]
    budgets: bool,
    /// Write the measurements of both to these files.
    #[arg(long, conflicts_with_all = ["model", "data", "budgets", "boards"])]
    write_budgets: bool,
    /// Write the tables of docs/bench.md (the fixture on every emulated board) and its chart.
    #[arg(long, conflicts_with_all = ["model", "data", "budgets", "boards", "write_budgets", "json", "chart"])]
    write_docs: bool,
    /// Write nothing; exit with 1 if the tables of docs/bench.md would change.
    #[arg(long, conflicts_with_all = [
        "model", "data", "budgets", "boards", "write_budgets", "json", "chart", "write_docs",
    ])]
    check: bool,
    /// Draw how the cost grows with the network: trains networks of several widths for an epoch
    /// each and measures them on a core of each kind.
    #[arg(long, conflicts_with_all = [
        "model", "boards", "budgets", "write_budgets", "write_docs", "check", "json", "fixture",
    ])]
    growth: bool,
    /// Measure models that are compiled into examples/bare-metal: code, RAM and instructions. The
    /// budgets are in tests/example-budgets.toml, the table in docs/your-firmware.md.
    #[arg(long, conflicts_with_all = [
        "model", "data", "boards", "fixture", "images", "chart", "growth", "arguments",
    ])]
    examples: bool,
    /// Arguments for `bench measure`; `cargo run --bin bench -- measure --help` describes them.
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

pub fn command(workspace: &Workspace, options: Options) -> Result<()> {
    if options.growth {
        return growth::command(workspace, options.data.as_deref(), options.images, options.chart);
    }
    if options.examples {
        return examples::command(workspace, &options);
    }
    if options.write_docs || options.check {
        return page::command(workspace, options.check);
    }
    let devices = devices(&options.boards, options.probe)?;
    if options.budgets || options.write_budgets {
        workspace.build_programs()?;
        build_firmware(workspace, &devices)?;
        let flag = if options.budgets { "--budgets" } else { "--write-budgets" };
        return with_budgets(workspace, &devices, flag, &options.arguments);
    }
    let work = if options.fixture {
        workspace.build_program("bench")?;
        fixture(workspace)
    } else {
        chosen(workspace, options.model, options.data.as_deref())?
    };
    let job = measuring(workspace, &devices, &work)?.args(["--pictures", &options.images.to_string()]);
    let estimates = if options.json { None } else { estimates(workspace, &devices, &work, options.images) };
    let job = job.option("--estimates", estimates).option("--record", options.record);
    let job = job.flag("--json", options.json).option("--chart", options.chart);
    job.args(options.arguments).run_to_stdout()
}

/// Writes estimates for those of `devices` that are hardware, to print them next to what is
/// measured. Returns the file; `None` without estimates, whose reason is logged.
fn estimates(workspace: &Workspace, devices: &[String], work: &Work, images: u32) -> Option<PathBuf> {
    let boards: Vec<_> = devices.iter().filter_map(|device| device.strip_prefix(PROBE)).collect();
    let boards: Vec<_> = boards.into_iter().filter_map(|board| owned::named(board).ok()).collect();
    if boards.is_empty() {
        return None;
    }
    let written = (|| {
        let path = workspace.folder("bench")?.join("estimates.json");
        files::write(&path, estimate::of_boards(workspace, &boards, work, images)?.as_bytes())?;
        anyhow::Ok(path)
    })();
    written.map_err(|error| log(format_args!("    not estimated: {}", chain(error.as_ref())))).ok()
}

/// Checks the budgets on every emulated board. Programs and firmware must be built.
pub fn verify_budgets(workspace: &Workspace) -> Result<()> {
    with_budgets(workspace, &emulated()?, "--budgets", &[])?;
    examples::verify_budgets(workspace)
}

/// Measures both models with budgets; `flag` says whether `bench` compares or writes them.
fn with_budgets(workspace: &Workspace, devices: &[String], flag: &str, arguments: &[String]) -> Result<()> {
    let file = |path: &str| workspace.root.join(path);
    let job = tool(workspace, devices, &fixture(workspace))?.args(arguments);
    job.arg(flag).arg(file(BUDGETS)).run_to_stdout()?;
    let folder = workspace.folder("bench")?;
    let work = answered(workspace, file(CONVOLUTION_MODEL), &folder, None)?;
    let job = tool(workspace, devices, &work)?.args(["--pictures", CONVOLUTION_IMAGES]).args(arguments);
    job.arg(flag).arg(file(CONVOLUTION_BUDGETS)).run_to_stdout()
}

/// Returns the output of `bench` for one image on every emulated board, for its memory figures.
pub fn memory<T: DeserializeOwned>(workspace: &Workspace) -> Result<Vec<T>> {
    workspace.build_program("bench")?;
    measuring(workspace, &emulated()?, &fixture(workspace))?.args(["--pictures", "1", "--json"]).capture_json()
}

/// Returns the model that the options name, with its answers.
fn chosen(workspace: &Workspace, model: Option<PathBuf>, data: Option<&Path>) -> Result<Work> {
    let model = model.map_or_else(|| workspace.demo_model(), run_folder::model_of);
    if !model.is_file() {
        let shown = shown(&model);
        bail!("model {shown} does not exist; run `cargo xtask demo`, or name one with --model FILE, or use --fixture");
    }
    workspace.build_programs()?;
    answered(workspace, model, &workspace.folder("bench")?, data)
}

/// Builds the firmware of `devices` and returns the job that measures them.
fn measuring(workspace: &Workspace, devices: &[String], work: &Work) -> Result<Job> {
    build_firmware(workspace, devices)?;
    tool(workspace, devices, work)
}

/// Returns the job that measures `work` on `devices`, whose firmware is built.
pub fn tool(workspace: &Workspace, devices: &[String], work: &Work) -> Result<Job> {
    let job = work.add_to(workspace.job("bench").arg("measure").args(devices));
    Ok(job.arg("--firmware").arg(workspace.folder("firmware")?))
}

fn emulated() -> Result<Vec<String>> {
    Ok(board::all_emulated()?.into_iter().map(|board| board.name).collect())
}

fn devices(names: &[String], probe: bool) -> Result<Vec<String>> {
    if names.is_empty() {
        return emulated();
    }
    let device = |typed: &String| {
        let Board { name, chip, emulator, .. } = board::named(board_of(typed))?;
        let usage = |text: String| Err(UsageError(text).into());
        match (probe || typed.starts_with(PROBE), emulator, chip) {
            (false, Some(_), _) => Ok(name),
            (false, None, _) => usage(format!("{name} is not emulated; --probe measures it through a debug probe")),
            (true, Some(_), _) => usage(format!(
                "{name} is emulated, and instructions cannot be counted through a probe; leave out --probe and probe-"
            )),
            (true, None, Some(_)) => Ok(format!("{PROBE}{name}")),
            (true, None, None) => usage(format!("{name} cannot be reached through a debug probe")),
        }
    };
    names.iter().map(device).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulated_boards_are_measured_in_qemu_and_others_through_a_probe() {
        let of = |name: &str, probe| devices(&[name.to_owned()], probe).map_err(|error| error.to_string());
        assert_eq!(of("mps2-an386", false), Ok(vec!["mps2-an386".into()]));
        assert_eq!(of("pico2", true), Ok(vec!["probe-pico2".into()]));
        assert_eq!(of("probe-pico2", false), of("pico2", true));
        assert!(of("pico2", false).unwrap_err().contains("--probe"));
        assert!(of("probe-mps2-an386", false).unwrap_err().contains("emulated"));
        assert!(of("no-such-board", false).unwrap_err().contains("the boards are"));
        let all = devices(&[], false).unwrap();
        assert!(all.contains(&"microbit".into()) && !all.contains(&"pico2".into()), "{all:?}");
    }

    #[test]
    fn the_files_with_budgets_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!([BUDGETS, CONVOLUTION_BUDGETS, CONVOLUTION_MODEL].iter().all(|path| root.join(path).is_file()));
    }
}
