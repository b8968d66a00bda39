//! `bench.json`: the cost of an inference on boards, printed by `cargo xtask bench --json`.

use std::io;

use host_support::parity::Target;
use serde::Deserialize;

use super::folder::{MAX_RECORD_BYTES, Record, RecordError, RunFolder, parse};
use crate::support::bounded;
use crate::support::range::{NOT_NEGATIVE, Outside};

/// The file in the folder of a run.
pub const BENCH: &str = "bench.json";

/// The cost of an inference on one board. Other fields of the file are not read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BoardCost {
    pub board: String,
    pub core: String,
    /// Id of the model that was measured.
    pub model: String,
    #[serde(rename = "pictures")]
    pub images: u64,
    /// Per image, on an emulated board.
    #[serde(default)]
    pub instructions_mean: Option<f64>,
    /// Per image, on a hardware board.
    #[serde(default)]
    pub cycles_mean: Option<f64>,
    #[serde(default)]
    pub stages: Vec<StageCost>,
    #[serde(default)]
    pub target: Option<Target>,
}

/// The cost of one stage, in the unit of its board.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct StageCost {
    /// The layer, from 1; `None` for softmax.
    pub layer: Option<usize>,
    pub mean: f64,
}

impl BoardCost {
    /// Returns the cost of an image, and its unit.
    pub fn per_image(&self) -> Option<(f64, &'static str)> {
        let instructions = self.instructions_mean.map(|mean| (mean, "instructions"));
        instructions.or(self.cycles_mean.map(|mean| (mean, "cycles")))
    }

    /// Returns the cost of a layer, from 1.
    pub fn of_layer(&self, layer: usize) -> f64 {
        self.stages.iter().filter(|stage| stage.layer == Some(layer)).map(|stage| stage.mean).sum()
    }
}

impl Record for Vec<BoardCost> {
    fn outside(&self) -> Option<Outside> {
        let per_image = self.iter().filter_map(|board| Some(board.per_image()?.0));
        let stages = || self.iter().flat_map(|board| board.stages.iter().map(|stage| stage.mean));
        NOT_NEGATIVE.check("mean", per_image).or_else(|| NOT_NEGATIVE.check("stages", stages()))
    }
}

impl RunFolder {
    /// Returns the costs on boards; an empty vector if the file does not exist.
    pub fn read_bench(&self) -> Result<Vec<BoardCost>, RecordError> {
        let path = self.path().join(BENCH);
        match bounded::read(&path, MAX_RECORD_BYTES) {
            Ok(bytes) => parse(path, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(RecordError::Read { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_costs_of_layers_are_sums_of_their_stages() {
        let text = r#"[{"board": "mps2-an386", "core": "cortex-m4", "model": "01234567", "pictures": 200, "unit":
            "instructions", "instructions_mean": 30.5, "stages": [{"stage": "gather", "layer": 1, "mean": 10},
            {"stage": "accumulate", "layer": 1, "mean": 15}, {"stage": "softmax", "layer": null, "mean": 5.5}]}]"#;
        let boards: Vec<BoardCost> = parse("bench.json".into(), text.as_bytes()).unwrap();
        assert_eq!(boards[0].per_image(), Some((30.5, "instructions")));
        assert_eq!([1, 2].map(|layer| boards[0].of_layer(layer)), [25.0, 0.0]);
        let negative = text.replace("30.5", "-1");
        assert!(parse::<Vec<BoardCost>>("bench.json".into(), negative.as_bytes()).is_err());
    }
}
