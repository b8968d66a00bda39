//! `cargo xtask probe`, `flash` and `run`: boards through a debug probe, with probe-rs. An emulated
//! board gets a virtual probe.

mod tool;
mod transcript;
mod virtual_probe;

use std::net::TcpStream;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use boards::Board;
use clap::Args;

use crate::image::Firmware;
use crate::output::log;
use crate::process::Job;
use crate::workspace::{Workspace, shown};
use crate::{UsageError, board, image, run_folder};

pub use tool::find;
pub use transcript::command as transcript;
pub use virtual_probe::CHIPS;
use virtual_probe::VirtualProbe;

/// The default port of `cargo xtask probe`.
pub const PORT: u16 = 4242;

const PROBE_VARIABLE: &str = "PROBE_RS_PROBE";

#[derive(Args)]
pub struct Options {
    /// A folder in firmware/boards.
    #[arg(value_name = "BOARD")]
    board: String,
    /// A model, or the folder of a run. `flash` then flashes the model alone, `run` both.
    /// [default for `run` on an emulated board: the demo's model]
    #[arg(long, value_name = "FILE|DIR")]
    model: Option<PathBuf>,
    /// The debug probe: VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL, as `probe-rs list` shows it, or
    /// 1d50:6018:127.0.0.1:PORT for a virtual one. [default: $PROBE_RS_PROBE; otherwise a virtual
    /// probe for an emulated board, or the only probe that is connected]
    #[arg(long, value_name = "PROBE")]
    probe: Option<String>,
}

struct Bench<'w> {
    workspace: &'w Workspace,
    board: Board,
    /// The board's chip, as probe-rs names it.
    chip: String,
    tool: PathBuf,
    /// The named probe, or the virtual one; without either probe-rs uses the only one that is
    /// connected.
    selector: Option<String>,
    /// The virtual probe that we started; it ends with us.
    own: Option<VirtualProbe>,
}

/// Emulates a board until interrupted.
pub fn serve(workspace: &Workspace, board: &str, port: u16) -> Result<()> {
    let board = board::emulated(board)?;
    board::probed(&board.name)?;
    virtual_probe::build(workspace, &board)?.args(["--verbose", "--port"]).arg(port.to_string()).run_to_stdout()
}

/// Flashes the firmware, or the model alone.
pub fn flash(workspace: &Workspace, options: Options) -> Result<()> {
    let bench = Bench::new(workspace, &options.board, options.probe)?;
    let firmware = image::build(workspace, &bench.board)?;
    match options.model {
        Some(model) => bench.download_model(&firmware, &run_folder::model_of(model))?,
        None => bench.probe_rs("download").arg(firmware.elf()?).run()?,
    }
    if bench.own.is_some() {
        let name = &bench.board.name;
        log(format_args!(
            "    the emulated {name} ends now; `cargo xtask probe {name}` keeps one running, and `run` shows its logs"
        ));
        return Ok(());
    }
    bench.probe_rs("reset").run()
}

/// Flashes, starts, and shows the logs until interrupted.
pub fn run(workspace: &Workspace, options: Options) -> Result<()> {
    let bench = Bench::new(workspace, &options.board, options.probe)?;
    let firmware = image::build(workspace, &bench.board)?;
    // The flash of an emulated board is empty at first.
    let demo = || Some(workspace.demo_model()).filter(|model| bench.board.emulator.is_some() && model.is_file());
    if let Some(model) = options.model.map(run_folder::model_of).or_else(demo) {
        bench.download_model(&firmware, &model)?;
    }
    bench.probe_rs("run").arg(firmware.elf()?).run_to_stdout()
}

impl<'w> Bench<'w> {
    fn new(workspace: &'w Workspace, board: &str, probe: Option<String>) -> Result<Self> {
        let (board, chip) = board::probed(board)?;
        let tool = find()?;
        let named = probe.or_else(|| std::env::var(PROBE_VARIABLE).ok()).filter(|probe| !probe.is_empty());
        match named.as_deref() {
            Some(selector) if is_on_network(selector) => verify_chip(&tool, selector, &board.name, &chip)?,
            Some(selector) if board.emulator.is_some() => {
                let name = &board.name;
                return Err(UsageError(format!(
                    "{selector} is not a virtual probe, and {name} is built for QEMU; docs/boards.md has the command \
                     for the hardware board"
                ))
                .into());
            }
            _ => {}
        }
        let own = match (&named, &board.emulator) {
            (None, Some(_)) => Some(VirtualProbe::start(workspace, &board, None)?),
            _ => None,
        };
        let selector = named.or_else(|| own.as_ref().map(|probe| probe.selector.clone()));
        Ok(Self { workspace, board, chip, tool, selector, own })
    }

    fn probe_rs(&self, command: &str) -> Job {
        let job = Job::new(&self.tool).arg(command).args(["--chip", &self.chip, "--protocol", "swd"]);
        let job = if self.board.emulator.is_some() {
            // Warnings about USB do not concern a virtual probe.
            let job = job.env("RUST_LOG", "error");
            job.arg("--chip-description-path").arg(shown(&self.workspace.root.join(CHIPS)))
        } else {
            job
        };
        job.option("--probe", self.selector.as_ref()).arg("--non-interactive").named("probe-rs").reports()
    }

    /// Flashes a model to the region where the firmware reads it.
    fn download_model(&self, firmware: &Firmware, model: &Path) -> Result<()> {
        firmware.verify_room(&self.board, model)?;
        let address = format!("{:#x}", firmware.model_region()?.start);
        self.probe_rs("download").args(["--binary-format", "bin", "--base-address", &address]).arg(model).run()
    }
}

/// Checks that the virtual probe `selector` is running, with the chip of board `name`.
fn verify_chip(tool: &Path, selector: &str, name: &str, chip: &str) -> Result<()> {
    let address = selector.splitn(3, ':').nth(2).unwrap_or_default();
    if let Err(error) = TcpStream::connect(address) {
        bail!("no virtual probe listens at {address} ({error}); `cargo xtask probe {name}` starts one");
    }
    let info = Job::new(tool).args(["info", "--protocol", "swd", "--non-interactive", "--probe", selector]);
    let info = info.env("PROBE_RS_COLOR", "never").env("NO_COLOR", "1").probe()?;
    let text = String::from_utf8_lossy(&info.stdout);
    match text.lines().find_map(|line| line.strip_prefix("Detected chip: ")) {
        Some(found) if found.trim() != chip => {
            bail!("the probe at {address} is connected to {}, not to {name}", found.trim())
        }
        Some(_) => Ok(()),
        None => bail!("the probe at {address} does not report its chip; is another client using it?"),
    }
}

/// Returns true if a selector ends with an address and a port, as those of virtual probes do.
fn is_on_network(selector: &str) -> bool {
    selector.splitn(3, ':').nth(2).is_some_and(|serial| serial.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::is_on_network;

    #[test]
    fn a_virtual_probe_is_recognized_by_its_address() {
        assert!(is_on_network("1d50:6018:127.0.0.1:4242"));
        assert!(!is_on_network("1366:1015:000683"));
        assert!(!is_on_network("2e8a:000c"));
    }
}
