//! Compares the integer network with the float network.

use prenda::{HostWorkspace, Model};
use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::quantize::encode_plain;

/// Computes the float network's logits in `f64`, and updates the largest hidden activations.
fn float_logits(layers: &[DenseParameters], pixels: &[u8], largest: &mut [f32]) -> Vec<f64> {
    let mut values: Vec<f64> = pixels.iter().map(|&pixel| f64::from(pixel) * INPUT_SCALE).collect();
    for (index, layer) in layers.iter().enumerate() {
        if let Some(maximum) = index.checked_sub(1).and_then(|hidden| largest.get_mut(hidden)) {
            values.iter_mut().for_each(|value| *value = value.max(0.0));
            *maximum = values.iter().fold(*maximum, |maximum, value| maximum.max(*value as f32));
        }
        let output = |output: usize| {
            let products = layer.column(output).zip(&values).map(|(weight, value)| f64::from(weight) * value);
            f64::from(layer.biases[output]) + products.sum::<f64>()
        };
        values = (0..layer.outputs).map(output).collect();
    }
    values
}

fn fixed_logits(layers: &[QuantizedLayer], images: &[Vec<u8>]) -> Vec<Vec<f64>> {
    let bytes = encode_plain(layers, images[0].len());
    let view = Model::parse(&bytes).unwrap();
    let mut workspace = HostWorkspace::new();
    let infer = |pixels: &Vec<u8>| {
        let prediction = workspace.infer(&view, pixels).unwrap();
        prediction.logits.iter().map(|&logit| f64::from(logit) / 65536.0).collect()
    };
    images.iter().map(infer).collect()
}

fn random_layers(widths: &[usize], seed: u64) -> Vec<DenseParameters> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let pairs = widths.iter().zip(&widths[1..]);
    let layer = |(&inputs, &outputs): (&usize, &usize)| {
        // Outputs of very different sizes: one common scale would lose the small ones.
        let sizes: Vec<f32> = (0..outputs).map(|_| random.random_range(-3.0_f32..1.0).exp2()).collect();
        let limit = (6.0 / inputs as f32).sqrt();
        let weights = (0..inputs * outputs).map(|index| random.random_range(-limit..limit) * sizes[index % outputs]);
        let weights = weights.collect();
        DenseParameters {
            inputs,
            outputs,
            weights,
            biases: (0..outputs).map(|_| random.random_range(-0.5..0.5)).collect(),
        }
    };
    pairs.map(layer).collect()
}

fn random_images(width: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    // Half of the pixels are black, as in the real images.
    (0..40)
        .map(|_| (0..width).map(|_| random.random::<u8>() & random.random_range(0..=1_u8).wrapping_neg()).collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Without activations to round, the error has a proven bound: half a step for each weight, for
    /// the bias and for the logit.
    #[test]
    fn one_layer_is_within_the_proved_bound(inputs in 1_usize..60, outputs in 2_usize..20, seed: u64) {
        let layers = random_layers(&[inputs, outputs], seed);
        let images = random_images(inputs, seed);
        let quantized = quantize_dense(&layers, &[]).unwrap();
        for (pixels, fixed) in images.iter().zip(fixed_logits(&quantized, &images)) {
            let float = float_logits(&layers, pixels, &mut []);
            let sum: f64 = pixels.iter().map(|&pixel| f64::from(pixel)).sum();
            for (output, (float, fixed)) in float.iter().zip(fixed).enumerate() {
                let step = dense::channels(&layers[0], INPUT_SCALE, 127).unwrap()[output].scale;
                let bound = 0.5 * step * (sum + 1.0) + 1.0 / 65536.0;
                prop_assert!((float - fixed).abs() <= bound, "{float} {fixed} {bound}");
            }
        }
    }
}

#[test]
fn deep_networks_stay_near_their_float_originals() {
    for (seed, widths) in [&[784, 128, 10][..], &[100, 50, 30, 4], &[9, 33, 17, 8, 2]].into_iter().enumerate() {
        let layers = random_layers(widths, seed as u64);
        let images = random_images(widths[0], seed as u64);
        let mut largest = vec![0.0; widths.len() - 2];
        let float: Vec<Vec<f64>> = images.iter().map(|pixels| float_logits(&layers, pixels, &mut largest)).collect();
        let fixed = fixed_logits(&quantize_dense(&layers, &largest).unwrap(), &images);
        let (float, fixed) = (float.concat(), fixed.concat());
        let mean_square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        let error = mean_square(&mut float.iter().zip(&fixed).map(|(float, fixed)| float - fixed));
        let relative = (error / mean_square(&mut float.iter().copied())).sqrt();
        assert!(relative < 0.02, "{widths:?}: {relative}");
    }
}

#[test]
fn odd_channels_survive() {
    // Neurons: without weights, with a bias far above its weights, always zero, and almost without
    // weights.
    let hidden = DenseParameters {
        inputs: 2,
        outputs: 4,
        weights: vec![0.0, 1e-12, -1.0, 1e-30, 0.0, -1e-12, -1.0, 1e-30],
        biases: vec![0.75, 1.0, -1.0, 0.0],
    };
    let last = DenseParameters {
        inputs: 4,
        outputs: 2,
        weights: vec![1.0, 0.0, 0.5, 0.0, 1.0, 1.0, 1.0, 0.0],
        biases: vec![0.0; 2],
    };
    let layers = [hidden, last];
    let images = vec![vec![255, 0], vec![0, 0], vec![7, 255]];
    let mut largest = vec![0.0];
    let float: Vec<_> = images.iter().map(|pixels| float_logits(&layers, pixels, &mut largest)).collect();
    let quantized = quantize_dense(&layers, &largest).unwrap();
    assert_eq!((quantized[0].biases[3], &quantized[0].weights[6..]), (0, &[0, 0][..]));
    for (float, fixed) in float.iter().flatten().zip(fixed_logits(&quantized, &images).concat()) {
        assert!((float - fixed).abs() < 0.01, "{float} {fixed}");
    }
}

#[test]
fn a_layer_that_is_always_zero_is_not_an_error() {
    let hidden = DenseParameters { inputs: 1, outputs: 1, weights: vec![-1.0], biases: vec![-1.0] };
    let last = DenseParameters { inputs: 1, outputs: 2, weights: vec![1.0, 2.0], biases: vec![0.25, -0.25] };
    let quantized = quantize_dense(&[hidden, last], &[0.0]).unwrap();
    let fixed = fixed_logits(&quantized, &[vec![200]]);
    assert!((fixed[0][0] - 0.25).abs() < 1e-3 && (fixed[0][1] + 0.25).abs() < 1e-3, "{fixed:?}");
}

#[test]
fn an_activation_far_below_its_accumulators_is_not_an_error() {
    let hidden = DenseParameters { inputs: 1, outputs: 1, weights: vec![1.0], biases: vec![-1.0] };
    let last = DenseParameters { inputs: 1, outputs: 2, weights: vec![1.0, 2.0], biases: vec![0.0; 2] };
    quantize_dense(&[hidden, last], &[1e-30]).unwrap();
}

#[test]
fn logits_out_of_range_are_refused() {
    let layer = DenseParameters { inputs: 1, outputs: 2, weights: vec![1.0, 1e12], biases: vec![0.0; 2] };
    assert_eq!(quantize_dense(&[layer], &[]), Err(QuantizeError::LogitRange { class: 1 }));
}
