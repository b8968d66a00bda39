//! Ranges and errors of each layer of a quantized network.

use serde::{Deserialize, Serialize};

/// Effect of quantization on a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantization {
    /// Training images over which errors are measured.
    #[serde(rename = "pictures")]
    pub images: usize,
    /// First to last.
    pub layers: Vec<LayerQuantization>,
}

/// Effect of quantization on a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerQuantization {
    pub inputs: usize,
    pub outputs: usize,
    /// The smallest and the largest float weight.
    pub weights: [f32; 2],
    /// Value of one step of an integer weight, for the finest and for the coarsest output.
    pub weight_steps: [f64; 2],
    /// Share of integer weights that are zero, 0 to 1.
    pub zero_weights: f64,
    /// Share of pairs of the integer network's inputs that are zero, 0 to 1. A device skips them.
    /// `None` for a depthwise convolution, and in older files.
    #[serde(default)]
    pub zero_pairs: Option<f64>,
    /// The largest output over all training images, after ReLU. `None` for the last layer, whose
    /// outputs are logits.
    pub largest_activation: Option<f32>,
    /// Value of one step of an output.
    pub output_step: f64,
    /// Root mean square of the float network's outputs.
    pub output_rms: f64,
    /// Root mean square of the difference between both networks' outputs, including errors of
    /// earlier layers.
    pub error_rms: f64,
}

impl LayerQuantization {
    /// Returns the ratio of signal to quantization noise in decibels, or `None` if either is zero.
    pub fn signal_to_noise_decibels(&self) -> Option<f64> {
        let ratio = self.output_rms / self.error_rms;
        (ratio.is_finite() && ratio > 0.0).then(|| 20.0 * ratio.log10())
    }
}
