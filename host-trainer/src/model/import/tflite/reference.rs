//! The arithmetic of TensorFlow Lite's reference kernels, to compare a model with its file.
//!
//! Both sum the same products. TensorFlow Lite rounds twice when it requantizes, first to a
//! multiple of a power of two, and halves away from zero; a model rounds once, and halves up.

use prenda::{HostWorkspace, InferError, LOGIT_FRACTION_BITS, LayerKind, Model, Requant};
use rayon::prelude::*;
use serde::Serialize;

use super::Integers;
use crate::data::Split;
use crate::network::LayerPlan;
use crate::quantize::QuantizedLayer;

/// Images that are compared.
const IMAGES: usize = 1000;

/// A comparison of a model's logits with the integers that the file computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SourceComparison {
    pub images: usize,
    /// Logits of all these images.
    pub logits: usize,
    /// Logits that are the same integer.
    pub equal: usize,
    /// The largest difference, in steps of the file's outputs.
    pub largest_difference: u32,
    /// Images with the same class; classes with equal integers are all right.
    pub same_class: usize,
}

impl SourceComparison {
    fn add(self, other: Self) -> Self {
        Self {
            images: self.images + other.images,
            logits: self.logits + other.logits,
            equal: self.equal + other.equal,
            largest_difference: self.largest_difference.max(other.largest_difference),
            same_class: self.same_class + other.same_class,
        }
    }
}

impl Integers {
    /// Compares `model` with the file on the first images of `split`.
    ///
    /// # Errors
    ///
    /// Returns an error if the model takes other images.
    pub fn compare(&self, model: &Model<'_>, split: &Split) -> Result<SourceComparison, InferError> {
        let compared = (0..split.len().min(IMAGES)).into_par_iter().map_init(
            || Box::new(HostWorkspace::new()),
            |workspace, index| {
                let image = split.image(index);
                let expected = self.outputs(image);
                let prediction = workspace.infer(model, image)?;
                let step = self.last.output_step * f64::from(1_u32 << LOGIT_FRACTION_BITS);
                let found =
                    prediction.logits.iter().map(|logit| clamp((f64::from(*logit) / step).round() as i64 + self.zero));
                let differences: Vec<u32> = found.zip(&expected).map(|(one, two)| one.abs_diff(*two)).collect();
                let most = expected.iter().max();
                Ok(SourceComparison {
                    images: 1,
                    logits: expected.len(),
                    equal: differences.iter().filter(|difference| **difference == 0).count(),
                    largest_difference: differences.into_iter().max().unwrap_or_default(),
                    same_class: usize::from(expected.get(prediction.class) == most),
                })
            },
        );
        compared.try_reduce(SourceComparison::default, |one, two| Ok(one.add(two)))
    }

    /// Returns the integers that the file computes from an image.
    pub fn outputs(&self, image: &[u8]) -> Vec<i32> {
        let mut layers = self.layers.iter();
        let mut values = image.to_vec();
        for plan in &self.plan {
            values = match plan.kind {
                LayerKind::MaxPool(_) | LayerKind::AveragePool(_) => pooled(plan, &values),
                _ => {
                    let Some(layer) = layers.next() else { break };
                    if layers.len() == 0 {
                        let outputs = weighted(plan, &self.last, &values).into_iter();
                        return outputs.map(|value| clamp(value + self.zero)).collect();
                    }
                    weighted(plan, layer, &values).into_iter().map(|value| value.clamp(0, 255) as u8).collect()
                }
            };
        }
        Vec::new()
    }
}

fn clamp(value: i64) -> i32 {
    value.clamp(i8::MIN.into(), i8::MAX.into()) as i32
}

/// Returns the requantized sums of a layer, before any clamp. Values are integers above that of
/// zero.
fn weighted(plan: &LayerPlan, layer: &QuantizedLayer, values: &[u8]) -> Vec<i64> {
    let outputs = layer.biases.len();
    let inputs = layer.weights.len() / outputs.max(1);
    let is_depthwise = matches!(plan.kind, LayerKind::Depthwise(_));
    let channels = usize::from(plan.input.channels).max(1);
    let windows = match plan.walk() {
        None => vec![values.to_vec()],
        Some(walk) => {
            let mut windows = vec![0; walk.windows() * walk.values()];
            for stretch in walk.stretches() {
                let (to, from) = (windows.iter_mut().skip(stretch.window), values.iter().skip(stretch.image));
                to.zip(from).take(stretch.count).for_each(|(to, from)| *to = *from);
            }
            windows.chunks(walk.values().max(1)).map(<[u8]>::to_vec).collect()
        }
    };
    let mut sums = Vec::with_capacity(windows.len() * outputs);
    for window in &windows {
        let rows = layer.weights.chunks(inputs.max(1)).zip(&layer.biases).zip(&layer.requants).enumerate();
        for (output, ((weights, bias), requant)) in rows {
            let product = |(weight, value): (&i8, &u8)| i64::from(*weight) * i64::from(*value);
            let sum: i64 = match is_depthwise {
                true => weights.iter().zip(window.iter().skip(output).step_by(channels)).map(product).sum(),
                false => weights.iter().zip(window).map(product).sum(),
            };
            sums.push(requantize(sum + i64::from(*bias), *requant));
        }
    }
    sums
}

/// Returns the largest value or the mean of each channel in each window.
fn pooled(plan: &LayerPlan, values: &[u8]) -> Vec<u8> {
    let (Some(walk), channels) = (plan.walk(), usize::from(plan.input.channels).max(1)) else { return Vec::new() };
    let is_maximum = matches!(plan.kind, LayerKind::MaxPool(_));
    let mut found: Vec<Vec<i64>> = vec![Vec::new(); walk.windows() * channels];
    for stretch in walk.stretches() {
        let window = stretch.window / walk.values().max(1);
        for (index, value) in values.iter().skip(stretch.image).take(stretch.count).enumerate() {
            if let Some(found) = found.get_mut(window * channels + index % channels) {
                // With the zero of the file.
                found.push(i64::from(*value) + i64::from(i8::MIN));
            }
        }
    }
    let pool = |values: &Vec<i64>| {
        let count = values.len() as i64;
        let sum: i64 = values.iter().sum();
        let half = if sum > 0 { count / 2 } else { -(count / 2) };
        let pooled = if is_maximum { values.iter().copied().max() } else { (sum + half).checked_div(count) };
        (pooled.unwrap_or_default() - i64::from(i8::MIN)).clamp(0, 255) as u8
    };
    found.iter().map(pool).collect()
}

/// Multiplies by a factor, with the two roundings of TensorFlow Lite.
fn requantize(sum: i64, requant: Requant) -> i64 {
    let shift = 31 - i32::from(requant.shift());
    // Wide enough for any factor.
    let product = (i128::from(sum) << shift.max(0)) * i128::from(requant.multiplier());
    // A doubled product without its lower half, rounded; the division truncates.
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    let high = i64::try_from((product + nudge) / (1 << 31)).unwrap_or(i64::MAX);
    let right = (-shift).max(0);
    let mask = (1_i64 << right) - 1;
    let threshold = (mask >> 1) + i64::from(high < 0);
    (high >> right) + i64::from(high & mask > threshold)
}
