//! Quantizes the float network: weights to `i8`, with one scale for each output, activations to
//! `u8`, biases and logits to `i32`.
//!
//! ```text
//!  float:  x * W + b          x = s_in * x_q      W = s_w[j] * w_q
//!  fixed:  x_q * w_q + b_q    s_acc[j] = s_in * s_w[j]    b = s_acc[j] * b_q
//!  hidden: y_q = acc * s_acc[j] / s_out           logit: acc * s_acc[j] * 2^16
//! ```
//!
//! Scales are computed here in `f64`. The model stores only integers, with which `prenda`
//! computes.

mod bits;
mod dense;
mod deviation;
mod encode;
mod record;
mod requant;

use prenda::{LOGIT_FRACTION_BITS, LayerKind, LayerSource, Requant, WeightOrder};
use thiserror::Error;

pub use self::bits::WeightBits;
use self::dense::Channel;
pub use self::deviation::{DeviationError, measure_deviation};
pub use self::encode::encode;
#[cfg(test)]
pub use self::encode::{encode_network, encode_plain};
pub use self::record::{LayerQuantization, Quantization};
use self::requant::{MAX_FACTOR, RequantFit};
use crate::network::{DenseParameters, INPUT_SCALE, LayerPlan};

/// The largest value of a hidden activation.
const ACTIVATION_STEPS: f64 = u8::MAX as f64;

/// Outputs of a block of pruned weights. Layers with fewer outputs are not pruned.
pub const BLOCK_OUTPUTS: usize = 8;

/// Value of one step of a logit.
const LOGIT_SCALE: f64 = 1.0 / (1_u32 << LOGIT_FRACTION_BITS) as f64;

/// A dense layer or a convolution in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedLayer {
    /// Weight order in the model.
    pub order: WeightOrder,
    /// Value of one step of a weight, for each output.
    pub weight_steps: Vec<f64>,
    /// Value of one step of an output.
    pub output_step: f64,
    /// One bias for each output, on the scale of its accumulator.
    pub biases: Vec<i32>,
    /// One factor for each output.
    pub requants: Vec<Requant>,
    /// Weights, `[output][input]`.
    pub weights: Vec<i8>,
}

/// Returns a network of `plan` with the matrices `layers` in the form that the encoder takes.
pub fn sources<'a>(plan: &[LayerPlan], layers: &'a [QuantizedLayer]) -> Vec<LayerSource<'a>> {
    let mut layers = layers.iter();
    let sources = plan.iter().map(|plan| {
        let layer = if plan.kind.has_matrix() { layers.next() } else { None };
        let source = layer.map(|QuantizedLayer { order, biases, requants, weights, .. }| LayerSource {
            kind: plan.kind,
            order: *order,
            biases,
            requants,
            weights,
        });
        source.unwrap_or(LayerSource { kind: plan.kind, ..LayerSource::default() })
    });
    sources.collect()
}

/// Why a network cannot be quantized. Layers, outputs and classes are counted from 0. The caller
/// adds where the weights come from and what may help.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum QuantizeError {
    /// A weight or a bias is not finite.
    #[error("layer {layer}, output {output} has weights that are not finite")]
    NotFinite { layer: usize, output: usize },
    /// A hidden layer's outputs are beyond the range of `f32`.
    #[error("layer {layer} has outputs that are not finite: weights up to it are too large")]
    ActivationRange { layer: usize },
    /// A logit would overflow its fixed point.
    #[error("class {class} has weights that are too large for logits of 32 bits")]
    LogitRange { class: usize },
}

