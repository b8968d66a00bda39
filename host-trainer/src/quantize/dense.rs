//! Quantizes the weights and biases of one dense layer.

use crate::network::DenseParameters;

/// Biases stay below this. The weighted sum also stays below 2^30, so that no accumulator overflows
/// 32 bits.
const MAX_BIAS: f64 = (1 << 30) as f64;

/// Number of step sizes tried for weights of few bits.
const CANDIDATES: u32 = 50;

/// One output of a dense layer, in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Value of one step of the accumulator, above 0.
    pub scale: f64,
    /// The bias, in steps of the accumulator.
    pub bias: i32,
    /// One weight for each input.
    pub weights: Vec<i8>,
}

impl Channel {
    /// Returns true if the output is zero for every input.
    pub fn is_zero(&self) -> bool {
        self.bias == 0 && self.weights.iter().all(|weight| *weight == 0)
    }
}

/// Quantizes every output of `layer`, whose inputs have the step `input_scale`, to weights of at
/// most `largest`, 1 or more.
///
/// # Errors
///
/// Returns the first output with a weight or bias that is not finite.
pub fn channels(layer: &DenseParameters, input_scale: f64, largest: i8) -> Result<Vec<Channel>, usize> {
    let biases = layer.biases.iter().enumerate();
    biases
        .map(|(output, &bias)| {
            let weights: Vec<f64> = layer.column(output).map(f64::from).collect();
            let is_finite = bias.is_finite() && weights.iter().all(|weight| weight.is_finite());
            let step = || weight_step(&weights, largest);
            let channel = || channel(&weights, bias.into(), step(), (input_scale, f64::INFINITY), largest);
            is_finite.then(channel).ok_or(output)
        })
        .collect()
}

/// Returns the step size that quantizes `weights` to integers of at most `largest`; 0 if all are
/// zero.
///
/// With eight bits, the step is as fine as the largest weight allows. With fewer bits, clipping the
/// largest weights pays: of several candidates, the step with the least sum of squared errors is
/// chosen.
pub fn weight_step(weights: &[f64], largest: i8) -> f64 {
    let coarsest = weights.iter().fold(0.0, |largest: f64, weight| largest.max(weight.abs())) / f64::from(largest);
    if largest == i8::MAX {
        return coarsest;
    }
    let error = |step: f64| -> f64 {
        weights.iter().map(|weight| (weight - f64::from(round(weight / step, largest)) * step).powi(2)).sum()
    };
    let steps = (1..=CANDIDATES).map(|index| coarsest * f64::from(index) / f64::from(CANDIDATES));
    steps.map(|step| (error(step), step)).min_by(|one, other| one.0.total_cmp(&other.0)).map_or(0.0, |(_, step)| step)
}

/// Rounds to the nearest integer of at most `largest` in size.
pub fn round(value: f64, largest: i8) -> i8 {
    // The clamp keeps it in range. NaN, from zero by zero, becomes 0.
    value.round().clamp(-f64::from(largest), f64::from(largest)) as i8
}

/// Quantizes an output: `weights` become integers of at most `largest`, in steps of `step`, or of
/// `coarsest` if that is finer. A bias beyond 32 bits is clipped.
pub fn channel(weights: &[f64], bias: f64, step: f64, (input_scale, coarsest): (f64, f64), largest: i8) -> Channel {
    // Coarse enough for the bias. Weights this small hardly matter next to such a bias.
    let scale = step.max(bias.abs() / (input_scale * MAX_BIAS)).min(coarsest);
    // All values are zero.
    let scale = if scale > 0.0 { scale } else { coarsest.min(1.0) };
    let weights = weights.iter().map(|weight| round(weight / scale, largest)).collect();
    let scale = scale * input_scale;
    Channel { scale, bias: (bias / scale).round().clamp(-MAX_BIAS, MAX_BIAS) as i32, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(weights: &[f64], bias: f64, input_scale: f64) -> Channel {
        super::channel(weights, bias, weight_step(weights, 127), (input_scale, f64::INFINITY), 127)
    }

    #[test]
    fn the_largest_weight_uses_the_full_range() {
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
    fn a_bias_too_large_for_the_coarsest_step_is_clipped() {
        for (bias, expected) in [(1e9, 1 << 30), (-1e9, -(1 << 30))] {
            let found = super::channel(&[1e-9], bias, 1e-11, (1.0, 1e-10), 127);
            assert_eq!((found.scale, found.bias, found.weights), (1e-10, expected, vec![10]));
        }
        let zero = super::channel(&[0.0], 0.0, 0.0, (1.0, 1e-10), 127);
        assert_eq!((zero.scale, zero.bias, zero.weights), (1e-10, 0, vec![0]));
    }

    #[test]
    fn the_output_that_is_not_finite_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let layer =
                DenseParameters { inputs: 2, outputs: 2, weights: vec![0.0, 0.0, 0.0, bad], biases: vec![0.0; 2] };
            assert_eq!(channels(&layer, 1.0, 127), Err(1));
            let layer = DenseParameters { inputs: 1, outputs: 2, weights: vec![0.0; 2], biases: vec![bad, 0.0] };
            assert_eq!(channels(&layer, 1.0, 127), Err(0));
        }
    }

    #[test]
    fn few_bits_clip_the_largest_weights_when_that_pays() {
        let weights: Vec<f64> = (0..1000).map(|index| f64::from(index % 21 - 10) / 10.0).chain([4.0]).collect();
        for largest in [7, 1] {
            let step = weight_step(&weights, largest);
            assert!(step < 4.0 / f64::from(largest) / 2.0, "{step}");
            let error = |step: f64| -> f64 {
                weights.iter().map(|weight| (weight - f64::from(round(weight / step, largest)) * step).powi(2)).sum()
            };
            assert!(error(step) < error(4.0 / f64::from(largest)));
            assert!(error(step) <= error(step * 1.1) && error(step) <= error(step * 0.9));
        }
        assert_eq!(weight_step(&[0.0, 0.0], 7), 0.0);
        assert_eq!(weight_step(&[], 1), 0.0);
        assert_eq!([round(7.6, 7), round(-9.0, 7), round(0.5, 1), round(f64::NAN, 1)], [7, -7, 1, 0]);
    }
}
