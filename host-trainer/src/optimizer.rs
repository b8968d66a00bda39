//! Adam, kept away from subnormal numbers.

use burn::optim::{Adam, AdamConfig, AdamState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};

/// Added to the root of the second moment, as Keras has it.
const EPSILON: f32 = 1e-7;

/// Moments below 2^-25 of this, 3e-32, become zero: far below [`EPSILON`], far above the smallest normal `f32`, 1e-38.
const MOMENT_GUARD: f32 = 1e-24;

/// Steps between two sweeps: in so many steps the faster moment shrinks to a thousandth, 3e-35, which is normal still.
const GUARD_STEPS: usize = 64;

/// An optimizer for a whole network: Adam with Keras's settings.
pub fn adam() -> ModuleOptimizer {
    GuardedAdam::new().into()
}

/// burn's Adam, without subnormal numbers.
///
/// A pixel that is black in most pictures has a gradient of exactly zero in most steps, and its moments decay into the
/// subnormal numbers. There they stay, since 0.9 times the smallest of them rounds to itself, and there many processors
/// are slower by far. Telling the processor to flush them to zero takes unsafe code; rounding them away takes two
/// additions now and then. The weights do not notice: updates are divided by [`EPSILON`] at the least.
#[derive(Clone)]
struct GuardedAdam(Adam);

impl GuardedAdam {
    fn new() -> Self {
        Self(AdamConfig::new().with_epsilon(EPSILON).build())
    }
}

impl Optimizer for GuardedAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (tensor, mut state) = self.0.step(learning_rate, tensor, gradient, state);
        if let Some(AdamState { momentum }) = &mut state
            && momentum.time.is_multiple_of(GUARD_STEPS)
        {
            momentum.moment_1 = guard(momentum.moment_1.clone());
            momentum.moment_2 = guard(momentum.moment_2.clone());
        }
        (tensor, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        Adam::to_device(state, device)
    }
}

/// `moments`, with those far below [`MOMENT_GUARD`] made exactly zero.
fn guard<const D: usize>(moments: Tensor<D>) -> Tensor<D> {
    moments.add_scalar(MOMENT_GUARD).sub_scalar(MOMENT_GUARD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Backend;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    #[test]
    fn a_guard_takes_only_what_is_tiny() {
        for (backend, device) in Backend::present() {
            let moments = [1.0, -3e-20, 1e-12, 1e-40, -1e-37, 1e-33, 0.0];
            let guarded = values(guard(Tensor::<1>::from_floats(moments, &device)));
            assert_eq!((guarded[0], guarded[2]), (1.0, 1e-12), "{backend:?}");
            assert!((guarded[1] + 3e-20).abs() < 1e-31, "{backend:?}: {guarded:?}");
            assert_eq!(guarded[3..], [0.0; 4], "{backend:?}");
        }
    }

    #[test]
    fn moments_of_what_is_never_seen_again_become_zero() {
        for (backend, device) in Backend::present() {
            let adam = GuardedAdam::new();
            let tensor = |value| Tensor::<1>::from_floats([value; 2], &device);
            let (mut weights, mut state) = adam.step(1e-3, tensor(0.5), tensor(1e-3), None);
            for _ in 0..2000 {
                (weights, state) = adam.step(1e-3, weights, tensor(0.0), state);
                let momentum = &state.as_ref().unwrap().momentum;
                let moments = [values(momentum.moment_1.clone()), values(momentum.moment_2.clone())].concat();
                assert!(moments.iter().all(|moment| !moment.is_subnormal()), "{backend:?}: {moments:?}");
            }
            assert_eq!(values(state.unwrap().momentum.moment_1), [0.0; 2], "{backend:?}");
        }
    }
}
