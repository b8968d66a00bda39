//! A slow reference for inference: weight by weight, with the formulas of docs/arithmetic.md, in 64
//! bits.

use shared_model::{Model, Requant};

/// Returns each layer's outputs for an image, first to last; the last one's are logits.
///
/// # Panics
///
/// Panics if a sum, in any order, exceeds 32 bits; a parsed model never has such a sum.
pub fn reference_outputs(view: &Model<'_>, pixels: &[u8]) -> Vec<Vec<i64>> {
    let mut outputs: Vec<Vec<i64>> = Vec::new();
    let last = view.layers().count() - 1;
    for (index, layer) in view.layers().enumerate() {
        let input = outputs.last().cloned().unwrap_or_else(|| widened(pixels));
        let output = |output| reference_output(layer.row(output), &input, layer.bias(output), layer.requant(output));
        outputs.push((0..layer.outputs()).map(output).map(|value| activated(value, index == last)).collect());
    }
    outputs
}

/// Returns pixels as the first layer's inputs.
pub(crate) fn widened(pixels: &[u8]) -> Vec<i64> {
    pixels.iter().map(|&pixel| pixel.into()).collect()
}

/// Returns one requantized output; half rounds up.
pub(crate) fn reference_output(row: impl Iterator<Item = i8>, input: &[i64], bias: i32, requant: Requant) -> i64 {
    // Every partial sum, in any order, is between these two.
    let (mut least, mut greatest) = (i64::from(bias.min(0)), i64::from(bias.max(0)));
    for (weight, input) in row.zip(input) {
        let product = i64::from(weight) * input;
        least += product.min(0);
        greatest += product.max(0);
    }
    assert!([least, greatest].iter().all(|&sum| i32::try_from(sum).is_ok()), "a sum of {least}..={greatest}");
    let product = (least + greatest) * i64::from(requant.multiplier());
    (product + (1 << (requant.shift() - 1))).div_euclid(1 << requant.shift())
}

/// Applies ReLU, except in the last layer.
pub(crate) fn activated(value: i64, is_last: bool) -> i64 {
    if is_last { value } else { value.clamp(0, 255) }
}
