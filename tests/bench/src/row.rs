//! What was measured of one board, as programs read it.

use std::path::Path;

use parity::{Counts, Unit};
use serde::{Deserialize, Serialize};
use shared_model::{MemoryUse, Model, Workspace};

use super::code::{Code, Function, Group};

/// Longest functions that are told.
const MAX_FUNCTIONS: usize = 20;

/// One board. The names are stable: programs read them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The board's name.
    pub board: String,
    /// Its processor core.
    pub core: String,
    /// How it was reached: the board's name in QEMU, `probe-BOARD` on the desk.
    pub device: String,
    /// Instructions of an emulator, or cycles of hardware. Those of the other are absent below.
    pub unit: Unit,
    /// Frequency of the counter in hertz, which on hardware is the core's.
    pub counter_hertz: u32,
    /// The model's id.
    pub model: String,
    /// How its weights lie: `pairs` or `vectors`.
    pub weight_order: String,
    /// Pixels, neurons of each hidden layer, classes.
    pub network: Vec<usize>,
    /// Of one image, those with zeros included.
    pub multiply_accumulates: u64,
    /// Images measured.
    #[serde(rename = "pictures")]
    pub images: usize,
    /// Of one image, softmax included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_mean: Option<f64>,
    /// Of the image that takes least.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_min: Option<u64>,
    /// Of the image that takes most.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_max: Option<u64>,
    /// As for instructions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycles_mean: Option<f64>,
    /// As for instructions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycles_min: Option<u64>,
    /// As for instructions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycles_max: Option<u64>,
    /// The mean for each multiply-accumulate.
    pub per_multiply_accumulate: f64,
    /// In the order in which they come, in the same unit.
    pub stages: Vec<StageRow>,
    /// Code and constants of inference: kernels, softmax, requantization, parser, and what the
    /// compiler adds.
    pub code_bytes: u64,
    /// All that is in flash but the model, by what it is for.
    pub code_groups: Vec<Group>,
    /// The longest ones, as the linker sees them.
    pub code_functions: Vec<Function>,
    /// What compiled the firmware.
    pub compiler: String,
    /// The firmware in flash, without the model.
    pub flash_bytes: u32,
    /// The model.
    pub model_bytes: usize,
    /// What inference takes: its workspace, and the deepest that the stack has been after all that
    /// the device can be asked.
    pub ram_bytes: u32,
    /// What this network needs of the workspace, which is as large as the widest network that the
    /// build allows.
    pub ram_network_bytes: u32,
    /// Pairs of inputs, sums, activations, logits, probabilities.
    pub ram_workspace_bytes: u32,
    /// The deepest that the stack has been, the whole firmware's.
    pub ram_stack_bytes: u32,
    /// All variables of the firmware, in which the workspace is.
    pub ram_statics_bytes: u32,
    /// Each image, where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub each: Vec<ImageRow>,
}

/// One stage of inference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRow {
    /// `gather`, `accumulate`, `requantize` or `softmax`.
    pub stage: String,
    /// The layer, from 1; none for softmax.
    pub layer: Option<usize>,
    /// Of all images.
    pub mean: f64,
    /// Of the image that takes least.
    pub min: u64,
    /// Of the image that takes most.
    pub max: u64,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRow {
    /// Share of its pixels that are zero.
    pub zero_share: f64,
    /// What it takes.
    pub count: u64,
}

/// Mean, least and most of several counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Their mean.
    pub mean: f64,
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}

/// What a device tells beside its counts.
pub struct Told {
    /// The device's name.
    pub device: &'static str,
    /// The board's name.
    pub board: String,
    /// The core.
    pub core: String,
    /// What it counts.
    pub unit: Unit,
    /// Frequency of its counter.
    pub hertz: u32,
    /// Bytes that inference writes.
    pub workspace_bytes: u32,
    /// After all that it can be asked.
    pub memory: MemoryUse,
}

impl Spread {
    /// Of nothing it is zeros.
    pub fn of(counts: impl Iterator<Item = u64> + Clone) -> Self {
        let number = counts.clone().count().max(1);
        Self {
            mean: counts.clone().map(|count| count as f64).sum::<f64>() / number as f64,
            min: counts.clone().min().unwrap_or(0),
            max: counts.max().unwrap_or(0),
        }
    }
}

impl Row {
    /// All that is known of a device which took `counts` for images.
    ///
    /// # Errors
    ///
    /// Where its `elf` cannot be read.
    pub fn new(told: Told, model: &Model<'_>, counts: &[Counts], elf: &Path) -> anyhow::Result<Self> {
        let Told { device, board, core, unit, hertz, workspace_bytes, memory } = told;
        let code = Code::of_elf(elf, memory.flash.into())?;
        let all = Spread::of(counts.iter().map(|counts| counts.total));
        let [instructions, cycles] = match unit {
            Unit::Instructions => [Some(all), None],
            Unit::Cycles => [None, Some(all)],
        };
        let multiply_accumulates = model.layers().map(|layer| layer.inputs() as u64 * layer.outputs() as u64).sum();
        let stages = counts.first().map_or(0, |counts| counts.stages.len());
        let stage = |index: usize| {
            let (stage, layer) = stage_name(index, stages);
            let at = counts.iter().map(move |counts| counts.stages.get(index).copied().unwrap_or(0));
            let Spread { mean, min, max } = Spread::of(at);
            StageRow { stage: stage.into(), layer, mean, min, max }
        };
        Ok(Self {
            board,
            core,
            device: device.into(),
            unit,
            counter_hertz: hertz,
            model: model.id().to_string(),
            weight_order: model.last_layer().order().to_string(),
            network: [model.input_width()].into_iter().chain(model.layers().map(|layer| layer.outputs())).collect(),
            multiply_accumulates,
            images: counts.len(),
            instructions_mean: instructions.map(|all| all.mean),
            instructions_min: instructions.map(|all| all.min),
            instructions_max: instructions.map(|all| all.max),
            cycles_mean: cycles.map(|all| all.mean),
            cycles_min: cycles.map(|all| all.min),
            cycles_max: cycles.map(|all| all.max),
            per_multiply_accumulate: all.mean / multiply_accumulates.max(1) as f64,
            stages: (0..stages).map(stage).collect(),
            code_bytes: code.inference_bytes(),
            code_groups: code.groups,
            code_functions: code.functions.into_iter().take(MAX_FUNCTIONS).collect(),
            compiler: code.compiler,
            flash_bytes: memory.flash,
            model_bytes: model.bytes().len(),
            ram_bytes: workspace_bytes + memory.stack_used,
            ram_network_bytes: workspace_needed(model),
            ram_workspace_bytes: workspace_bytes,
            ram_stack_bytes: memory.stack_used,
            ram_statics_bytes: memory.statics,
            each: Vec::new(),
        })
    }

