//! Makes what `shared-model`'s kernel `dense` eats: weights and biases of one dense layer.

use crate::model::DenseParameters;

/// Weights are symmetric: -127..=127.
const WEIGHT_STEPS: f64 = i8::MAX as f64;

/// Biases are kept below this, so that no accumulator leaves 32 bits: the weighted sum stays below 2^30 too.
const LARGEST_BIAS: f64 = (1 << 30) as f64;

/// One output of a dense layer, in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// What one step of the accumulator is worth, above 0.
    pub scale: f64,
    /// The bias, in steps of the accumulator.
    pub bias: i32,
    /// One weight for each input, in -127..=127.
    pub weights: Vec<i8>,
}

/// Quantizes every output of `layer`, whose inputs come in steps of `input_scale`.
///
/// # Errors
///
/// The first output with a weight or bias that is not finite.
pub fn channels(layer: &DenseParameters, input_scale: f64) -> Result<Vec<Channel>, usize> {
    let biases = layer.biases.iter().enumerate();
    biases
        .map(|(output, &bias)| {
            let weights: Vec<f64> = layer.column(output).map(f64::from).collect();
            let is_finite = bias.is_finite() && weights.iter().all(|weight| weight.is_finite());
            if is_finite { Ok(channel(&weights, bias.into(), input_scale)) } else { Err(output) }
        })
        .collect()
}

fn channel(weights: &[f64], bias: f64, input_scale: f64) -> Channel {
    let largest = weights.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs()));
    // As fine as the largest weight allows, but coarse enough for the bias: where the two are at odds, weights this
    // small hardly matter beside the bias.
    let scale = (largest / WEIGHT_STEPS).max(bias.abs() / (input_scale * LARGEST_BIAS));
    // Nothing to represent.
    let scale = if scale > 0.0 { scale } else { 1.0 };
    // In range by the choice of the scale; `as` would saturate.
    let weights =
        weights.iter().map(|weight| (weight / scale).round().clamp(-WEIGHT_STEPS, WEIGHT_STEPS) as i8).collect();
    let scale = scale * input_scale;
    Channel { scale, bias: (bias / scale).round() as i32, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_weight_takes_all_steps() {
        let found = channel(&[0.5, -1.0, 0.004, 0.0], 0.25, 1.0 / 255.0);
        assert_eq!(found.weights, [64, -127, 1, 0]);
        assert_eq!(found.scale, 1.0 / 127.0 / 255.0);
        assert_eq!(found.bias, 8096); // 0.25 * 127 * 255 = 8096.25
    }

    #[test]
    fn a_channel_without_weights_keeps_its_bias() {
        for bias in [1.0, -3.5, 1e-30, 1e30] {
            let found = channel(&[0.0, 0.0], bias, 1.0 / 255.0);
            assert_eq!(found.weights, [0, 0]);
            assert!((f64::from(found.bias) * found.scale / bias - 1.0).abs() < 1e-9, "{found:?}");
        }
        assert_eq!(channel(&[0.0], 0.0, 1.0).bias, 0);
        assert!(channel(&[0.0], 0.0, 1.0).scale > 0.0);
    }

    #[test]
    fn a_bias_too_large_for_its_weights_makes_them_coarser() {
        let found = channel(&[1e-9, -1e-12], -5.0, 1.0 / 255.0);
        assert_eq!(found.bias, -(1 << 30));
        assert!((f64::from(found.bias) * found.scale + 5.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let layer =
                DenseParameters { inputs: 2, outputs: 2, weights: vec![0.0, 0.0, 0.0, bad], biases: vec![0.0; 2] };
            assert_eq!(channels(&layer, 1.0), Err(1));
            let layer = DenseParameters { inputs: 1, outputs: 2, weights: vec![0.0; 2], biases: vec![bad, 0.0] };
            assert_eq!(channels(&layer, 1.0), Err(0));
        }
    }
}
