//! Adam with decoupled weight decay, in one pass over the numbers and without subnormal numbers.

use burn::optim::{Adam, AdamConfig, AdamState, AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{DType, Device, Tensor, TensorData};
use macerator::Simd;

use crate::network::backend::Backend;

/// Adam's beta1: decay rate of the first-moment estimate.
const BETA_1: f32 = 0.9;

/// Added to the root of the second moment. The value is Keras's.
const EPSILON: f32 = 1e-7;

/// Moments below this become zero: far below [`EPSILON`] squared, and far enough above the smallest
/// normal `f32`, 1e-38, that scaling down cannot reach it.
const MIN_MOMENT: f32 = 1e-34;

/// Creates AdamW for a whole network. `beta_2` is in 0..1. Each step shrinks weights, but not
/// biases, by `weight_decay` times the learning rate.
pub fn adam(backend: Backend, beta_2: f64, weight_decay: f64) -> ModuleOptimizer {
    let beta_2 = beta_2 as f32;
    if backend.is_on_processor() {
        FusedAdam { beta_2, weight_decay }.into()
    } else {
        CardAdam { adam: burns_own(beta_2), weight_decay }.into()
    }
}

fn burns_own(beta_2: f32) -> Adam {
    AdamConfig::new().with_beta_1(BETA_1).with_beta_2(beta_2).with_epsilon(EPSILON).build()
}

/// Returns the share of a parameter that remains after one step's decay. Matrices are weights;
/// vectors are biases, which do not decay.
fn kept_share<const D: usize>(learning_rate: LearningRate, weight_decay: f64) -> f64 {
    if D > 1 { 1.0 - learning_rate * weight_decay } else { 1.0 }
}

/// burn's Adam, for graphics cards, where subnormal numbers are not slower. burn's AdamW would also
/// decay biases.
#[derive(Clone)]
struct CardAdam {
    adam: Adam,
    weight_decay: f64,
}

impl Optimizer for CardAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let kept = kept_share::<D>(learning_rate, self.weight_decay);
        let tensor = if kept == 1.0 { tensor } else { tensor.mul_scalar(kept) };
        self.adam.step(learning_rate, tensor, gradient, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Adam::to_device(state, device)
    }
}

/// Adam in one pass, for the processor.
///
/// burn's own makes a dozen passes over all weights, as much work as the rest of a step. Also, a
/// pixel that is black in most images has a gradient of zero in most steps. Its moments decay to
/// subnormal numbers, which are slow on many processors, so they are set to zero. This does not
/// affect the weights: updates are divided by at least a hundredth of [`EPSILON`].
#[derive(Clone)]
struct FusedAdam {
    beta_2: f32,
    weight_decay: f64,
}

