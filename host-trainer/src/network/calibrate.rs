//! Runs the float network over a split, and measures its accuracy and its hidden activations.

use burn::tensor::TensorReadError;

use crate::data::Split;
use crate::network::{Network, input_tensor};

/// Images in one forward pass.
const BATCH: usize = 500;

/// Results of the float network on a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The predicted class of each image.
    pub predictions: Vec<u16>,
    /// Mean cross-entropy, 0 or more.
    pub loss: f64,
    /// The largest activation of each hidden layer over all images, 0 or more.
    pub largest: Vec<f32>,
}

impl Calibration {
    /// Returns the share of correct predictions, 0 to 1.
    pub fn accuracy(&self, split: &Split) -> f64 {
        f64::from(split.count_correct(&self.predictions)) / split.len() as f64
    }
}

/// Runs `network` over all images of `split`.
///
/// # Errors
///
/// Returns an error if the backend cannot return its results.
pub fn measure(network: &Network, split: &Split) -> Result<Calibration, TensorReadError> {
    let device = network.device();
    let mut measured = Calibration { predictions: Vec::with_capacity(split.len()), loss: 0.0, largest: Vec::new() };
    for (pixels, labels) in split.pixels.chunks(BATCH * split.width).zip(split.labels.chunks(BATCH)) {
        let mut maxima = Vec::new();
        let input = input_tensor(pixels.chunks_exact(split.width), split.width, &device);
        let logits = network.forward_with(input, |activations| {
            maxima.push(activations.clone().max());
        });
        measured.largest.resize(maxima.len(), 0.0);
        for (largest, maximum) in measured.largest.iter_mut().zip(maxima) {
            *largest = largest.max(maximum.try_into_scalar::<f32>()?);
        }
        let [_, classes] = logits.dims();
        let logits: Vec<f32> = logits.try_into_vec_as()?;
        for (row, &label) in logits.chunks(classes).zip(labels) {
            measured.predictions.push(argmax(row) as u16);
            let row = row.iter().copied().map(f64::from);
            measured.loss += cross_entropy(row, label.into()) / split.len() as f64;
        }
    }
    Ok(measured)
}

/// Returns the negative logarithm of the softmax of `logits` at `label`.
pub fn cross_entropy(mut logits: impl Iterator<Item = f64> + Clone, label: usize) -> f64 {
    let largest = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.clone().map(|logit| (logit - largest).exp()).sum();
    logits.nth(label).map_or(f64::NAN, |logit| sum.ln() - (logit - largest))
}

/// Returns the index of the largest value, the lowest if several are equal.
pub fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::DenseParameters;
    use crate::network::backend::Backend;

    #[test]
    fn the_lowest_index_wins_a_tie() {
        assert_eq!([argmax(&[1.0, 3.0, 3.0]), argmax(&[0.0, 0.0]), argmax(&[])], [1, 0, 0]);
    }

    #[test]
    fn predictions_and_largest_activations_are_measured() {
        let hidden =
            DenseParameters { inputs: 2, outputs: 2, weights: vec![2.0, -1.0, 0.0, 1.0], biases: vec![0.5, 0.0] };
        let last =
            DenseParameters { inputs: 2, outputs: 2, weights: vec![0.0, 1.0, 1.0, 0.0], biases: vec![0.0, -0.6] };
        let split = Split { width: 2, pixels: vec![255, 0, 0, 255, 0, 0], labels: vec![1, 1, 0] };
        for (_, device) in Backend::present() {
            let network = Network::from_parameters([hidden.clone(), last.clone()], &device);
            // Hidden activations: (2.5, 0), (0.5, 1), (0.5, 0).
            let measured = measure(&network, &split).unwrap();
            assert_eq!(measured.predictions, [1, 0, 0]);
            assert_eq!(measured.largest, [2.5]);
            // Logits: (0, 1.9), (1, -0.1), (0, -0.1).
            let softplus = |difference: f64| difference.exp().ln_1p();
            let expected = (softplus(-1.9) + softplus(1.1) + softplus(-0.1)) / 3.0;
            assert!((measured.loss - expected).abs() < 1e-6, "{} {expected}", measured.loss);
            assert_eq!(split.count_correct(&measured.predictions), 2);
            assert_eq!(network.parameters().unwrap(), [hidden.clone(), last.clone()]);
        }
    }
}
