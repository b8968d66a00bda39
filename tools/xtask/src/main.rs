//! `cargo xtask`: one command for each task of a developer. Each command is a module.

#![forbid(unsafe_code)]

mod ask;
mod bench;
mod bench_train;
mod board;
mod boards_table;
mod check;
mod cluster;
mod demo;
mod estimate;
mod examples;
mod frontier;
mod image;
mod interrupt;
mod output;
mod package;
mod parity;
mod playground;
mod probe;
mod process;
mod programs;
mod run_folder;
mod setup;
mod sizes;
mod stages;
mod table;
mod test;
mod trainer;
mod work;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use host_support::errors;
use thiserror::Error;

use process::Reported;
use workspace::Workspace;

/// The board that the demo and the tests use by default.
const DEFAULT_BOARD: &str = "mps2-an386";

/// Sets up, trains, builds firmware, and compares host and device.
#[derive(Parser)]
#[command(
    version,
    bin_name = "cargo xtask",
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Examples:\n  \
        cargo xtask demo                    set up, train, build firmware, compare every logit\n  \
        cargo xtask test -p prenda-core    run the checks, and the tests of one package\n  \
        cargo xtask ask --image shoe.jpg    ask host and device about one image\n  \
        cargo xtask run mps2-an386          run the demo's model on an emulated board\n  \
        cargo xtask check fuzz --seconds 600"
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what is missing: firmware targets, a linker, QEMU, the data set, a browser for
    /// tests.
    Setup {
        /// Change nothing; report, and exit with 1 if something is missing.
        #[arg(long)]
        check: bool,
        /// Also install the command-line tool of probe-rs, which flashes boards: ten minutes of
        /// building.
        #[arg(long)]
        probe_rs: bool,
    },
    /// Trains, builds firmware, runs it, and compares every logit of every test image.
    Demo {
        /// Print one JSON object on standard output instead of tables.
        #[arg(long)]
        json: bool,
    },
    /// Sets up what is missing and runs every test, lint and budget.
    #[command(after_help = "Examples:\n  \
        cargo xtask test\n  \
        cargo xtask test -p prenda-core\n  \
        cargo xtask test -- --nocapture")]
    Test {
        /// Arguments for `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        arguments: Vec<String>,
    },
    /// Compares the model on the host with the model on each device.
    Parity(parity::Options),
    /// Asks host and device about images of your own: what the network sees, and both answers.
    ///
    /// The exit code is 0 only if no value differs.
    Ask(ask::Options),
    /// Writes one HTML page that runs a model in a browser, with the device's own integers.
    ///
    /// Installs the compiler's target for browsers if it is missing.
    Playground(playground::Options),
    /// Measures an inference on boards: instructions or cycles, code by function, memory.
    Bench(bench::Options),
    /// Estimates cycles, time and energy of an inference, or of a part of any program, on boards
    /// that are not there.
    ///
    /// The figures have the errors that docs/latency.md explains.
    Estimate(estimate::Options),
    /// Measures training throughput of each CPU backend and, if installed, of PyTorch and Keras.
    BenchTrain(bench_train::Options),
    /// Trains a list of networks, measures each on emulated cores, and prints or writes the table,
    /// for example that of docs/frontier.md.
    ///
    /// The teacher takes about 40 minutes on two cores, once; the networks of one seed take hours,
    /// most of them for 1,024 and 512 + 256 neurons; measuring a model takes seconds. Existing runs
    /// and measurements are kept, so an interrupted command continues. --shard I/N trains a part,
    /// for an array of jobs: docs/cluster.md. --reduced takes some minutes and gives no usable
    /// figures.
    Frontier(frontier::Options),
    /// Trains the reduced list of `frontier` as an array of jobs under Slurm on this machine, kills
    /// one of them, and compares all runs with those of one process.
    ///
    /// Installs Slurm, needs root, and takes about five minutes: docs/cluster.md.
    Cluster,
    /// Flashes a board with probe-rs: the firmware, or a model alone.
    Flash(probe::Options),
    /// Flashes and starts a board with probe-rs and shows its logs until interrupted.
    ///
    /// A board that can be emulated is emulated unless --probe names a debug probe.
    Run(probe::Options),
    /// Emulates a board with a virtual debug probe, for probe-rs, `flash` and `run`, until
    /// interrupted.
    Probe {
        /// An emulated board of firmware/boards.
        #[arg(value_name = "BOARD", default_value = DEFAULT_BOARD)]
        board: String,
        /// The TCP port on this host; 0 for any free port.
        #[arg(long, value_name = "PORT", default_value_t = probe::PORT)]
        port: u16,
    },
    /// Builds every board's firmware and prints its memory: flash, variables, stack.
    ///
    /// The stack is measured on emulated boards.
    Boards(boards_table::Options),
    /// Builds a board's firmware, prints its size and checks that it cannot panic.
    Firmware {
        /// A folder in firmware/boards, or c-firmware: the example in C, with the committed model.
        #[arg(value_name = "BOARD", default_value = DEFAULT_BOARD)]
        board: String,
    },
    /// Writes a folder with prenda for C, Zephyr or Arduino to prenda/package in the target folder.
    ///
    /// It has a static library for each core whose target is installed.
    Package(package::Options),
    /// Runs one of the rare or long checks: lints, fuzzing, profiles, licences and others.
    #[command(subcommand)]
    Check(check::Check),
}

