//! Estimates of a model on boards.

use boards::owned::{self, OwnedBoard};
use prenda::Model;
use serde::Serialize;

use crate::costs::{BoardCosts, Costs};
use crate::operation::Operations;

/// An estimate of one board, from fitted costs. The field names are stable: programs read them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Its name in `owned.toml`.
    pub board: String,
    /// Its core.
    pub core: String,
    /// The clock.
    pub clock_hz: u64,
    /// Cycles of an inference.
    pub cycles: f64,
    /// Their error in percent: that of a trace, and that of the fit.
    pub error_percent: f64,
    /// Time of an inference.
    pub milliseconds: f64,
    /// Energy of an inference; `None` if no source has the board's.
    pub microjoules: Option<f64>,
    /// The run-time server and the model.
    pub flash_bytes: u64,
    /// Variables and deepest stack of the server with a workspace for this model; in RAM also code
    /// and model, if they are there.
    pub ram_bytes: u64,
    /// Flash and RAM are sufficient.
    pub fits: bool,
    /// `fitted`: from counted operations, not from a trace or a measurement.
    pub method: &'static str,
}

impl Estimate {
    /// Returns estimates of `model` with these mean `operations`, for each board of `owned.toml`
    /// that has costs.
    #[must_use]
    pub fn all(model: &Model<'_>, operations: &Operations, costs: &Costs) -> Vec<Self> {
        // The table is part of the program, and a test reads it.
        let boards = owned::owned().unwrap_or_default();
        let estimate = |board: &OwnedBoard| Self::of(board, costs.get(&board.name)?, model, operations);
        boards.iter().filter_map(estimate).collect()
    }

    fn of(board: &OwnedBoard, costs: &BoardCosts, model: &Model<'_>, operations: &Operations) -> Option<Self> {
        let clock_hz = board.clock_hz?;
        let cycles = costs.cycles_of(operations);
        let flash_bytes = costs.flash_bytes + model.bytes().len() as u64;
        let variables = costs.ram_bytes + model.workspace_bytes() as u64;
        let ram_bytes = if board.runs_in_ram { variables + flash_bytes } else { variables };
        Some(Self {
            board: board.name.clone(),
            core: board.core.clone(),
            clock_hz,
            cycles,
            error_percent: (costs.error_percent + costs.fit_error_percent).ceil(),
            milliseconds: cycles / clock_hz as f64 * 1e3,
            microjoules: board.nanojoules_per_cycle.map(|energy| cycles * energy / 1e3),
            flash_bytes,
            ram_bytes,
            fits: board.flash_bytes.is_some_and(|room| flash_bytes <= room)
                && board.ram_bytes.is_some_and(|room| ram_bytes <= room),
            method: "fitted",
        })
    }
}
