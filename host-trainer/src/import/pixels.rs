//! What training did to a pixel before its network saw it, made part of the first layer.

use crate::model::{DenseParameters, INPUT_SCALE};

/// What a network takes for a raw pixel `p`, 0..=255: `(p / scale - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelForm {
    /// What a raw pixel was divided by, above 0.
    pub scale: f64,
    /// What was subtracted from that.
    pub mean: f64,
    /// What the rest was divided by, above 0.
    pub std: f64,
}

impl PixelForm {
    /// Pixels in 0..=1.
    pub const PLAIN: Self = Self { scale: 1.0 / INPUT_SCALE, mean: 0.0, std: 1.0 };

    /// Changes `layer`, which takes pixels in this form, to one that takes pixels in 0..=1 and gives the same outputs.
    pub fn fold_into(self, layer: &mut DenseParameters) {
        // Such a layer stays as it is, to the bit.
        if self == Self::PLAIN {
            return;
        }
        let factor = 1.0 / (INPUT_SCALE * self.scale * self.std);
        for output in 0..layer.outputs {
            let sum: f64 = layer.column(output).map(f64::from).sum();
            if let Some(bias) = layer.biases.get_mut(output) {
                *bias = (f64::from(*bias) - self.mean / self.std * sum) as f32;
            }
        }
        for weight in &mut layer.weights {
            *weight = (f64::from(*weight) * factor) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_layer_gives_the_same_outputs() {
        let layer = DenseParameters {
            inputs: 3,
            outputs: 2,
            weights: vec![0.5, -1.0, 0.25, 2.0, -0.75, 0.125],
            biases: vec![0.1, -0.2],
        };
        let outputs = |layer: &DenseParameters, pixels: [f64; 3]| -> Vec<f64> {
            let sum = |output: usize| -> f64 {
                layer.column(output).zip(pixels).map(|(weight, pixel)| f64::from(weight) * pixel).sum()
            };
            (0..2).map(|output| sum(output) + f64::from(layer.biases[output])).collect()
        };
        for form in [
            PixelForm { mean: 0.2860, std: 0.3530, ..PixelForm::PLAIN },
            PixelForm { scale: 1.0, mean: 0.0, std: 1.0 },
            PixelForm { scale: 127.5, mean: 1.0, std: 1.0 },
            PixelForm::PLAIN,
        ] {
            let mut folded = layer.clone();
            form.fold_into(&mut folded);
            assert_eq!(folded == layer, form == PixelForm::PLAIN);
            for raw in [[0.0, 0.0, 0.0], [255.0, 17.0, 128.0]] {
                let expected = outputs(&layer, raw.map(|pixel| (pixel / form.scale - form.mean) / form.std));
                let found = outputs(&folded, raw.map(|pixel| pixel / 255.0));
                for (expected, found) in expected.iter().zip(found) {
                    assert!((expected - found).abs() <= 1e-6 * expected.abs().max(1.0), "{form:?} {expected} {found}");
                }
            }
        }
    }
}