impl Optimizer for FusedAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        if tensor.dtype() != DType::F32 {
            let own = CardAdam { adam: burns_own(self.beta_2), weight_decay: self.weight_decay };
            return own.step(learning_rate, tensor, gradient, state);
        }
        let device = tensor.device();
        let momentum = state.map(|state| state.momentum);
        let momentum =
            momentum.unwrap_or_else(|| AdaptiveMomentumState::new(0, tensor.zeros_like(), tensor.zeros_like()));
        let time = momentum.time + 1;
        let [mut weights, gradient, mut moment_1, mut moment_2] =
            [tensor, gradient, momentum.moment_1, momentum.moment_2].map(Tensor::into_data);
        let numbers = (weights.as_mut_slice(), gradient.as_slice(), moment_1.as_mut_slice(), moment_2.as_mut_slice());
        if let (Ok(weights), Ok(gradient), Ok(moment_1), Ok(moment_2)) = numbers {
            let step = Step::new(learning_rate, time, self.beta_2, kept_share::<D>(learning_rate, self.weight_decay));
            apply(step, weights, gradient, moment_1, moment_2);
        } else {
            debug_assert!(false, "expected f32 tensors");
        }
        let tensor = |data: TensorData| Tensor::from_data(data, &device);
        let momentum = AdaptiveMomentumState::new(time, tensor(moment_1), tensor(moment_2));
        (tensor(weights), Some(AdamState::new(momentum)))
    }

    fn to_device<const D: usize>(mut state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

/// Adam without decay, for numbers outside tensors.
#[derive(Clone, Debug)]
pub struct PlainAdam {
    beta_2: f32,
    time: usize,
    moment_1: Vec<f32>,
    moment_2: Vec<f32>,
}

impl PlainAdam {
    /// Creates an optimizer of `count` numbers. `beta_2` is in 0..1.
    pub fn new(beta_2: f64, count: usize) -> Self {
        Self { beta_2: beta_2 as f32, time: 0, moment_1: vec![0.0; count], moment_2: vec![0.0; count] }
    }

    /// Updates `numbers` with one step down `gradient`.
    pub fn step(&mut self, learning_rate: LearningRate, numbers: &mut [f32], gradient: &[f32]) {
        self.time += 1;
        let step = Step::new(learning_rate, self.time, self.beta_2, 1.0);
        apply(step, numbers, gradient, &mut self.moment_1, &mut self.moment_2);
    }
}

/// The factors of one step: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015,
/// section 2. Both bias corrections are included in the learning rate.
#[derive(Clone, Copy)]
struct Step {
    size: f32,
    epsilon: f32,
    beta_2: f32,
    kept_share: f32,
}

impl Step {
    /// Computes the factors of step `time`, from 1.
    fn new(learning_rate: LearningRate, time: usize, beta_2: f32, kept_share: f64) -> Self {
        let time = i32::try_from(time).unwrap_or(i32::MAX);
        let correction = (1.0 - beta_2.powi(time)).sqrt();
        Self {
            size: learning_rate as f32 * correction / (1.0 - BETA_1.powi(time)),
            epsilon: EPSILON * correction,
            beta_2,
            kept_share: kept_share as f32,
        }
    }
}

/// Updates every weight. Compiled for each vector width that the processor may have; all round
/// equally.
#[allow(
    clippy::extra_unused_type_parameters,
    reason = "the compiler makes the vectors; the macro asks for their width"
)]
#[macerator::with_simd]
fn apply<S: Simd>(step: Step, weights: &mut [f32], gradient: &[f32], moment_1: &mut [f32], moment_2: &mut [f32]) {
    for (((weight, gradient), first), second) in weights.iter_mut().zip(gradient).zip(moment_1).zip(moment_2) {
        *first = normal(BETA_1 * *first + (1.0 - BETA_1) * gradient);
        *second = normal(step.beta_2 * *second + (1.0 - step.beta_2) * gradient * gradient);
        *weight = *weight * step.kept_share - step.size * *first / (second.sqrt() + step.epsilon);
    }
}

