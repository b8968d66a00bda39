//! `cargo run` on bare metal: the runner is probe-rs, and the ELF names the chip.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use boards::Board;
use libtest_mimic::Failed;

use crate::bench::Bench;
use crate::run::Run;
use crate::tool::{Tool, plain};

/// Longest time of the build.
const BUILD_PATIENCE: Duration = Duration::from_secs(600);

/// Checks that `cargo run` builds, flashes and shows the logs.
pub fn cargo_run(board: &'static Board, tool: &Tool) -> Result<(), Failed> {
    let bench = Bench::new(board, tool)?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut line = Command::new(cargo());
    line.args(["run", "-p", "firmware", "--features", &board.name, "--bin", "serve"]);
    line.args(["--target", &board.triple, "--profile", "firmware"]).current_dir(workspace);
    plain(&mut line);
    line.env("PROBE_RS_PROBE", &bench.selector).env("PROBE_RS_NON_INTERACTIVE", "true");
    let run = Run::start(line)?;
    run.wait_within(&format!("{} starts", board.name), BUILD_PATIENCE)?;
    run.wait_for("no model")?;
    // The signal ends cargo, and the tool in its group ends by itself.
    run.interrupt()?.prints(&["Finished", "probe-rs run"]).map(drop)
}

/// Returns true if the compiler has the board's target.
pub fn has_target(board: &Board) -> bool {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--print", "target-libdir", "--target", &board.triple]).stdin(Stdio::null());
    let Ok(output) = rustc.output() else { return false };
    output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
}

fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
