//! A student in integers (quantization-aware training): it computes as the device does, and its
//! float weights learn from the result.
//!
//! ```text
//!  float weights --round--> integers --run, as prenda does--> logits --> loss
//!        ^                                                                      |
//!        +---------- gradients, past the rounding as if it were not there <-----+
//! ```
//!
//! Accumulators are sums of integers in `f32`, which are exact below 2^24. Networks of a few
//! hundred inputs hardly reach this: 784 pixels of 255 with weights of 127 could. `prenda`
//! then requantizes them. Step sizes of weights are learned, too (Esser and others, "Learned Step
//! Size Quantization", 2020, section 2).

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use prenda::LayerKind;

use super::config::TrainConfig;
use super::course::{Forward, Student};
use super::error::TrainError;
use super::penalty::ActivationPenalty;
use crate::network::optimizer::PlainAdam;
use crate::network::{DenseParameters, INPUT_SCALE, LayerPlan, Network, Walk, largest, means, sums, weighted};
use crate::quantize::{self, QuantizeError, QuantizedLayer};

/// Share of steps in which the learning rate rises.
pub const WARM_UP: f64 = 0.05;

/// Range of a hidden layer's largest activation for which the steps of Adam have a useful size.
const USEFUL: std::ops::RangeInclusive<f32> = 0.0625..=1024.0;

/// Scales hidden layers whose `largest` activation is not [`USEFUL`] to about 1, and the next
/// layer by the inverse. The network computes the same: ReLU commutes with scaling, and the factors
/// are powers of two.
pub fn balance(layers: &mut [DenseParameters], largest: &mut [f32]) {
    let mut inverse = 1.0;
    for (index, layer) in layers.iter_mut().enumerate() {
        let factor = match largest.get_mut(index) {
            Some(largest) if *largest > 0.0 && largest.is_finite() && !USEFUL.contains(largest) => {
                let factor = f64::from(*largest).log2().floor().exp2().recip();
                *largest = scaled(*largest, factor);
                factor
            }
            _ => 1.0,
        };
        layer.weights.iter_mut().for_each(|weight| *weight = scaled(*weight, factor * inverse));
        layer.biases.iter_mut().for_each(|bias| *bias = scaled(*bias, factor));
        inverse = factor.recip();
    }
}

fn scaled(value: f32, factor: f64) -> f32 {
    (f64::from(value) * factor) as f32
}

/// A student in integers.
pub struct FixedStudent {
    /// The layers with a matrix.
    layers: Vec<FixedLayer>,
    /// All layers, first to last.
    plan: Vec<LayerPlan>,
    penalty: ActivationPenalty,
    device: Device,
}

/// A dense layer or a convolution that learns in integers.
struct FixedLayer {
    inputs: usize,
    outputs: usize,
    /// The largest weight.
    largest: i8,
    input_scale: f64,
    /// Value of one step of the output. `None` for logits.
    output_scale: Option<f64>,
    /// `[output][input]`.
    weights: Vec<f32>,
    /// True if weights that are zero stay zero.
    is_pruned: bool,
    biases: Vec<f32>,
    /// Logarithm of the value of one step of a weight, for each output.
    log_steps: Vec<f32>,
    adam: [PlainAdam; 3],
    quantized: QuantizedLayer,
    /// The integers as tensors: weights `[input, output]`, and biases.
    run: (Tensor<2>, Tensor<1>),
}

