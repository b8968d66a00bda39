//! Measurements of one board, as printed in JSON.

use std::path::Path;

use parity::{Counts, Device, Target, Unit};
use prenda::{MemoryUse, Model};
use serde::{Deserialize, Serialize};

use super::architecture::Architecture;
use super::code::{Code, Function, Group};

/// Functions listed, the longest ones.
const MAX_FUNCTIONS: usize = 20;

/// Measurements of one board. The field names are stable: programs read them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub board: String,
    pub core: String,
    /// The board's name in QEMU, `probe-BOARD` for a hardware board.
    pub device: String,
    /// Instructions of an emulator, or cycles of hardware. Fields of the other unit are absent.
    pub unit: Unit,
    /// Frequency of the counter; the core's frequency on hardware.
    pub counter_hertz: u32,
    /// The model's id.
    pub model: String,
    /// Order of the weights: `pairs` or `vectors`.
    pub weight_order: String,
    pub network: Architecture,
    /// Per image, including those with zero inputs, if it reaches all networks.
    pub multiply_accumulates: u64,
    #[serde(rename = "pictures")]
    pub images: usize,
    /// Per image, softmax included; likewise the five below.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instructions_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycles_mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycles_min: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cycles_max: Option<u64>,
    /// The mean divided by `multiply_accumulates`.
    pub per_multiply_accumulate: f64,
    /// In the order they run, in the same unit.
    pub stages: Vec<StageRow>,
    /// Code and constants of [`INFERENCE`](super::code::INFERENCE).
    pub code_bytes: u64,
    /// Everything in flash except the model.
    pub code_groups: Vec<Group>,
    /// The longest functions, as the linker sees them.
    pub code_functions: Vec<Function>,
    /// The firmware's compiler.
    pub compiler: String,
    /// The firmware in flash, without the model.
    pub flash_bytes: u32,
    pub model_bytes: usize,
    /// Workspace and deepest stack, after the device has answered every kind of request.
    pub ram_bytes: u32,
    /// Workspace that this network needs. The build's workspace fits the widest network it allows.
    pub ram_network_bytes: u32,
    /// Pairs of inputs, sums, activations, logits, probabilities.
    pub ram_workspace_bytes: u32,
    /// The deepest stack of the whole firmware.
    pub ram_stack_bytes: u32,
    /// All variables of the firmware, including the workspace.
    pub ram_statics_bytes: u32,
    /// Each image, with `--each`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub each: Vec<ImageRow>,
    /// The target that ran the firmware; `None` in older rows.
    #[serde(default)]
    pub target: Option<Target>,
    /// Quantities that were not measured.
    #[serde(default)]
    pub not_measured: Vec<String>,
}

/// Measurements of one stage of inference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRow {
    /// `gather`, `accumulate`, `requantize` or `softmax`.
    pub stage: String,
    /// The layer, from 1; `None` for softmax.
    pub layer: Option<usize>,
    /// The layer in words, unless the network is dense.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layer_name: Option<String>,
    pub mean: f64,
    pub min: u64,
    pub max: u64,
}

/// Measurements of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRow {
    /// Share of its pixels that are zero.
    pub zero_share: f64,
    /// In the row's unit.
    pub count: u64,
}

/// Mean, minimum and maximum of several counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub mean: f64,
    pub min: u64,
    pub max: u64,
}

/// A device, as it describes itself.
pub struct DeviceInfo {
    pub device: &'static str,
    pub board: String,
    pub core: String,
    pub unit: Unit,
    /// Frequency of its counter.
    pub hertz: u32,
    pub workspace_bytes: u32,
    /// Measured after the device has answered every kind of request.
    pub memory: MemoryUse,
}

impl Spread {
    /// Returns zeros for an empty iterator.
    pub fn from_counts(counts: impl Iterator<Item = u64> + Clone) -> Self {
        let number = counts.clone().count().max(1);
        Self {
            mean: counts.clone().map(|count| count as f64).sum::<f64>() / number as f64,
            min: counts.clone().min().unwrap_or(0),
            max: counts.max().unwrap_or(0),
        }
    }
}