/// Returns `moment`, or zero if it is tiny.
#[inline(always)]
fn normal(moment: f32) -> f32 {
    if moment.abs() < MIN_MOMENT { 0.0 } else { moment }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adam with Keras's settings.
    const PLAIN: FusedAdam = FusedAdam { beta_2: 0.999, weight_decay: 0.0 };

    /// Returns the backends that use it, with their devices.
    fn processors() -> impl Iterator<Item = (Backend, Device)> {
        Backend::present().filter(|(backend, _)| backend.is_on_processor())
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    /// Returns gradients of every sign and size, different for each step. Their count is not a
    /// multiple of any vector width.
    fn gradients(step: usize) -> Vec<f32> {
        let gradient = |index: usize| ((index * 37 + step * 11) % 101) as f32 - 50.0;
        (0..1003).map(|index| gradient(index) * 10_f32.powi(index as i32 % 7 - 5)).collect()
    }

    #[test]
    fn steps_match_burns_own_adam() {
        for (backend, device) in processors() {
            let own = burns_own(0.999);
            let start = Tensor::<2>::from_data(TensorData::new(gradients(0), [17, 59]), &device);
            let (mut weights, mut state) = (start.clone(), None);
            let (mut expected, mut expected_state) = (start, None);
            for step in 1..=50 {
                let gradient = Tensor::<2>::from_data(TensorData::new(gradients(step), [17, 59]), &device);
                (weights, state) = PLAIN.step(1e-3, weights, gradient.clone(), state);
                (expected, expected_state) = own.step(1e-3, expected, gradient, expected_state);
            }
            // Each step is at most about 1e-3 long, and computed to six digits.
            for (found, expected) in values(weights).into_iter().zip(values(expected)) {
                assert!((found - expected).abs() < 1e-7 + 1e-6 * expected.abs(), "{backend:?}: {found} {expected}");
            }
            assert_eq!(state.unwrap().momentum.time, 50);
        }
    }

    /// Computes `steps` of AdamW in `f64`, as in its paper, with a learning rate that changes.
    fn reference(beta_2: f64, weight_decay: f64, steps: usize) -> Vec<f64> {
        let mut weights: Vec<f64> = gradients(0).into_iter().map(f64::from).collect();
        let (mut first, mut second) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
        for step in 1..=steps {
            for (index, gradient) in gradients(step).into_iter().map(f64::from).enumerate() {
                first[index] = f64::from(BETA_1) * first[index] + (1.0 - f64::from(BETA_1)) * gradient;
                second[index] = beta_2 * second[index] + (1.0 - beta_2) * gradient * gradient;
                let first = first[index] / (1.0 - f64::from(BETA_1).powi(step as i32));
                let second = second[index] / (1.0 - beta_2.powi(step as i32));
                let direction = first / (second.sqrt() + f64::from(EPSILON)) + weight_decay * weights[index];
                weights[index] -= rate(step) * direction;
            }
        }
        weights
    }

    fn rate(step: usize) -> f64 {
        1e-2 / step as f64
    }

    fn assert_follows<const D: usize>(optimizer: &impl Optimizer, start: Tensor<D>, expected: &[f64]) {
        let (shape, device) = (start.shape(), start.device());
        let (mut weights, mut state) = (start, None);
        for step in 1..=20 {
            let gradient = Tensor::<D>::from_data(TensorData::new(gradients(step), shape.clone()), &device);
            (weights, state) = optimizer.step(rate(step), weights, gradient, state);
        }
        for (found, expected) in values(weights).into_iter().map(f64::from).zip(expected) {
            assert!((found - expected).abs() < 1e-6 + 1e-5 * expected.abs(), "{device:?}: {found} {expected}");
        }
    }

    #[test]
    fn weights_decay_as_in_the_paper_and_biases_do_not() {
        for (_, device) in processors() {
            for (beta_2, weight_decay) in [(0.99_f32, 0.1), (0.999, 1.0), (0.0, 0.5)] {
                let decayed = reference(beta_2.into(), weight_decay, 20);
                let kept = reference(beta_2.into(), 0.0, 20);
                let start = || TensorData::new(gradients(0), [1003]);
                let matrix = || Tensor::<1>::from_data(start(), &device).reshape([17, 59]);
                let vector = || Tensor::<1>::from_data(start(), &device);
                let fused = FusedAdam { beta_2, weight_decay };
                assert_follows::<2>(&fused, matrix(), &decayed);
                assert_follows::<1>(&fused, vector(), &kept);
                let card = CardAdam { adam: burns_own(beta_2), weight_decay };
                assert_follows::<2>(&card, matrix(), &decayed);
                assert_follows::<1>(&card, vector(), &kept);
            }
        }
    }

    #[test]
    fn moments_without_new_gradients_become_zero() {
        for (backend, device) in processors() {
            let tensor = |value| Tensor::<1>::from_floats([value; 2], &device);
            let (mut weights, mut state) = PLAIN.step(1e-3, tensor(0.5), tensor(1e-3), None);
            for _ in 0..2000 {
                (weights, state) = PLAIN.step(1e-3, weights, tensor(0.0), state);
                let momentum = &state.as_ref().unwrap().momentum;
                let moments = [values(momentum.moment_1.clone()), values(momentum.moment_2.clone())].concat();
                assert!(moments.iter().all(|moment| !moment.is_subnormal()), "{backend:?}: {moments:?}");
            }
            assert_eq!(values(state.unwrap().momentum.moment_1), [0.0; 2], "{backend:?}");
        }
    }
}
