//! `cargo xtask check NAME`: the checks that are rare or take long.

pub mod deny;
pub mod fuzz;
pub mod gpu;
pub mod header;
pub mod link;
pub mod lints;
pub mod memcheck;
pub mod pack;
pub mod profiles;
pub mod recording;

use anyhow::Result;
use clap::Subcommand;

use crate::workspace::Workspace;
use crate::{examples, probe};

#[derive(Subcommand)]
pub enum Check {
    /// Checks formatting, lints for the host and for every board's target, and links in the
    /// documentation.
    Lints,
    /// Fuzzes the code that reads untrusted bytes: models and the link.
    ///
    /// Uses libFuzzer with the address sanitizer. The first run installs cargo-fuzz and builds,
    /// which takes some minutes. Inputs worth keeping stay in prenda/fuzz in the target folder, and
    /// the next run continues with them.
    Fuzz(fuzz::Options),
    /// Builds the arithmetic and the firmware at every optimization level, checked and unchecked,
    /// and compares every logit of the fixture's images.
    ///
    /// Runs on the host and on emulated boards, ten builds for each board, and also compares the
    /// kernels of each build with their reference. A build that does not fit its part is named in
    /// the table and not compared.
    Profiles(profiles::Options),
    /// Runs tests of prenda-core and prenda-c under a tool that finds memory errors: Miri, the
    /// address sanitizer, or valgrind.
    ///
    /// Every tool runs the same tests: the libraries' own, `blob`, `hostile` and `interface`. Miri
    /// finds the most and needs a nightly compiler: `rustup toolchain install nightly --component
    /// miri,rust-src`. It runs them for a 64-bit and a 32-bit target with few random cases, and
    /// still takes many times as long as the sanitizer, which needs about 90 seconds of one core
    /// including its build.
    Memcheck {
        /// Use this tool. [default: the first in the list that is installed]
        #[arg(long, value_enum, value_name = "TOOL")]
        tool: Option<memcheck::Tool>,
    },
    /// Packs prenda as for crates.io, and builds the packed files.
    Pack,
    /// Checks licences, sources and versions of all dependencies with cargo-deny and deny.toml.
    Deny {
        /// Also check RustSec's advisories, which are fetched from GitHub.
        #[arg(long)]
        advisories: bool,
    },
    /// Copies each project of `examples` to a temporary folder, builds it there, prints its size,
    /// and runs it if QEMU can.
    Examples,
    /// Trains on a graphics card and compares every logit of every test image with `loopback`.
    ///
    /// Builds the trainer with a backend for graphics cards, which compiles burn once more (half an
    /// hour on two cores), into the folder `gpu` of the target folder, so that the default build
    /// stays as it is. If there is no Vulkan device, installs Debian's software Vulkan, or prints
    /// the line to type. Exits with 0 only if everything agrees.
    Gpu(gpu::Options),
    /// Writes shared-model/c/include/prenda.h, the header for C, with cbindgen.
    Header {
        /// Write nothing; exit with 1 if the header would change.
        #[arg(long)]
        check: bool,
    },
    /// Damages the bytes on the link to devices and back, and checks every accepted answer against
    /// the host's: docs/format.md.
    Link(link::Options),
    /// Writes docs/demo.svg: a recording of the demo, which it runs, and of probe-rs.
    Recording {
        /// Write nothing; exit with 1 if the recording would change, except for seconds and
        /// accuracies, which depend on the computer.
        #[arg(long)]
        check: bool,
    },
    /// Writes docs/probe-rs.md: what probe-rs prints for an emulated board.
    Transcript {
        /// Write nothing; exit with 1 if the page would change.
        #[arg(long)]
        check: bool,
    },
}

pub fn command(workspace: &Workspace, check: &Check) -> Result<()> {
    match check {
        Check::Lints => lints::command(workspace),
        Check::Examples => examples::command(workspace),
        Check::Fuzz(options) => fuzz::command(workspace, options),
        Check::Profiles(options) => profiles::command(workspace, options),
        Check::Memcheck { tool } => memcheck::command(workspace, *tool),
        Check::Pack => pack::command(workspace),
        Check::Deny { advisories } => deny::command(workspace, *advisories),
        Check::Gpu(options) => gpu::command(workspace, options),
        Check::Header { check } => header::command(workspace, *check),
        Check::Link(options) => link::command(workspace, options),
        Check::Recording { check } => recording::command(workspace, *check),
        Check::Transcript { check } => probe::transcript(workspace, *check),
    }
}