impl FixedStudent {
    /// Creates a student from a network of `plan` with the parameters `layers`, for pixels in
    /// 0..=1. Its hidden activations are at most `largest`.
    ///
    /// # Errors
    ///
    /// Returns an error if the network cannot be quantized.
    pub fn new(
        plan: &[LayerPlan],
        layers: &[DenseParameters],
        largest: &[f32],
        config: &TrainConfig,
        device: &Device,
    ) -> Result<Self, QuantizeError> {
        let quantized = quantize::quantize(plan, layers, largest, config.weight_bits)?;
        let largest_weights = quantize::largest_weights(plan, config.weight_bits);
        let mut input_scale = INPUT_SCALE;
        let mut students = Vec::with_capacity(layers.len());
        for (index, ((layer, quantized), largest)) in layers.iter().zip(quantized).zip(largest_weights).enumerate() {
            let count = layer.weights.len();
            let is_last = index + 1 == layers.len();
            let output_scale = quantized.output_step;
            students.push(FixedLayer {
                inputs: layer.inputs,
                outputs: layer.outputs,
                largest,
                input_scale,
                output_scale: (!is_last).then_some(output_scale),
                weights: (0..layer.outputs).flat_map(|output| layer.column(output)).collect(),
                is_pruned: config.sparsity > 0.0 && !is_last,
                biases: layer.biases.clone(),
                log_steps: quantized.weight_steps.iter().map(|step| step.ln() as f32).collect(),
                adam: [count, layer.outputs, layer.outputs].map(|count| PlainAdam::new(config.beta_2, count)),
                run: run(&quantized, layer.inputs, device),
                quantized,
            });
            input_scale = output_scale;
        }
        let penalty = ActivationPenalty::new(config.activation_penalty, plan);
        Ok(Self { layers: students, plan: plan.to_vec(), penalty, device: device.clone() })
    }

    /// Returns the network in floating point, without differentiation, for pixels in 0..=1.
    pub fn network(&self, device: &Device) -> Network {
        let layers = self.layers.iter().map(|layer| {
            let quantized = &layer.quantized;
            let rows = quantized.weights.chunks(layer.inputs).zip(&quantized.weight_steps);
            let weights: Vec<f32> =
                rows.flat_map(|(row, step)| row.iter().map(move |&weight| (f64::from(weight) * step) as f32)).collect();
            let biases = quantized.biases.iter().zip(&quantized.weight_steps);
            let biases = biases.map(|(&bias, step)| (f64::from(bias) * step * layer.input_scale) as f32).collect();
            DenseParameters::from_rows(layer.inputs, layer.outputs, &weights, biases)
        });
        Network::new(self.plan.clone(), layers, device)
    }

    /// Returns the network in integers, first layer to last.
    pub fn into_layers(self) -> Vec<QuantizedLayer> {
        self.layers.into_iter().map(|layer| layer.quantized).collect()
    }
}

impl Student for FixedStudent {
    fn device(&self) -> Device {
        self.device.clone()
    }

    fn forward(&mut self, images: Tensor<2>) -> Result<Forward, TrainError> {
        let (mut values, mut penalty) = (images, None);
        let mut layers = self.layers.iter();
        for (index, plan) in self.plan.iter().enumerate() {
            let [images, _] = values.dims();
            self.penalty.add_to(&mut penalty, index, &values);
            values = match (plan.kind, plan.walk()) {
                (LayerKind::MaxPool(_), Some(walk)) => largest(values, walk),
                (LayerKind::AveragePool(_), Some(walk)) => rounded_means(sums(values, walk), walk)?,
                _ => {
                    let Some(layer) = layers.next() else { break };
                    let (weights, biases) = layer.run.clone();
                    let sums = weighted(values, weights, plan) + biases.unsqueeze();
                    match layer.output_scale {
                        Some(_) => layer.activations(sums)?.reshape([images, plan.output.count()]),
                        None => {
                            let steps = layer.quantized.weight_steps.iter();
                            sums * layer.row(steps.map(|step| step * layer.input_scale))
                        }
                    }
                }
            };
        }
        Ok(Forward { logits: values, penalty })
    }

    fn step(&mut self, mut gradients: Gradients, rate: f64, _: f64) -> Result<(), TrainError> {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            layer.learn(&mut gradients, rate)?;
            layer.quantize(index)?;
            layer.run = run(&layer.quantized, layer.inputs, &self.device);
        }
        Ok(())
    }
}

impl FixedLayer {
    /// Converts one value for each output to a tensor, `[1, output]`.
    fn row(&self, values: impl Iterator<Item = f64>) -> Tensor<2> {
        let values: Vec<f32> = values.map(|value| value as f32).collect();
        Tensor::from_data(TensorData::new(values, [1, self.outputs]), &self.run.0.device())
    }

