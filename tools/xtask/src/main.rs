//! `cargo xtask`: what a person would otherwise type. Each command is a module.

#![forbid(unsafe_code)]

mod bench;
mod bench_train;
mod board;
mod boards_table;
mod demo;
mod deny;
mod frontier;
mod fuzz;
mod gpu;
mod image;
mod interrupt;
mod link;
mod memcheck;
mod output;
mod page;
mod parity;
mod probe;
mod process;
mod profiles;
mod programs;
mod run_folder;
mod setup;
mod sizes;
mod stages;
mod table;
mod test;
mod trainer;
mod unsafe_code;
mod workspace;

use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use process::Told;
use workspace::Workspace;

/// The board that the demo and the tests use when none is named.
const DEFAULT_BOARD: &str = "mps2-an386";

/// Sets up, trains, builds firmware, and compares desk and device.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what is missing: the firmware's target, a linker, QEMU, the data set, and a browser for the tests.
    Setup {
        /// Changes nothing: reports, and exits with 1 if something is missing.
        #[arg(long)]
        check: bool,
        /// Also the command-line tool of probe-rs, which flashes boards: some ten minutes of building.
        #[arg(long)]
        probe_rs: bool,
    },
    /// The main job: set-up, training, firmware, and every logit of every test picture compared.
    Demo {
        /// Prints one JSON object on standard output instead of tables.
        #[arg(long)]
        json: bool,
    },
    /// Sets up what is missing and runs every test.
    Test {
        /// Passed on to `cargo test`, for example `-p shared-model` or `-- --nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        arguments: Vec<String>,
    },
    /// Compares the model on the desk with the model on each device.
    Parity {
        /// `loopback`, a BOARD of firmware/boards in QEMU, or probe-BOARD behind a debug probe, which is flashed; loopback
        /// and the default board when none is named.
        #[arg(value_name = "DEVICE")]
        devices: Vec<String>,
        /// Loopback and every emulated board.
        #[arg(long, conflicts_with = "devices")]
        all: bool,
        /// The model to compare, or the folder of the run that it came of, which then keeps what was found as
        /// parity-DEVICE.json; the demo's run when not given.
        #[arg(long, value_name = "FILE|DIR")]
        model: Option<PathBuf>,
        /// With its weights in vectors, as cores with Helium want them, such as mps3-an547's.
        #[arg(long)]
        vectors: bool,
        /// The folder of the data set whose test pictures are compared; the trainer's choice when not given.
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Prints one JSON array on standard output instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Damages what goes over the link to devices and back, in every way and at every rate, and holds each answer that is taken against
    /// the host's: docs/format.md.
    Link(link::Options),
    /// Counts what an inference takes on boards: instructions of emulated ones, cycles on the desk; code by function, memory; beside
    /// others' figures.
    Bench(bench::Options),
    /// Times training: pictures a second, with each backend of the processor and, where installed, PyTorch and Keras.
    BenchTrain {
        /// How often each trains three epochs, alternating, 1 or more.
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
        /// A Python that has torch, keras, tensorflow and numpy: theirs are timed, too.
        #[arg(long, value_name = "PROGRAM")]
        python: Option<PathBuf>,
        /// Prints one JSON array on standard output instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Trains many networks in many ways, measures each on a Cortex-M4 and a Cortex-M0, and prints or writes the table of docs/frontier.md.
    ///
    /// The teacher takes about 40 minutes on two cores, once; the networks of one seed some hours, most of it those of 1,024 and
    /// 512 + 256 neurons; measuring a model some seconds. Whatever is there already, runs and measurements, is kept, so that it
    /// goes on where it was ended. --shard I/N trains a part, for an array of jobs: docs/frontier.md. --reduced takes some
    /// minutes, and its figures say nothing of the networks.
    Frontier(frontier::Options),
    /// Fuzzes what reads bytes of others: models, and the link. Fails where a promise is broken, with the bytes that do it.
    ///
    /// By libFuzzer, under the address sanitizer; the first time it installs cargo-fuzz, and builds, which takes some minutes.
    /// What it finds worth keeping stays in the folder `prenda/fuzz` of the target folder, and the next run goes on with it.
    Fuzz(fuzz::Options),
    /// Trains on a graphics card and compares the model with `loopback`, every logit of every test picture.
    ///
    /// Builds the trainer with a backend for graphics cards, which compiles burn once more (half an hour on two cores),
    /// into the folder `gpu` of the target folder, so that the default build stays as it is. Where there is no device
    /// that speaks Vulkan it installs Debian's Vulkan in software, or prints the line to type. Exits with 0 only where
    /// all agrees.
    Gpu {
        /// What trains.
        #[arg(long, value_enum, default_value_t = gpu::Backend::Wgpu)]
        backend: gpu::Backend,
        /// How often every training picture is seen.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        epochs: u32,
        /// Prints one JSON object on standard output instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Flashes a board by probe-rs: the firmware, or a model alone.
    Flash {
        /// A folder in firmware/boards.
        #[arg(value_name = "BOARD")]
        board: String,
        #[command(flatten)]
        options: ProbeOptions,
    },
    /// Flashes and starts a board by probe-rs and shows its logs, until interrupted. Emulated where it can be.
    Run {
        /// A folder in firmware/boards.
        #[arg(value_name = "BOARD")]
        board: String,
        #[command(flatten)]
        options: ProbeOptions,
    },
    /// Emulates a board behind a virtual debug probe, for probe-rs and for `flash` and `run`, until interrupted.
    Probe {
        /// An emulated board of firmware/boards.
        #[arg(value_name = "BOARD", default_value = DEFAULT_BOARD)]
        board: String,
        /// Where on this machine it listens; 0 is any port that is free.
        #[arg(long, value_name = "PORT", default_value_t = probe::PORT)]
        port: u16,
    },
    /// Builds every board's firmware and prints what it takes: flash, variables, stack, which is measured where the board is emulated.
    Boards(boards_table::Options),
    /// Builds the arithmetic and the firmware at every level of optimisation, with checks and without, and compares every logit of the
    /// fixture's pictures, on the desk and on emulated boards; also holds each build's kernels against their reference.
    ///
    /// All of it is ten builds for each emulated board. A build that does not fit its part, as some without optimisation do, is named in the
    /// table and not compared.
    Profiles(profiles::Options),
    /// Licences, sources and versions of all dependencies, by cargo-deny and what deny.toml allows.
    Deny {
        /// Also what is known against them, by RustSec's database, which is fetched from GitHub.
        #[arg(long)]
        advisories: bool,
    },
    /// Runs tests of shared-model under what finds memory errors: Miri, else the address sanitizer, else valgrind.
    ///
    /// By each of them the same tests: the library's own, `blob` and `hostile`. Miri, which finds most, comes with a nightly compiler:
    /// `rustup toolchain install nightly --component miri,rust-src`. It runs them on a target of 64 bits and on one of 32, with
    /// few random cases, and takes many times as long as the sanitizer: that is a minute and a half of one core, the build included.
    Memcheck {
        /// This tool rather than the best that is there.
        #[arg(long, value_enum, value_name = "TOOL")]
        tool: Option<memcheck::Tool>,
    },
    /// Lists all unsafe code, with the reason that stands beside each piece. Fails where there is none, or where none belongs.
    Unsafe,
    /// Writes docs/probe-rs.md: what the command-line tool of probe-rs says to an emulated board.
    Transcript {
        /// Writes nothing: exits with 1 if the page would be another.
        #[arg(long)]
        check: bool,
    },
    /// Builds a board's firmware and prints its size.
    Firmware {
        /// A folder in firmware/boards.
        #[arg(value_name = "BOARD", default_value = DEFAULT_BOARD)]
        board: String,
    },
}

/// What is flashed, and by which probe.
#[derive(Args)]
struct ProbeOptions {
    /// A model, or the folder of a run. `flash` then leaves the firmware as it is; `run` flashes both, on an emulated board
    /// the demo's model when none is named.
    #[arg(long, value_name = "FILE|DIR")]
    model: Option<PathBuf>,
    /// The debug probe, VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL, as `probe-rs list` shows it, or
    /// 1d50:6018:127.0.0.1:PORT for a virtual one; $PROBE_RS_PROBE when not given, else a
    /// virtual probe for an emulated board, else the only probe there is.
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
}

/// A mistake in what was typed: exit code 2, where other failures have 1.
#[derive(Debug)]
struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    interrupt::handle();
    let Err(error) = run(task) else { return ExitCode::SUCCESS };
    if output::is_closed(&error) {
        return ExitCode::SUCCESS;
    }
    if let Some(told) = error.downcast_ref::<Told>() {
        return ExitCode::from(told.code());
    }
    output::tell(format_args!("error: {error:#}"));
    ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
}

fn run(task: Task) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Setup { check, probe_rs } => setup::command(check, probe_rs),
        Task::Demo { json } => demo::command(&workspace, json),
        Task::Test { arguments } => test::command(&workspace, &arguments),
        Task::Parity { devices, all, model, vectors, data, json } => {
            parity::command(&workspace, &devices, all, model, vectors, data.as_deref(), json)
        }
        Task::Link(options) => link::command(&workspace, &options),
        Task::Bench(options) => bench::command(&workspace, options),
        Task::Frontier(options) => frontier::command(&workspace, &options),
        Task::Fuzz(options) => fuzz::command(&workspace, &options),
        Task::Gpu { backend, epochs, json } => gpu::command(&workspace, backend, epochs, json),
        Task::BenchTrain { rounds, python, json } => bench_train::command(&workspace, rounds, python.as_deref(), json),
        Task::Flash { board, options } => probe::flash(&workspace, &board, options.model, options.probe),
        Task::Run { board, options } => probe::run(&workspace, &board, options.model, options.probe),
        Task::Probe { board, port } => probe::serve(&workspace, &board, port),
        Task::Boards(options) => boards_table::command(&workspace, &options),
        Task::Profiles(options) => profiles::command(&workspace, &options),
        Task::Deny { advisories } => deny::command(&workspace, advisories),
        Task::Memcheck { tool } => memcheck::command(&workspace, tool),
        Task::Unsafe => unsafe_code::command(&workspace),
        Task::Transcript { check } => probe::transcript(&workspace, check),
        Task::Firmware { board } => image::command(&workspace, &board),
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
            panic!("`test` with arguments was refused");
        };
        assert_eq!(arguments, ["-p", "parity", "--", "--nocapture"]);
    }
}
