//! The weights of a network's rows.

use serde::Deserialize;

use crate::quantize::WeightBits;
use crate::train::TrainConfig;

/// Stands for the bits of the float network.
pub const FLOAT_BITS: u8 = 32;

/// The weights of a row, and how they are made from the network's.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precision {
    weight_bits: RowBits,
    /// Epochs of training in integers (QAT); 0 only rounds (PTQ).
    #[serde(default)]
    qat_epochs: u32,
    /// Adam's largest learning rate in these.
    #[serde(default = "default_qat_learning_rate")]
    qat_learning_rate: f64,
}

/// Bits of a row's weights.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "u8")]
enum RowBits {
    Float,
    Integer(WeightBits),
}

impl Precision {
    /// Returns the configuration of the run that derives this row from a run of `base` whose model
    /// is `model`, like `train --from`.
    pub fn config(&self, base: &TrainConfig, model: &str) -> TrainConfig {
        TrainConfig {
            epochs: 0,
            from: Some(model.to_owned()),
            teacher: base.teacher.clone().filter(|_| self.is_fine_tuned()),
            weight_bits: match self.weight_bits {
                RowBits::Float => WeightBits::Eight,
                RowBits::Integer(bits) => bits,
            },
            qat_epochs: self.qat_epochs,
            qat_learning_rate: if self.is_fine_tuned() { self.qat_learning_rate } else { 0.0 },
            ..base.clone()
        }
    }

    /// Returns the bits of a weight of the hidden layers, or [`FLOAT_BITS`].
    pub fn weight_bits(&self) -> u8 {
        match self.weight_bits {
            RowBits::Float => FLOAT_BITS,
            RowBits::Integer(bits) => bits.into(),
        }
    }

    /// Returns whether the row is the float network.
    pub fn is_float(&self) -> bool {
        self.weight_bits == RowBits::Float
    }

    /// Returns whether the row is trained in integers.
    pub fn is_fine_tuned(&self) -> bool {
        self.qat_epochs > 0
    }

    /// Returns whether the row needs a run of its own: the network's run has the float weights, and
    /// those rounded to 8 bits.
    pub fn is_derived(&self) -> bool {
        self.is_fine_tuned() || self.weight_bits() < 8
    }
}

impl TryFrom<u8> for RowBits {
    type Error = String;

    fn try_from(bits: u8) -> Result<Self, String> {
        match bits {
            32 => Ok(Self::Float),
            _ => WeightBits::try_from(bits)
                .map(Self::Integer)
                .map_err(|_| format!("weight_bits is {bits}, expected 2, 4, 8 or 32")),
        }
    }
}

/// Returns the rows of a network that lists none.
pub fn eight_bits_alone() -> Vec<Precision> {
    let weight_bits = RowBits::Integer(WeightBits::Eight);
    vec![Precision { weight_bits, qat_epochs: 0, qat_learning_rate: default_qat_learning_rate() }]
}

fn default_qat_learning_rate() -> f64 {
    1e-3
}
