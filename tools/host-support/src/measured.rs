//! A measurement on a hardware board, as a file in `docs/measured`.

use serde::{Deserialize, Serialize};

/// The cycles of an inference, which `cargo xtask bench BOARD --probe --record FILE` writes and
/// `cargo xtask estimate --write-docs` reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredRecord {
    /// The board's name.
    pub board: String,
    /// The network in words.
    pub network: String,
    /// The model's id.
    pub model: String,
    /// Year, month and day.
    pub date: String,
    /// Checksum of the firmware in flash.
    pub firmware: String,
    /// Number of images.
    #[serde(rename = "pictures")]
    pub images: usize,
    /// Mean cycles of an inference.
    pub cycles_mean: f64,
    /// The fewest cycles.
    pub cycles_min: u64,
    /// The most cycles.
    pub cycles_max: u64,
}
