//! An emulated board behind a virtual probe, as a process beside us.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use boards::Board;
use serde::Deserialize;

use crate::process::{Background, Job};
use crate::workspace::Workspace;

/// A virtual probe that runs. Dropping it ends the probe and the emulator.
pub struct VirtualProbe {
    /// What probe-rs calls it.
    pub selector: String,
    _process: Background,
}

/// What it prints when it is ready.
#[derive(Deserialize)]
struct Announcement {
    selector: String,
}

impl VirtualProbe {
    /// Builds it and starts it on any free port, in front of an empty board.
    ///
    /// # Errors
    /// When it cannot be built or does not start; its own message has been shown.
    pub fn start(workspace: &Workspace, board: &Board) -> Result<Self> {
        Self::launch(workspace, board, |job| job)
    }

    /// As [`VirtualProbe::start`], with the board's first serial port at a Unix socket.
    ///
    /// # Errors
    /// As [`VirtualProbe::start`].
    pub fn start_with_uart(workspace: &Workspace, board: &Board, socket: &Path) -> Result<Self> {
        Self::launch(workspace, board, |job| job.arg("--uart").arg(socket))
    }

    fn launch(workspace: &Workspace, board: &Board, options: impl FnOnce(Job) -> Job) -> Result<Self> {
        let (process, line) = options(build(workspace, board)?.arg("--json")).start_in_background()?;
        let announcement: Announcement =
            serde_json::from_str(&line).context("cannot understand what the virtual probe said")?;
        Ok(Self { selector: announcement.selector, _process: process })
    }
}

/// Builds the virtual probe: a command that starts it in front of a board.
///
/// # Errors
/// When the build fails.
pub fn build(workspace: &Workspace, board: &Board) -> Result<Job> {
    workspace.cargo("build").args(["--workspace", "--locked", "--bin", "virtual-probe"]).run()?;
    Ok(workspace.job("virtual-probe").arg(&board.name))
}

/// The description of the emulated boards as chips.
pub fn chips(workspace: &Workspace) -> PathBuf {
    workspace.root.join("tools/virtual-probe/targets/emulated.yaml")
}