/// Quantizes the matrices `layers` of a network of `plan`, first to last. `largest` has each hidden
/// layer's largest activation over the training images. [`largest_weights`] says which layers have
/// `weight_bits`.
///
/// # Errors
///
/// Returns an error if weights or activations are not finite, or if logits would overflow.
pub fn quantize(
    plan: &[LayerPlan],
    layers: &[DenseParameters],
    largest: &[f32],
    weight_bits: WeightBits,
) -> Result<Vec<QuantizedLayer>, QuantizeError> {
    let mut input_scale = INPUT_SCALE;
    let mut quantized = Vec::with_capacity(layers.len());
    for (index, (layer, largest_weight)) in layers.iter().zip(largest_weights(plan, weight_bits)).enumerate() {
        let channels = dense::channels(layer, input_scale, largest_weight)
            .map_err(|output| QuantizeError::NotFinite { layer: index, output })?;
        // The outputs of the last layer are the logits.
        let output_scale = match largest.get(index) {
            Some(largest) if !largest.is_finite() => return Err(QuantizeError::ActivationRange { layer: index }),
            Some(&largest) => activation_scale(largest, &channels),
            None => LOGIT_SCALE,
        };
        quantized.push(rescale(layer.inputs, channels, input_scale, output_scale)?);
        input_scale = output_scale;
    }
    Ok(quantized)
}

/// Returns the largest weight of each layer with a matrix. All but the last and depthwise
/// convolutions, which are small, have `weight_bits`.
pub fn largest_weights(plan: &[LayerPlan], weight_bits: WeightBits) -> impl Iterator<Item = i8> {
    let count = plan.iter().filter(|layer| layer.kind.has_matrix()).count();
    let layers = plan.iter().filter(|layer| layer.kind.has_matrix()).enumerate();
    layers.map(move |(index, layer)| {
        let is_narrow = index + 1 < count && !matches!(layer.kind, LayerKind::Depthwise(_));
        if is_narrow { weight_bits.largest() } else { i8::MAX }
    })
}

/// Returns the value of one step of a hidden activation.
fn activation_scale(largest: f32, channels: &[Channel]) -> f64 {
    let scale = f64::from(largest) / ACTIVATION_STEPS;
    // A layer that is zero for every training image may have any scale.
    let scale = if scale > 0.0 { scale } else { 1.0 / ACTIVATION_STEPS };
    // Finer steps than this cannot be reached by requantization, and have no visible effect.
    let used = channels.iter().filter(|channel| !channel.is_zero());
    let coarsest = used.map(|channel| channel.scale).fold(0.0, f64::max);
    scale.max(coarsest / MAX_FACTOR)
}

/// Quantizes layer `index`, whose `weights`, `[output][input]`, become integers of at most
/// `largest_weight` in steps of `steps`, one for each output. The scales are the values of one step
/// of an input and of an output; the latter is `None` for logits.
///
/// # Errors
///
/// Returns an error if weights are not finite, or if logits would overflow.
pub fn quantize_in_steps(
    index: usize,
    weights: &[f32],
    biases: &[f32],
    steps: &[f64],
    (input_scale, output_scale): (f64, Option<f64>),
    largest_weight: i8,
) -> Result<QuantizedLayer, QuantizeError> {
    let inputs = weights.len() / biases.len().max(1);
    let rows = weights.chunks(inputs.max(1)).zip(biases).zip(steps).enumerate();
    // No coarser than the outputs of a hidden layer allow, so that each one can be requantized.
    let coarsest = output_scale.map_or(f64::INFINITY, |scale| MAX_FACTOR * scale / input_scale);
    let channels = rows.map(|(output, ((row, &bias), &step))| {
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        let is_finite = bias.is_finite() && step.is_finite() && row.iter().all(|weight| weight.is_finite());
        let channel = || dense::channel(&row, bias.into(), step, (input_scale, coarsest), largest_weight);
        is_finite.then(channel).ok_or(QuantizeError::NotFinite { layer: index, output })
    });
    let channels = channels.collect::<Result<Vec<_>, _>>()?;
    rescale(inputs, channels, input_scale, output_scale.unwrap_or(LOGIT_SCALE))
}

