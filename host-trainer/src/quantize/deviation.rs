//! Measures the difference between the float network's layers and the integer network's.

use burn::tensor::TensorReadError;
use prenda::{HostWorkspace, InferError, LOGIT_FRACTION_BITS, Model, Stage};
use thiserror::Error;

use super::QuantizedLayer;
use crate::data::Split;
use crate::network::{DenseParameters, LayerPlan, Network, input_tensor};
use crate::quantize::{LayerQuantization, Quantization};

/// Images over which errors are measured: enough for two digits.
const IMAGES: usize = 1000;

/// Images in one forward pass.
const BATCH: usize = 500;

/// Why the networks cannot be compared.
#[derive(Debug, Error)]
pub enum DeviationError {
    #[error("cannot run the exported network: this is a bug in this program; please report it")]
    Infer(#[from] InferError),
    #[error("the backend failed while comparing the two networks; try another one of --backend list")]
    Backend(#[from] TensorReadError),
}

/// Sums of squares over a layer's outputs.
#[derive(Clone, Copy, Debug, Default)]
struct Squares {
    output: f64,
    error: f64,
    count: usize,
}

impl Squares {
    fn add(&mut self, float: f32, fixed: f64) {
        self.output += f64::from(float).powi(2);
        self.error += (f64::from(float) - fixed).powi(2);
        self.count += 1;
    }
}

/// Counts of pairs of a layer's inputs.
#[derive(Clone, Copy, Debug, Default)]
struct Pairs {
    zero: usize,
    all: usize,
}

impl Pairs {
    fn add(&mut self, inputs: &[u8]) {
        self.zero += inputs.chunks(2).filter(|pair| pair.iter().all(|&value| value == 0)).count();
        self.all += inputs.len().div_ceil(2);
    }
}

/// Runs both networks over the first images of `split` and compares every layer's outputs.
///
/// `layers` are the parameters of `network`, and `quantized` and `view` the same in integers.
/// `largest` has each hidden layer's largest activation.
///
/// # Errors
///
/// Returns an error if one of the networks cannot be run.
pub fn measure_deviation(
    network: &Network,
    layers: &[DenseParameters],
    largest: &[f32],
    quantized: &[QuantizedLayer],
    view: &Model<'_>,
    split: &Split,
) -> Result<Quantization, DeviationError> {
    const { assert!(IMAGES.is_multiple_of(BATCH), "otherwise the last images would be left out") };
    let images = split.len().min(IMAGES);
    let mut squares = vec![Squares::default(); layers.len()];
    let mut pairs = vec![Pairs::default(); network.plan().len()];
    // The index of each layer's matrix; `None` for a pool.
    let mut places = 0..layers.len();
    let kinds = network.plan().iter().map(|layer| layer.kind.has_matrix());
    let places: Vec<Option<usize>> = kinds.map(|has_matrix| if has_matrix { places.next() } else { None }).collect();
    let mut workspace = Box::new(HostWorkspace::new());
    let device = network.device();
    let one = f64::from(1_u32 << LOGIT_FRACTION_BITS);
    for pixels in split.pixels.chunks(BATCH * split.width).take(IMAGES / BATCH) {
        let mut outputs = Vec::new();
        let logits = network
            .forward_with(input_tensor(pixels.chunks_exact(split.width), split.width, &device), |values| {
                outputs.push(values.clone())
            });
        let float = outputs.into_iter().chain([logits]).map(|values| values.try_into_vec_as::<f32>());
        let float = float.collect::<Result<Vec<_>, _>>()?;

        let images_in_pass = pixels.len() / split.width;
        for (index, image) in pixels.chunks(split.width).enumerate() {
            let mut compare = |layer: usize, fixed: &mut dyn Iterator<Item = f64>| {
                let float =
                    float[layer].chunks(float[layer].len() / images_in_pass).nth(index).unwrap_or_default().iter();
                float.zip(fixed).for_each(|(float, fixed)| squares[layer].add(*float, fixed));
            };
            pairs[0].add(image);
            let prediction = workspace.infer_with(view, image, &mut |stage| {
                let Stage::Activations { layer, activations } = stage else { return };
                pairs[layer + 1].add(activations);
                if let Some(layer) = places[layer] {
                    let step = quantized[layer].output_step;
                    compare(layer, &mut activations.iter().map(|&value| f64::from(value) * step));
                }
            })?;
            let last = layers.len() - 1;
            compare(last, &mut prediction.logits.iter().map(|&logit| f64::from(logit) / one));
        }
    }
    let with_matrix = network.plan().iter().zip(pairs).filter(|(plan, _)| plan.kind.has_matrix());
    let describe = |(index, (layer, (plan, pairs))): (usize, (&DenseParameters, (&LayerPlan, Pairs)))| {
        let (quantized, squares) = (&quantized[index], squares[index]);
        let root_mean = |sum: f64| (sum / squares.count.max(1) as f64).sqrt();
        LayerQuantization {
            inputs: layer.inputs,
            outputs: layer.outputs,
            weights: layer.weights.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[least, most], &weight| {
                [least.min(weight), most.max(weight)]
            }),
            weight_steps: quantized
                .weight_steps
                .iter()
                .fold([f64::INFINITY, 0.0], |[least, most], &step| [least.min(step), most.max(step)]),
            zero_weights: quantized.weights.iter().filter(|weight| **weight == 0).count() as f64
                / quantized.weights.len().max(1) as f64,
            zero_pairs: plan.skips_zeros().then(|| pairs.zero as f64 / pairs.all.max(1) as f64),
            largest_activation: largest.get(index).copied(),
            output_step: quantized.output_step,
            output_rms: root_mean(squares.output),
            error_rms: root_mean(squares.error),
        }
    };
    Ok(Quantization { images, layers: layers.iter().zip(with_matrix).enumerate().map(describe).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::backend::Backend;
    use crate::network::calibrate::measure;
    use crate::quantize::encode_plain;
    use crate::quantize::quantize_dense;

    #[test]
    fn errors_are_small_and_grow_with_a_coarser_scale() {
        let hidden = DenseParameters {
            inputs: 2,
            outputs: 3,
            weights: vec![1.0, 0.3, -0.2, 0.1, 0.9, 0.7],
            biases: vec![0.01; 3],
        };
        let last = DenseParameters {
            inputs: 3,
            outputs: 2,
            weights: vec![1.0, -1.0, 0.31, 0.77, 0.5, -0.123],
            biases: vec![0.2, 0.0],
        };
        let layers = [hidden, last];
        let network = Network::from_parameters(layers.clone(), &Backend::Flex.device().unwrap());
        let split = Split { width: 2, pixels: (0..=255).chain((0..=255).rev()).collect(), labels: vec![0; 256] };
        let largest = measure(&network, &split).unwrap().largest;
        let error_of = |largest: &[f32]| {
            let quantized = quantize_dense(&layers, largest).unwrap();
            let bytes = encode_plain(&quantized, 2);
            let view = Model::parse(&bytes).unwrap();
            measure_deviation(&network, &layers, largest, &quantized, &view, &split).unwrap()
        };
        let [fine, coarse] = [error_of(&largest), error_of(&[20.0 * largest[0]])];
        assert_eq!((fine.images, fine.layers.len()), (256, 2));
        assert_eq!(fine.layers[0].weights, [-0.2, 1.0]);
        // No pair of pixels is zero. A coarser scale rounds small activations to zero.
        assert_eq!(fine.layers[0].zero_pairs, Some(0.0));
        assert!(coarse.layers[1].zero_pairs > fine.layers[1].zero_pairs, "{coarse:?} {fine:?}");
        // Steps of 1/255 give an error of at most a third of a step, on values of about a half.
        assert!(fine.layers[0].signal_to_noise_decibels().unwrap() > 45.0, "{fine:?}");
        assert!(fine.layers[1].signal_to_noise_decibels().unwrap() > 40.0, "{fine:?}");
        assert!(coarse.layers[0].error_rms > 5.0 * fine.layers[0].error_rms, "{coarse:?} {fine:?}");
    }
}
