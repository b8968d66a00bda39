//! The form of a network's input pixels. Other forms than 0..=1 are folded into the first layer.

use burn::tensor::{Device, Tensor, TensorData};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::data::{Split, Statistics};
use networks::{DenseParameters, INPUT_SCALE};

/// The form of the network's input pixels during training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Pixels {
    /// From 0, black, to 1, white
    #[default]
    Unit,
    /// Standardized to mean 0 and standard deviation 1 over all training images
    Standard,
}

impl Pixels {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Standard => "standard",
        }
    }

    /// Returns the form for a network that is trained on `split`. Pixels that are all equal are not
    /// standardized.
    pub fn form(self, split: &Split) -> PixelForm {
        if self == Self::Unit {
            return PixelForm::PLAIN;
        }
        match Statistics::of(split) {
            Statistics { standard_deviation: 0.0, .. } => PixelForm::PLAIN,
            Statistics { mean, standard_deviation: std, .. } => PixelForm { mean, std, ..PixelForm::PLAIN },
        }
    }
}

/// The form `(p / scale - mean) / std` of a raw pixel `p`, 0..=255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PixelForm {
    /// Above 0.
    pub scale: f64,
    pub mean: f64,
    /// Above 0.
    pub std: f64,
}

impl PixelForm {
    /// Raw pixels, 0..=255.
    pub const RAW: Self = Self { scale: 1.0, mean: 0.0, std: 1.0 };

    /// Pixels in 0..=1.
    pub const PLAIN: Self = Self { scale: 1.0 / INPUT_SCALE, mean: 0.0, std: 1.0 };

    /// Converts `images`, each of `width` raw pixels, to this form, `[image, pixel]`.
    pub fn tensor<'a>(
        self,
        images: impl ExactSizeIterator<Item = &'a [u8]>,
        width: usize,
        device: &Device,
    ) -> Tensor<2> {
        let (factor, offset) = ((1.0 / (self.scale * self.std)) as f32, (self.mean / self.std) as f32);
        let count = images.len();
        let mut values = Vec::with_capacity(count * width);
        for image in images {
            values.extend(image.iter().map(|&pixel| f32::from(pixel) * factor - offset));
        }
        Tensor::from_data(TensorData::new(values, [count, width]), device)
    }

    /// Changes `layer`, which takes pixels in this form, so that it takes pixels in 0..=1 and gives
    /// the same outputs.
    pub fn fold_into(self, layer: &mut DenseParameters) {
        // This layer must not change by a single bit.
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

/// Converts `images`, each of `width` raw pixels, to `[image, pixel]` in 0..=1.
pub fn input_tensor<'a>(images: impl ExactSizeIterator<Item = &'a [u8]>, width: usize, device: &Device) -> Tensor<2> {
    PixelForm::PLAIN.tensor(images, width, device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::backend;

    #[test]
    fn standard_pixels_have_mean_0_and_deviation_1() {
        let split = Split { width: 2, pixels: vec![0, 255, 51, 0, 17, 200], labels: vec![1, 0, 1] };
        let form = Pixels::Standard.form(&split);
        let values: Vec<f32> = form.tensor(split.images(), 2, &backend::processor()).try_into_vec_as().unwrap();
        let mean = |values: &[f32]| values.iter().sum::<f32>() / 6.0;
        let squares: Vec<f32> = values.iter().map(|value| value * value).collect();
        assert!(mean(&values).abs() < 1e-6 && (mean(&squares) - 1.0).abs() < 1e-6, "{values:?}");
        let black = Split { width: 1, pixels: vec![9, 9], labels: vec![0, 1] };
        assert_eq!(Pixels::Standard.form(&black), PixelForm::PLAIN);
        assert_eq!(Pixels::Unit.form(&split), PixelForm::PLAIN);
    }

    #[test]
    fn plain_pixels_are_divided_by_255() {
        let split = Split { width: 256, pixels: (0..=255).collect(), labels: vec![0] };
        let plain = PixelForm::PLAIN.tensor(split.images(), 256, &backend::processor());
        let expected = (0..=255_u8).map(|pixel| f32::from(pixel) * INPUT_SCALE as f32);
        assert_eq!(plain.try_into_vec_as::<f32>().unwrap(), expected.collect::<Vec<_>>());
    }

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