    /// Requantizes `sums` like the device. Gradients pass as if there were no rounding.
    fn activations(&self, sums: Tensor<2>) -> Result<Tensor<2>, TrainError> {
        let (shape, device) = (sums.dims(), sums.device());
        // A rounded copy, and not the tensor itself, which is shared: see `by_parameter`.
        let mut rounded: Vec<f32> = sums.clone().inner().round().try_into_vec_as()?;
        for row in rounded.chunks_mut(self.outputs) {
            for (value, requant) in row.iter_mut().zip(&self.quantized.requants) {
                *value = f32::from(requant.activation(*value as i32));
            }
        }
        let factors = self.quantized.requants.iter();
        let factors = factors.map(|requant| f64::from(requant.multiplier()) / f64::exp2(requant.shift().into()));
        let passed = (sums * self.row(factors)).clamp(0.0, f64::from(u8::MAX));
        // Zero, with a gradient.
        let passed = passed.clone() - passed.detach();
        Ok(Tensor::<2>::from_data(TensorData::new(rounded, shape), &device) + passed)
    }

    fn learn(&mut self, gradients: &mut Gradients, rate: f64) -> Result<(), TrainError> {
        // A layer without a gradient does not affect the loss.
        let Some([by_weight, by_bias, by_step]) = self.by_parameter(gradients)? else { return Ok(()) };
        let [weights, biases, steps] = &mut self.adam;
        weights.step(rate, &mut self.weights, &by_weight);
        biases.step(rate, &mut self.biases, &by_bias);
        steps.step(rate, &mut self.log_steps, &by_step);
        Ok(())
    }

    /// Converts the gradients of the integers to those of weights, biases and logarithms of steps.
    fn by_parameter(&self, gradients: &mut Gradients) -> Result<Option<[Vec<f32>; 3]>, TrainError> {
        let (weights, biases) = &self.run;
        // Removed and transposed here: burn-ndarray copies the numbers of a shared or transposed
        // tensor one by one.
        let (Some(weights), Some(biases)) = (weights.grad_remove(gradients), biases.grad_remove(gradients)) else {
            return Ok(None);
        };
        let mut by_weight = transposed(&weights.try_into_vec_as::<f32>()?, self.outputs);
        let mut by_bias: Vec<f32> = biases.try_into_vec_as()?;
        let mut by_step = vec![0.0_f32; self.outputs];
        let inputs = self.inputs;
        let limit = f32::from(self.largest) + 0.5;
        for output in 0..self.outputs {
            let step = self.quantized.weight_steps[output] as f32;
            let row = output * inputs..(output + 1) * inputs;
            let integers = &self.quantized.weights[row.clone()];
            let mut sum = 0.0;
            for ((gradient, &weight), &integer) in
                by_weight[row.clone()].iter_mut().zip(&self.weights[row]).zip(integers)
            {
                let scaled = weight / step;
                let is_inside = scaled.abs() < limit;
                sum += *gradient * (f32::from(integer) - if is_inside { scaled } else { 0.0 });
                let is_free = is_inside && !(self.is_pruned && weight == 0.0);
                *gradient = if is_free { *gradient / step } else { 0.0 };
            }
            by_step[output] = sum;
            by_bias[output] /= (f64::from(step) * self.input_scale) as f32;
        }
        Ok(Some([by_weight, by_bias, by_step]))
    }

    /// Updates the integers. `index` is the layer's, for errors.
    fn quantize(&mut self, index: usize) -> Result<(), QuantizeError> {
        let steps: Vec<f64> = self.log_steps.iter().map(|step| f64::from(*step).exp()).collect();
        let scales = (self.input_scale, self.output_scale);
        self.quantized = quantize::quantize_in_steps(index, &self.weights, &self.biases, &steps, scales, self.largest)?;
        Ok(())
    }
}

/// Converts the sums of windows to rounded means like the device. Gradients pass as if there were
/// no rounding.
fn rounded_means(sums: Tensor<2>, walk: Walk) -> Result<Tensor<2>, TrainError> {
    let (shape, device, channels) = (sums.dims(), sums.device(), usize::from(walk.input.channels));
    let counts: Vec<i64> = walk.counts().into_iter().map(|count| count.max(1) as i64).collect();
    let mut rounded: Vec<f32> = sums.clone().inner().round().try_into_vec_as()?;
    for (values, count) in rounded.chunks_mut(channels).zip(counts.iter().cycle()) {
        values.iter_mut().for_each(|value| *value = ((*value as i64 + count / 2) / count) as f32);
    }
    let passed = means(sums, walk);
    let passed = passed.clone() - passed.detach();
    Ok(Tensor::<2>::from_data(TensorData::new(rounded, shape), &device) + passed)
}