    /// Of one image, in the row's unit.
    pub fn spread(&self) -> Spread {
        let of =
            |mean: Option<f64>, min: Option<u64>, max: Option<u64>| Some(Spread { mean: mean?, min: min?, max: max? });
        let instructions = of(self.instructions_mean, self.instructions_min, self.instructions_max);
        let cycles = || of(self.cycles_mean, self.cycles_min, self.cycles_max);
        instructions.or_else(cycles).unwrap_or(Spread { mean: 0.0, min: 0, max: 0 })
    }

    /// The mean of what people are shown: gathering in all layers, the rest of each layer, softmax.
    pub fn shown_stages(&self) -> Vec<(String, f64)> {
        let sum = |take: &dyn Fn(&&StageRow) -> bool| self.stages.iter().filter(take).map(|row| row.mean).sum();
        let gather = |row: &&StageRow| row.stage == "gather";
        let layers = (1..self.network.len())
            .map(|layer| (format!("layer {layer}"), sum(&|row| row.layer == Some(layer) && !gather(row))));
        let softmax = ("softmax".to_owned(), sum(&|row| row.layer.is_none()));
        [("gather".to_owned(), sum(&gather))].into_iter().chain(layers).chain([softmax]).collect()
    }
}

/// What the stage at `index` of `count` is called, and its layer, from 1.
fn stage_name(index: usize, count: usize) -> (&'static str, Option<usize>) {
    const OF_A_LAYER: [&str; 3] = ["gather", "accumulate", "requantize"];
    if index + 1 == count {
        return ("softmax", None);
    }
    (OF_A_LAYER[index % OF_A_LAYER.len()], Some(index / OF_A_LAYER.len() + 1))
}

/// Bytes of a workspace that is no larger than `model` needs: docs of [`shared_model::Workspace`].
fn workspace_needed(model: &Model<'_>) -> u32 {
    let widest = model.hidden_layers().iter().map(|layer| layer.outputs()).max().unwrap_or(0);
    let bytes = size_of::<Workspace<0, 0>>() + 5 * widest + 10 * model.classes();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A row that takes 1234 instructions, or cycles, on a Cortex-M4.
    pub fn row(unit: Unit) -> Row {
        let [instructions, cycles] = match unit {
            Unit::Instructions => [Some(1234_u32), None],
            Unit::Cycles => [None, Some(1234)],
        };
        Row {
            board: "b".into(),
            core: "cortex-m4".into(),
            device: "b".into(),
            unit,
            counter_hertz: 1,
            model: "0000001a".into(),
            weight_order: "pairs".into(),
            network: vec![784, 128, 10],
            multiply_accumulates: 101_632,
            images: 7,
            instructions_mean: instructions.map(f64::from),
            instructions_min: instructions.map(u64::from),
            instructions_max: instructions.map(u64::from),
            cycles_mean: cycles.map(f64::from),
            cycles_min: cycles.map(u64::from),
            cycles_max: cycles.map(u64::from),
            per_multiply_accumulate: 0.012,
            stages: Vec::new(),
            code_bytes: 5,
            code_groups: Vec::new(),
            code_functions: Vec::new(),
            compiler: "rustc version 1".into(),
            flash_bytes: 6,
            model_bytes: 7,
            ram_bytes: 8,
            ram_network_bytes: 2,
            ram_workspace_bytes: 3,
            ram_stack_bytes: 5,
            ram_statics_bytes: 9,
            each: vec![ImageRow { zero_share: 0.5, count: 1234 }],
        }
    }

    #[test]
    fn what_is_printed_is_read_and_names_only_its_own_unit() {
        let text = serde_json::to_string(&row(Unit::Cycles)).unwrap();
        assert!(text.contains("\"cycles_mean\":1234.0") && !text.contains("instructions"), "{text}");
        assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row(Unit::Cycles));
    }

    #[test]
    fn stages_are_three_for_each_layer_and_softmax() {
        let names: Vec<_> = (0..7).map(|index| stage_name(index, 7)).collect();
        assert_eq!(names[0], ("gather", Some(1)));
        assert_eq!(names[5], ("requantize", Some(2)));
        assert_eq!(names[6], ("softmax", None));
    }

    #[test]
    fn a_spread_of_nothing_is_zeros() {
        assert_eq!(Spread::of([].into_iter()), Spread { mean: 0.0, min: 0, max: 0 });
        assert_eq!(Spread::of([3, 1, 5].into_iter()), Spread { mean: 3.0, min: 1, max: 5 });
    }
}