/// A mistake in the arguments: exit code 2, while other failures have 1.
#[derive(Debug, Error)]
#[error("{0}")]
struct UsageError(String);

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    interrupt::handle();
    let Err(error) = run(task) else { return ExitCode::SUCCESS };
    if output::is_closed(&error) {
        return ExitCode::SUCCESS;
    }
    if let Some(reported) = error.downcast_ref::<Reported>() {
        return ExitCode::from(reported.code());
    }
    output::log(format_args!("error: {}", errors::chain(error.as_ref())));
    ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
}

fn run(task: Task) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Setup { check, probe_rs } => setup::command(check, probe_rs),
        Task::Demo { json } => demo::command(&workspace, json),
        Task::Test { arguments } => test::command(&workspace, &arguments),
        Task::Parity(options) => parity::command(&workspace, options),
        Task::Ask(options) => ask::command(&workspace, options),
        Task::Playground(options) => playground::command(&workspace, options),
        Task::Bench(options) => bench::command(&workspace, options),
        Task::Estimate(options) => estimate::command(&workspace, options),
        Task::BenchTrain(options) => bench_train::command(&workspace, &options),
        Task::Frontier(options) => frontier::command(&workspace, &options),
        Task::Cluster => cluster::command(&workspace),
        Task::Flash(options) => probe::flash(&workspace, options),
        Task::Run(options) => probe::run(&workspace, options),
        Task::Probe { board, port } => probe::serve(&workspace, &board, port),
        Task::Boards(options) => boards_table::command(&workspace, &options),
        Task::Firmware { board } if board == package::C_EXAMPLE => {
            workspace.build_program("host-trainer")?;
            package::build_example(&workspace)
        }
        Task::Firmware { board } => image::command(&workspace, &board),
        Task::Package(options) => package::command(&workspace, &options),
        Task::Check(check) => check::command(&workspace, &check),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn arguments_after_test_reach_cargo_test_unchanged() {
        let arguments = Arguments::try_parse_from(["xtask", "test", "-p", "parity", "--", "--nocapture"]);
        let Ok(Arguments { task: Task::Test { arguments } }) = arguments else {
            panic!("`test` with arguments was rejected");
        };
        assert_eq!(arguments, ["-p", "parity", "--", "--nocapture"]);
    }

    #[test]
    fn every_command_in_documents_is_one() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let pages = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let pages = pages.filter(|page| page.extension().is_some_and(|end| end == "md"));
        let mut count = 0;
        for page in pages.chain(["README.md", "CONTRIBUTING.md"].map(|page| root.join(page))) {
            let text = std::fs::read_to_string(&page).unwrap();
            let lines = text.lines().filter(|line| line.starts_with("$ "));
            for command in lines.flat_map(|line| line[2..].split("&&")) {
                let command = command.split('#').next().unwrap_or_default();
                let Some(rest) = command.trim().strip_prefix("cargo xtask ") else { continue };
                let arguments = ["xtask"].into_iter().chain(rest.split_whitespace());
                let parsed = Arguments::try_parse_from(arguments);
                assert!(parsed.is_ok(), "{}: {command}: {:?}", page.display(), parsed.err().map(|error| error.kind()));
                count += 1;
            }
        }
        assert!(count >= 30, "{count}");
    }
}
