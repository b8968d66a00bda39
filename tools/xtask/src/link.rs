//! `cargo xtask link`: devices behind a line that damages what it carries.

use anyhow::Result;
use clap::Args;

use crate::bench::{FIXTURE_ANSWERS, FIXTURE_MODEL};
use crate::parity::{LOOPBACK, board_of, chosen};
use crate::workspace::Workspace;
use crate::{board, image};

/// Which devices, and how much is done to them.
#[derive(Args)]
pub struct Options {
    /// `loopback`, a BOARD of firmware/boards in QEMU, or probe-BOARD behind a debug probe, which is flashed; loopback when none is
    /// named.
    #[arg(value_name = "DEVICE")]
    devices: Vec<String>,
    /// Loopback and every emulated board.
    #[arg(long, conflicts_with = "devices")]
    all: bool,
    /// By the UART of emulated boards; else over RTT.
    #[arg(long)]
    uart: bool,
    /// Goes on with each kind and rate until so many frames are damaged, or so many pictures answered.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    damaged: u64,
    /// Then sends random bytes for so long.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    noise: u64,
    /// Where the faults and the random bytes come from.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Prints one JSON array on standard output instead of tables.
    #[arg(long)]
    json: bool,
}

/// `cargo xtask link [DEVICE..]`.
///
/// # Errors
/// A usage error for an unknown board; others when a build fails, a wrong answer is taken, or a device does not recover.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let devices = chosen(&options.devices, options.all, &[LOOPBACK])?;

    workspace.build_program("link")?;
    for device in devices.iter().filter(|device| *device != LOOPBACK) {
        image::build(workspace, &board::named(board_of(device))?)?;
    }
    let job = workspace.job("link").args(&devices);
    let job = job.arg("--model").arg(workspace.root.join(FIXTURE_MODEL));
    let job = job.arg("--answers").arg(workspace.root.join(FIXTURE_ANSWERS));
    let job = job
        .arg("--firmware")
        .arg(workspace.folder("firmware")?)
        .args(["--link", if options.uart { "uart" } else { "rtt" }]);
    let job = job.args(["--damaged", &options.damaged.to_string(), "--noise", &options.noise.to_string()]);
    let job = job.args(["--seed", &options.seed.to_string()]);
    if options.json { job.arg("--json").run_to_stdout() } else { job.run_to_stdout() }
}