/// Transposes a matrix whose rows have `columns` values.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    let mut transposed = vec![0.0; values.len()];
    for (row, values) in values.chunks_exact(columns).enumerate() {
        for (place, value) in transposed.iter_mut().skip(row).step_by(rows).zip(values) {
            *place = *value;
        }
    }
    transposed
}

/// Converts the integers of `layer` to tensors.
fn run(layer: &QuantizedLayer, inputs: usize, device: &Device) -> (Tensor<2>, Tensor<1>) {
    let weights: Vec<f32> = layer.weights.iter().map(|&weight| weight.into()).collect();
    let biases: Vec<f32> = layer.biases.iter().map(|&bias| bias as f32).collect();
    let outputs = biases.len();
    (
        Tensor::<2>::from_data(TensorData::new(weights, [outputs, inputs]), device).transpose().require_grad(),
        Tensor::from_data(TensorData::new(biases, [outputs]), device).require_grad(),
    )
}

#[cfg(test)]
mod tests {
    use burn::module::Module as _;
    use prenda::{HostWorkspace, Model, Shape};
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt as _, SeedableRng};

    use super::*;
    use crate::data::Split;
    use crate::network::backend::Backend;
    use crate::network::calibrate::measure;
    use crate::network::{Architecture, PixelForm};
    use crate::quantize::WeightBits;
    use crate::quantize::encode_network;
    use crate::train::tests::config;

    const WIDTHS: [usize; 4] = [30, 20, 9, 4];

    fn plan() -> Vec<LayerPlan> {
        Architecture::dense(&WIDTHS[1..3], WIDTHS[3]).plan(Shape::grey(1, WIDTHS[0] as u16), WIDTHS[3]).unwrap()
    }

    /// Creates random images, and a network with weights of different sizes.
    fn start(seed: u64, device: &Device) -> (Split, Network) {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let pixels = (0..100 * WIDTHS[0]).map(|_| random.random::<u8>()).collect();
        let labels = (0..100).map(|_| random.random_range(0..4)).collect();
        (Split { width: WIDTHS[0], pixels, labels }, Network::init(&plan(), &mut random, device))
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    /// Checks that the last sums of a student of `plan` are the device's, before and after some
    /// steps.
    fn assert_computes_like_the_device(plan: &[LayerPlan], learning_rate: f64) {
        for bits in [WeightBits::Eight, WeightBits::Four, WeightBits::Two] {
            for (backend, device) in Backend::present() {
                let device = device.autodiff();
                let (split, _) = start(7, &device);
                let network = Network::init(plan, &mut Xoshiro256PlusPlus::seed_from_u64(7), &device);
                let network = network.with_parameters(network.parameters().unwrap());
                let largest = measure(&network.valid(), &split).unwrap().largest;
                let config = TrainConfig { backend, weight_bits: bits, ..config() };
                let mut student =
                    FixedStudent::new(plan, &network.parameters().unwrap(), &largest, &config, &device).unwrap();
                for step in 0..5 {
                    let images = PixelForm::RAW.tensor(split.images(), split.width, &device);
                    let logits = student.forward(images).unwrap().logits;
                    let layers: Vec<_> = student.layers.iter().map(|layer| layer.quantized.clone()).collect();
                    assert!(layers[0].weights.iter().all(|weight| weight.abs() <= bits.largest()));
                    let blob = encode_network(plan, &layers);
                    let (view, mut workspace) = (Model::parse(&blob).unwrap(), Box::new(HostWorkspace::new()));
                    let last = student.layers.last().unwrap();
                    for (row, image) in values(logits.clone().inner()).chunks(4).zip(split.images()) {
                        let expected = workspace.infer(&view, image).unwrap().logits.to_vec();
                        let sums = row.iter().zip(&last.quantized.weight_steps);
                        let sums =
                            sums.map(|(logit, step)| (f64::from(*logit) / step / last.input_scale).round() as i32);
                        let found: Vec<i32> =
                            sums.zip(&last.quantized.requants).map(|(sum, requant)| requant.logit(sum)).collect();
                        assert_eq!(found, expected, "{backend:?} {bits:?} step {step}");
                    }
                    let gradients = logits.powi_scalar(2).mean().backward();
                    student.step(gradients, learning_rate, 0.0).unwrap();
                }
            }
        }
    }

    #[test]
    fn it_computes_like_the_device() {
        assert_computes_like_the_device(&plan(), 1e-2);
    }

    #[test]
    fn convolutions_and_pools_compute_like_the_device() {
        let text = "conv 6 3x3 stride 2; depthwise 2x2; maxpool 2x2 stride 1 same; conv 5 2x2 pad 1; \
                    avgpool 2x3 stride 1 same; dense 8; dense 4";
        let image = Shape::grey(5, 6);
        assert_computes_like_the_device(&text.parse::<Architecture>().unwrap().plan(image, 4).unwrap(), 1e-3);
    }

    #[test]
    fn gradients_match_the_unrounded_network() {
        // Without clipping and with fine steps, the gradients must be nearly those of the float
        // network.
        let device = Backend::Flex.device().unwrap().autodiff();
        let (split, network) = start(8, &device);
        let layers = network.parameters().unwrap();
        let mut largest = measure(&network.valid(), &split).unwrap().largest;
        // Otherwise the largest itself might be clipped.
        largest.iter_mut().for_each(|largest| *largest *= 1.01);
        let mut student = FixedStudent::new(network.plan(), &layers, &largest, &config(), &device).unwrap();
        let loss = |logits: Tensor<2>| logits.powi_scalar(2).mean();
        let images = PixelForm::RAW.tensor(split.images(), split.width, &device);
        let gradients = loss(student.forward(images).unwrap().logits).backward();
        let by_integer = values(student.layers[0].run.0.grad(&gradients).unwrap());

        let float = Network::from_parameters(layers.clone(), &device);
        let plain = PixelForm::PLAIN.tensor(split.images(), split.width, &device);
        let gradients = burn::optim::GradientsParams::from_grads(loss(float.forward(plain)).backward(), &float);
        let by_weight = values(gradients.get::<2>(float.first_weight_id()).unwrap());
        let largest = by_weight.iter().fold(0.0, |largest: f32, gradient| largest.max(gradient.abs()));
        for output in 0..WIDTHS[1] {
            let step = student.layers[0].quantized.weight_steps[output] as f32;
            for input in 0..WIDTHS[0] {
                let place = input * WIDTHS[1] + output;
                let (found, expected) = (by_integer[place] / step, by_weight[place]);
                assert!((found - expected).abs() < 0.05 * largest, "{found} {expected} of {largest}");
            }
        }
    }

    /// Checks that scaling a network whose hidden activations are tiny or huge changes nothing.
    #[test]
    fn a_balanced_network_computes_the_same() {
        let device = Backend::Flex.device().unwrap();
        let (split, network) = start(11, &device);
        let plain = network.parameters().unwrap();
        let mut same = plain.clone();
        balance(&mut same, &mut measure(&network, &split).unwrap().largest);
        assert_eq!(same, plain, "useful activations are not scaled");
        for size in [1e-20, 1e-5, 1e6] {
            let mut layers = plain.clone();
            let first = &mut layers[0];
            first.weights.iter_mut().chain(&mut first.biases).for_each(|value| *value *= size);
            layers[1].weights.iter_mut().for_each(|value| *value /= size);
            let before = Network::from_parameters(layers.clone(), &device);
            let mut measured = measure(&before, &split).unwrap();
            balance(&mut layers, &mut measured.largest);
            assert!(measured.largest.iter().all(|largest| USEFUL.contains(largest)), "{:?}", measured.largest);
            let after = measure(&Network::from_parameters(layers, &device), &split).unwrap();
            assert_eq!((after.predictions, after.loss), (measured.predictions, measured.loss), "{size}");
        }
    }

    /// Checks that large steps of the weights leave a hidden layer that can be quantized.
    #[test]
    fn weights_that_outgrow_their_activations_are_clipped() {
        let device = Backend::Flex.device().unwrap().autodiff();
        let (split, network) = start(12, &device);
        let mut layers = network.parameters().unwrap();
        layers[0].weights.iter_mut().for_each(|weight| *weight *= 1e-20);
        layers[0].biases.fill(0.0);
        let mut largest = measure(&network.valid(), &split).unwrap().largest;
        largest[0] *= 1e-20;
        let mut student = FixedStudent::new(network.plan(), &layers, &largest, &config(), &device).unwrap();
        student.layers[0].biases.fill(1.0);
        student.layers[0].quantize(0).unwrap();
        let found = &student.layers[0].quantized;
        assert!(found.biases.iter().all(|bias| *bias == 1 << 30), "{:?}", found.biases);
    }

    #[test]
    fn only_the_steps_of_clipped_weights_learn() {
        // In this layer all weights are clipped, so that logits depend only on the steps and the
        // biases.
        let device = Backend::Flex.device().unwrap().autodiff();
        let (split, _) = start(10, &device);
        let sign = |index: usize| if index.is_multiple_of(3) { -1.0 } else { 1.0 };
        let layer = DenseParameters {
            inputs: WIDTHS[0],
            outputs: 2,
            weights: (0..2 * WIDTHS[0]).map(sign).collect(),
            biases: vec![0.25, -0.5],
        };
        let mut student =
            FixedStudent::new(&LayerPlan::dense(std::slice::from_ref(&layer)), &[layer], &[], &config(), &device)
                .unwrap();
        student.layers[0].log_steps.iter_mut().for_each(|step| *step -= 2.0);
        let mut loss = |change: &dyn Fn(&mut FixedLayer)| {
            let layer = &mut student.layers[0];
            change(layer);
            layer.quantize(0).unwrap();
            layer.run = run(&layer.quantized, layer.inputs, &device);
            let images = PixelForm::RAW.tensor(split.images(), split.width, &device);
            let logits = student.forward(images).unwrap().logits;
            let weights = Tensor::<2>::from_floats([[1.0, -3.0]], &device);
            let loss = (logits * weights).mean();
            let value: f32 = loss.clone().inner().try_into_scalar().unwrap();
            let found = student.layers[0].by_parameter(&mut loss.backward()).unwrap().unwrap();
            (f64::from(value), found)
        };
        let (before, [by_weight, by_bias, by_step]) = loss(&|_| ());
        assert!(by_weight.iter().all(|gradient| *gradient == 0.0), "{by_weight:?}");
        for output in 0..2 {
            let size = 0.01;
            let (after, _) = loss(&|layer| layer.log_steps[output] += size);
            let expected = (after - before) / f64::from(size);
            assert!((f64::from(by_step[output]) / expected - 1.0).abs() < 0.02, "{} {expected}", by_step[output]);
            let _back = loss(&|layer| layer.log_steps[output] -= size);
            let (after, _) = loss(&|layer| layer.biases[output] += size);
            let expected = (after - before) / f64::from(size);
            assert!((f64::from(by_bias[output]) / expected - 1.0).abs() < 0.02, "{} {expected}", by_bias[output]);
            let _back = loss(&|layer| layer.biases[output] -= size);
        }
    }

    #[test]
    fn pruned_weights_stay_zero_and_others_move() {
        let device = Backend::Flex.device().unwrap().autodiff();
        let (split, network) = start(9, &device);
        let mut layers = network.parameters().unwrap();
        layers[0].weights.iter_mut().step_by(3).for_each(|weight| *weight = 0.0);
        let largest = measure(&network.valid(), &split).unwrap().largest;
        let config = TrainConfig { sparsity: 0.3, ..config() };
        let mut student = FixedStudent::new(network.plan(), &layers, &largest, &config, &device).unwrap();
        let before = student.layers[0].weights.clone();
        let images = PixelForm::RAW.tensor(split.images(), split.width, &device);
        let gradients = student.forward(images).unwrap().logits.powi_scalar(2).mean().backward();
        student.step(gradients, 1e-2, 0.0).unwrap();
        let layer = &student.layers[0];
        let mut moved = 0;
        for ((before, after), integer) in before.iter().zip(&layer.weights).zip(&layer.quantized.weights) {
            if *before == 0.0 {
                assert_eq!((*after, *integer), (0.0, 0));
            }
            moved += usize::from(before != after);
        }
        // Weights of neurons that are zero for every image do not move.
        assert!(moved > before.len() / 2, "{moved} of {}", before.len());
    }
}
