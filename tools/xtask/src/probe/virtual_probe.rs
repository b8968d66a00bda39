//! An emulated board with a virtual probe, as a background process.

use std::path::Path;

use anyhow::{Context, Result};
use boards::Board;
use serde::Deserialize;

use crate::process::{Background, Job};
use crate::workspace::Workspace;

/// The file that describes the emulated boards to probe-rs.
pub const CHIPS: &str = "tools/virtual-probe/targets/emulated.yaml";

/// A running virtual probe. Dropping it ends the probe and the emulator.
pub struct VirtualProbe {
    pub selector: String,
    _process: Background,
}

/// The line that it prints when it is ready.
#[derive(Deserialize)]
struct Announcement {
    selector: String,
}

impl VirtualProbe {
    /// Builds it and starts it on a free port, with an empty board; connects the board's first
    /// serial port to the Unix socket `uart`.
    pub fn start(workspace: &Workspace, board: &Board, uart: Option<&Path>) -> Result<Self> {
        let (process, line) = build(workspace, board)?.arg("--json").option("--uart", uart).start_in_background()?;
        let announcement: Announcement =
            serde_json::from_str(&line).context("cannot parse the output of virtual-probe")?;
        Ok(Self { selector: announcement.selector, _process: process })
    }
}

/// Builds the virtual probe and returns the command that starts it with a board.
pub fn build(workspace: &Workspace, board: &Board) -> Result<Job> {
    workspace.build_program("virtual-probe")?;
    Ok(workspace.job("virtual-probe").arg(&board.name))
}
