//! Ranges and errors of each layer of a quantized network.

use serde::{Deserialize, Serialize};

/// What quantization does to a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantization {
    /// Training images over which errors are measured.
    #[serde(rename = "pictures")]
    pub images: usize,
    /// First to last.
    pub layers: Vec<LayerQuantization>,
}

/// What quantization does to a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerQuantization {
    /// Inputs of the layer.
    pub inputs: usize,
    /// Outputs of the layer.
    pub outputs: usize,
    /// The least and the largest float weight.
    pub weights: [f32; 2],
    /// What one step of an integer weight is worth: of the finest and of the coarsest output.
    pub weight_steps: [f64; 2],
    /// The share of integer weights that are zero, 0..=1.
    pub zero_weights: f64,
    /// The largest output over all training images, after ReLU; absent for the last layer, whose
    /// outputs are logits.
    pub largest_activation: Option<f32>,
    /// What one step of an output is worth.
    pub output_step: f64,
    /// Root mean square of the float network's outputs.
    pub output_rms: f64,
    /// Root mean square of the difference between both networks' outputs, all layers before this
    /// one included.
    pub error_rms: f64,
}

impl LayerQuantization {
    /// Signal to quantization noise in decibels; nothing where there is no noise or no signal.
    pub fn signal_to_noise_decibels(&self) -> Option<f64> {
        let ratio = self.output_rms / self.error_rms;
        (ratio.is_finite() && ratio > 0.0).then(|| 20.0 * ratio.log10())
    }
}