impl Row {
    /// Builds the row of a device that measured `counts`, one for each image.
    ///
    /// # Errors
    ///
    /// Returns an error if its `elf` cannot be read.
    pub fn new(info: DeviceInfo, model: &Model<'_>, counts: &[Counts], elf: &Path) -> anyhow::Result<Self> {
        let DeviceInfo { device, board, core, unit, hertz, workspace_bytes, memory } = info;
        let code = Code::from_elf(elf, memory.flash.into())?;
        let all = Spread::from_counts(counts.iter().map(|counts| counts.total));
        let [instructions, cycles] = match unit {
            Unit::Instructions => [Some(all), None],
            Unit::Cycles => [None, Some(all)],
        };
        let multiply_accumulates = model.layers().iter().map(|layer| layer.multiplications() as u64).sum();
        let stages = counts.first().map_or(0, |counts| counts.stages.len());
        let network = Architecture::of(model);
        let stage = |index: usize| {
            let (stage, layer) = stage_name(index, stages);
            let of_model = layer.and_then(|layer| model.layers().get(layer - 1));
            // A layer that moves a window has one stage, in which it does everything.
            if of_model.is_some_and(|layer| !layer.is_dense()) && stage != "accumulate" {
                return None;
            }
            let layer_name = of_model.filter(|_| network.widths().is_empty()).map(ToString::to_string);
            let at = counts.iter().map(move |counts| counts.stages.get(index).copied().unwrap_or(0));
            let Spread { mean, min, max } = Spread::from_counts(at);
            Some(StageRow { stage: stage.into(), layer, layer_name, mean, min, max })
        };
        let stages: Vec<StageRow> = (0..stages).filter_map(stage).collect();
        Ok(Self {
            board,
            core,
            device: device.into(),
            unit,
            counter_hertz: hertz,
            model: model.id().to_string(),
            weight_order: model.matrices().last().map(|matrix| matrix.order()).unwrap_or_default().to_string(),
            network,
            multiply_accumulates,
            images: counts.len(),
            instructions_mean: instructions.map(|all| all.mean),
            instructions_min: instructions.map(|all| all.min),
            instructions_max: instructions.map(|all| all.max),
            cycles_mean: cycles.map(|all| all.mean),
            cycles_min: cycles.map(|all| all.min),
            cycles_max: cycles.map(|all| all.max),
            per_multiply_accumulate: all.mean / multiply_accumulates.max(1) as f64,
            stages,
            code_bytes: code.inference_bytes(),
            code_groups: code.groups,
            code_functions: code.functions.into_iter().take(MAX_FUNCTIONS).collect(),
            compiler: code.compiler,
            flash_bytes: memory.flash,
            model_bytes: model.bytes().len(),
            ram_bytes: workspace_bytes + memory.stack_used,
            ram_network_bytes: u32::try_from(model.workspace_bytes()).unwrap_or(u32::MAX),
            ram_workspace_bytes: workspace_bytes,
            ram_stack_bytes: memory.stack_used,
            ram_statics_bytes: memory.statics,
            each: Vec::new(),
            target: Device::by_name(device).map(Device::target),
            not_measured: not_measured(unit).iter().map(|&name| name.into()).collect(),
        })
    }

    /// Returns the counts per image, in the row's unit.
    pub fn spread(&self) -> Spread {
        let of =
            |mean: Option<f64>, min: Option<u64>, max: Option<u64>| Some(Spread { mean: mean?, min: min?, max: max? });
        let instructions = of(self.instructions_mean, self.instructions_min, self.instructions_max);
        let cycles = || of(self.cycles_mean, self.cycles_min, self.cycles_max);
        instructions.or_else(cycles).unwrap_or(Spread { mean: 0.0, min: 0, max: 0 })
    }

    /// Returns the means shown in tables: gathering in all layers, the rest of each layer, softmax.
    pub fn shown_stages(&self) -> Vec<(String, f64)> {
        let sum = |take: &dyn Fn(&&StageRow) -> bool| self.stages.iter().filter(take).map(|row| row.mean).sum();
        let gather = |row: &&StageRow| row.stage == "gather";
        let count = self.stages.iter().filter_map(|row| row.layer).max().unwrap_or(0);
        let layers =
            (1..=count).map(|layer| (format!("layer {layer}"), sum(&|row| row.layer == Some(layer) && !gather(row))));
        let softmax = ("softmax".to_owned(), sum(&|row| row.layer.is_none()));
        [("gather".to_owned(), sum(&gather))].into_iter().chain(layers).chain([softmax]).collect()
    }
}

/// Lists what a measurement in `unit` does not measure.
fn not_measured(unit: Unit) -> &'static [&'static str] {
    match unit {
        Unit::Instructions => &["cycles", "time", "energy"],
        Unit::Cycles => &["energy"],
    }
}

/// Returns the name of the stage at `index` of `count`, and its layer, from 1.
fn stage_name(index: usize, count: usize) -> (&'static str, Option<usize>) {
    const OF_A_LAYER: [&str; 3] = ["gather", "accumulate", "requantize"];
    if index + 1 == count {
        return ("softmax", None);
    }
    (OF_A_LAYER[index % OF_A_LAYER.len()], Some(index / OF_A_LAYER.len() + 1))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Returns a row of 1234 instructions, or cycles, on a Cortex-M4.
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
            network: Architecture::Dense(vec![784, 128, 10]),
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
            target: Some(if unit == Unit::Cycles { Target::Hardware } else { Target::Emulator }),
            not_measured: vec!["energy".into()],
        }
    }

    #[test]
    fn a_row_survives_json_and_has_only_its_own_unit() {
        let text = serde_json::to_string(&row(Unit::Cycles)).unwrap();
        assert!(text.contains("\"cycles_mean\":1234.0") && !text.contains("instructions"), "{text}");
        assert_eq!(serde_json::from_str::<Row>(&text).unwrap(), row(Unit::Cycles));
    }

    #[test]
    fn each_layer_has_three_stages_and_softmax_is_last() {
        let names: Vec<_> = (0..7).map(|index| stage_name(index, 7)).collect();
        assert_eq!(names[0], ("gather", Some(1)));
        assert_eq!(names[5], ("requantize", Some(2)));
        assert_eq!(names[6], ("softmax", None));
    }

    #[test]
    fn a_spread_without_counts_is_zero() {
        assert_eq!(Spread::from_counts([].into_iter()), Spread { mean: 0.0, min: 0, max: 0 });
        assert_eq!(Spread::from_counts([3, 1, 5].into_iter()), Spread { mean: 3.0, min: 1, max: 5 });
    }
}