fn rescale(
    inputs: usize,
    channels: Vec<Channel>,
    input_scale: f64,
    output_scale: f64,
) -> Result<QuantizedLayer, QuantizeError> {
    let mut quantized = QuantizedLayer {
        order: WeightOrder::default(),
        weight_steps: channels.iter().map(|channel| channel.scale / input_scale).collect(),
        output_step: output_scale,
        biases: Vec::with_capacity(channels.len()),
        requants: Vec::with_capacity(channels.len()),
        weights: Vec::with_capacity(inputs * channels.len()),
    };
    for (output, channel) in channels.into_iter().enumerate() {
        let is_zero = channel.is_zero();
        match requant::split(channel.scale / output_scale) {
            RequantFit::Fits(requant) => {
                quantized.biases.push(channel.bias);
                quantized.requants.push(requant);
                quantized.weights.extend(channel.weights);
            }
            // Only a logit: the scales of hidden layers exclude it.
            RequantFit::TooLarge if !is_zero => return Err(QuantizeError::LogitRange { class: output }),
            // Every accumulator would give zero.
            RequantFit::TooSmall | RequantFit::TooLarge => {
                quantized.biases.push(0);
                quantized.requants.push(Requant::default());
                quantized.weights.resize(quantized.weights.len() + inputs, 0);
            }
        }
    }
    Ok(quantized)
}

/// Returns a layer of integers that another program quantized: `weights`, `[output][input]`, in
/// `weight_steps`, one for each output, and `biases` on the scale of accumulators. Outputs have the
/// step `output_step`; `None` for logits. Returns `None` if a multiplier cannot express a factor.
pub fn keep(
    weights: Vec<i8>,
    biases: Vec<i32>,
    weight_steps: Vec<f64>,
    input_step: f64,
    output_step: Option<f64>,
) -> Option<QuantizedLayer> {
    let output_step = output_step.unwrap_or(LOGIT_SCALE);
    let requant = |step: &f64| match requant::split(input_step * step / output_step) {
        RequantFit::Fits(requant) => Some(requant),
        RequantFit::TooSmall | RequantFit::TooLarge => None,
    };
    let requants: Vec<Requant> = weight_steps.iter().map(requant).collect::<Option<_>>()?;
    let is_whole = requants.len() == biases.len() && weights.len().is_multiple_of(biases.len().max(1));
    let order = WeightOrder::default();
    is_whole.then_some(QuantizedLayer { order, weight_steps, output_step, biases, requants, weights })
}

/// Chooses the weight order of hidden layers: by the width of their weights, or blocks if they are
/// pruned. Depthwise convolutions have pairs.
pub fn choose_orders(plan: &[LayerPlan], layers: &mut [QuantizedLayer], weight_bits: WeightBits, sparsity: f64) {
    let Some((_, hidden)) = layers.split_last_mut() else { return };
    let order = match weight_bits {
        _ if sparsity > 0.0 => WeightOrder::Blocks,
        WeightBits::Eight => WeightOrder::Pairs,
        WeightBits::Four => WeightOrder::FourBitPairs,
        WeightBits::Two => WeightOrder::TernaryPairs,
    };
    for (layer, plan) in hidden.iter_mut().zip(plan.iter().filter(|plan| plan.kind.has_matrix())) {
        let is_whole = order == WeightOrder::Blocks && layer.biases.len() < BLOCK_OUTPUTS;
        let has_pairs = is_whole || matches!(plan.kind, LayerKind::Depthwise(_));
        layer.order = if has_pairs { WeightOrder::Pairs } else { order };
    }
}

/// Quantizes dense layers to eight bits.
#[cfg(test)]
pub fn quantize_dense(layers: &[DenseParameters], largest: &[f32]) -> Result<Vec<QuantizedLayer>, QuantizeError> {
    quantize(&LayerPlan::dense(layers), layers, largest, WeightBits::Eight)
}

#[cfg(test)]
mod tests;
