//! Estimates of one board, as printed in JSON.

use boards::owned::OwnedBoard;
use cycles::{Costs, Operations};
use host_support::numbers::grouped;
use prenda::{Layer, Model};
use serde::{Deserialize, Serialize};

use crate::core::Core;
use crate::inference::Inferences;

/// Estimates of one board and one model. The field names are stable: programs read them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub board: String,
    pub core: String,
    /// The model's id.
    pub model: String,
    /// The network in words.
    pub network: String,
    #[serde(rename = "pictures")]
    pub images: usize,
    /// `None` for a core without a board.
    pub clock_hz: Option<u64>,
    /// Wait states of the flash.
    pub wait_states: u32,
    pub instructions_mean: f64,
    /// `None` if the core is not modelled; likewise the six below.
    pub cycles_mean: Option<f64>,
    pub cycles_min: Option<u64>,
    pub cycles_max: Option<u64>,
    /// The mean by the fitted costs of tools/cycles; `None` also without costs for the board.
    pub cycles_fitted: Option<f64>,
    pub error_percent: Option<u32>,
    pub milliseconds_mean: Option<f64>,
    /// `None` also if no source has the board's energy.
    pub microjoules_mean: Option<f64>,
    pub layers: Vec<LayerRow>,
    /// The run-time server and the model.
    pub flash_bytes: u64,
    /// Variables and deepest stack of the server; in RAM also code and model, if they are there.
    pub ram_bytes: u64,
    /// `None` for a core without a board.
    pub fits: Option<bool>,
    /// Bytes that are missing, or the smaller of the bytes that are left in flash and RAM.
    pub spare_bytes: Option<i64>,
    pub remark: String,
}

/// Cycles of a layer, or of softmax.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LayerRow {
    pub layer: String,
    pub cycles_mean: f64,
    pub cycles_min: u64,
    pub cycles_max: u64,
}

/// The mean operations of the images, and their costs.
pub type Fitted<'f> = Option<(&'f Operations, &'f Costs)>;

/// Returns the rows of `boards`, which share the emulated board of `inferences`.
pub fn rows(boards: &[OwnedBoard], model: &Model<'_>, inferences: &Inferences, fitted: Fitted<'_>) -> Vec<Row> {
    let mut machine = 0;
    let mut next = |board: &OwnedBoard| {
        let core = Core::named(&board.core)?;
        core.error_percent?;
        machine += 1;
        Some(machine - 1)
    };
    boards.iter().map(|board| row(board, next(board), model, inferences, fitted)).collect()
}

fn row(
    board: &OwnedBoard,
    machine: Option<usize>,
    model: &Model<'_>,
    inferences: &Inferences,
    fitted: Fitted<'_>,
) -> Row {
    let images = &inferences.images;
    let core = Core::named(&board.core);
    let of_image = |take: &dyn Fn(&crate::inference::Image) -> u64| images.iter().map(take).collect::<Vec<_>>();
    let instructions = Spread::of(&of_image(&|image| image.instructions));
    let cycles = machine.map(|machine| Spread::of(&of_image(&|image| image.cycles[machine])));
    let fitted =
        machine.and(fitted).and_then(|(operations, costs)| Some(costs.get(&board.name)?.cycles_of(operations)));
    let layer = |(index, name): (usize, String)| {
        let machine = machine?;
        let spread = Spread::of(&of_image(&|image| image.layers[index][machine]));
        Some(LayerRow { layer: name, cycles_mean: spread.mean, cycles_min: spread.min, cycles_max: spread.max })
    };
    let names = model.layers().iter().map(Layer::to_string).chain(["softmax".to_owned()]);
    let memory = inferences.memory;
    let flash_bytes = u64::from(memory.flash) + model.bytes().len() as u64;
    let variables = u64::from(memory.statics) + u64::from(memory.stack_used);
    let ram_bytes = if board.runs_in_ram { variables + flash_bytes } else { variables };
    let left = |room: Option<u64>, bytes: u64| Some(i64::try_from(room?).ok()? - i64::try_from(bytes).ok()?);
    let spare = left(board.flash_bytes, flash_bytes).zip(left(board.ram_bytes, ram_bytes));
    let spare_bytes = spare.map(|(flash, ram)| flash.min(ram));
    let seconds = cycles.zip(board.clock_hz).map(|(cycles, clock)| cycles.mean / clock as f64);
    let remarks = [core.map_or("", |core| core.remark), &board.remark];
    let remarks: Vec<_> = remarks.into_iter().filter(|remark| !remark.is_empty()).collect();
    let in_ram = if board.runs_in_ram { "code and model in RAM" } else { "" };
    let remark = remarks.into_iter().chain(Some(in_ram).filter(|text| !text.is_empty())).collect::<Vec<_>>().join("; ");
    Row {
        board: board.name.clone(),
        core: board.core.clone(),
        model: model.id().to_string(),
        network: network(model),
        images: images.len(),
        clock_hz: board.clock_hz,
        wait_states: board.flash.wait_states,
        instructions_mean: instructions.mean,
        cycles_mean: cycles.map(|cycles| cycles.mean),
        cycles_min: cycles.map(|cycles| cycles.min),
        cycles_max: cycles.map(|cycles| cycles.max),
        cycles_fitted: fitted,
        error_percent: error_percent(board),
        milliseconds_mean: seconds.map(|seconds| seconds * 1e3),
        microjoules_mean: cycles.zip(board.nanojoules_per_cycle).map(|(cycles, energy)| cycles.mean * energy / 1e3),
        layers: names.enumerate().filter_map(layer).collect(),
        flash_bytes,
        ram_bytes,
        fits: spare_bytes.map(|spare| spare >= 0),
        spare_bytes,
        remark,
    }
}

/// Returns the error of a board's cycles; `None` if its core is not modelled.
pub fn error_percent(board: &OwnedBoard) -> Option<u32> {
    let core = Core::named(&board.core)?.error_percent?;
    Some(board.error_percent.unwrap_or(core))
}

/// Returns the network in words: the widths of dense layers, as in 784-128-10, or all layers.
fn network(model: &Model<'_>) -> String {
    if model.networks().len() == 1 && model.layers().iter().all(Layer::is_dense) && model.image().channels == 1 {
        let widths = [model.input_width()].into_iter().chain(model.layers().iter().map(Layer::outputs));
        return widths.map(|width| width.to_string()).collect::<Vec<_>>().join("-");
    }
    model.networks().map(|network| network.to_string()).collect::<Vec<_>>().join(" | ")
}

#[derive(Clone, Copy)]
struct Spread {
    mean: f64,
    min: u64,
    max: u64,
}

impl Spread {
    fn of(counts: &[u64]) -> Self {
        Self {
            mean: counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64,
            min: counts.iter().copied().min().unwrap_or(0),
            max: counts.iter().copied().max().unwrap_or(0),
        }
    }
}

impl Row {
    /// Returns if the model fits the board, and by how much.
    pub fn fit(&self) -> String {
        match self.spare_bytes {
            None => String::new(),
            Some(spare) if spare < 0 => format!("no, {} bytes too many", grouped(spare.unsigned_abs())),
            Some(spare) => format!("yes, {} bytes left", grouped(spare.unsigned_abs())),
        }
    }
}
