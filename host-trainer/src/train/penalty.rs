//! A penalty on activations that are not zero: a device skips pairs of zeros.
//!
//! The Hoyer measure of values with the norms `n` is `(sum n)^2 / (count * sum n^2)`, 0 to 1: if
//! all that are not zero are equal, their share. It does not depend on the scale of the values, so
//! normalization cannot evade it (Kurtz and others, "Inducing and Exploiting Activation Sparsity
//! for Fast Inference on Neural Networks", 2020; groups: Yang and others, "DeepHoyer", 2020).

use std::mem;

use burn::tensor::Tensor;

use crate::network::LayerPlan;

/// Added to the square of a norm, so that the norm of zeros has a gradient.
const EPSILON: f32 = 1e-8;

/// The penalty on the inputs of layers that skip pairs of zeros. A layer that reads pixels has
/// none.
pub struct ActivationPenalty {
    /// The factor of each layer's measure, and the channels of its input.
    layers: Vec<(f64, usize)>,
}

impl ActivationPenalty {
    /// Creates a penalty for the layers of `plan`. The factor of a layer is its share of all
    /// multiplications, times `strength`.
    pub fn new(strength: f64, plan: &[LayerPlan]) -> Self {
        let all: usize = plan.iter().map(LayerPlan::multiplications).sum();
        let mut reads_pixels = true;
        let layer = |layer: &LayerPlan| {
            let after_matrix = !reads_pixels;
            reads_pixels &= !layer.kind.has_matrix();
            let is_penalized = after_matrix && layer.skips_zeros();
            let share = layer.multiplications() as f64 / all as f64;
            (if is_penalized { strength * share } else { 0.0 }, layer.input.channels.into())
        };
        Self { layers: plan.iter().map(layer).collect() }
    }

    /// Adds the penalty on `inputs`, `[image, value]`, of the layer with this `index` to `sum`.
    pub fn add_to(&self, sum: &mut Option<Tensor<1>>, index: usize, inputs: &Tensor<2>) {
        let Some(&(factor, channels)) = self.layers.get(index).filter(|(factor, _)| *factor > 0.0) else { return };
        let penalty = measure(inputs.clone(), channels) * factor;
        *sum = Some(match mem::take(sum) {
            Some(sum) => sum + penalty,
            None => penalty,
        });
    }
}

/// Returns the mean Hoyer measure of pairs of neighbouring channels, over all images and positions.
fn measure(values: Tensor<2>, channels: usize) -> Tensor<1> {
    let [images, count] = values.dims();
    let (rows, pairs) = (images * count / channels, channels.div_ceil(2));
    let mut values = values.reshape([rows, channels]);
    if channels % 2 == 1 {
        let zeros = Tensor::zeros([rows, 1], &values.device());
        values = Tensor::cat(vec![values, zeros], 1);
    }
    let squares = values.reshape([rows * pairs, 2]).powi_scalar(2).sum_dim(1).reshape([rows, pairs]) + EPSILON;
    let norms = squares.clone().sqrt().sum_dim(0);
    (norms.powi_scalar(2) / (squares.sum_dim(0) * rows as f32)).mean()
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;
    use prenda::Shape;

    use super::*;
    use crate::network::Architecture;
    use crate::network::backend::Backend;

    #[test]
    fn the_measure_is_the_share_of_pairs_that_are_not_zero() {
        // Two images of two positions with three channels: one pair, and one channel alone.
        let values = [[3.0_f32, 4.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0, -5.0, 2.0]];
        for (backend, device) in Backend::present() {
            let of = |scale: f32| {
                let values = values.concat().iter().map(|value| value * scale).collect::<Vec<_>>();
                let values = Tensor::<2>::from_data(TensorData::new(values, [2, 6]), &device);
                measure(values, 3).try_into_scalar::<f32>().unwrap()
            };
            for found in [of(1.0), of(50.0)] {
                assert!((found - 0.5).abs() < 1e-3, "{backend:?} {found}");
            }
        }
    }

    #[test]
    fn small_pairs_shrink_together_and_zeros_stay() {
        let device = Backend::Flex.device().unwrap().autodiff();
        let values = Tensor::<2>::from_floats([[0.1, 0.2, 0.0, 0.0], [5.0, 5.0, 1.0, 1.0]], &device).require_grad();
        let gradients = measure(values.clone(), 4).backward();
        let found: Vec<f32> = values.grad(&gradients).unwrap().try_into_vec_as().unwrap();
        assert!(found[0] > 0.0 && found[1] > 0.0 && found[4] < 0.0 && found[5] < 0.0, "{found:?}");
        assert_eq!(found[2..4], [0.0, 0.0]);
    }

    #[test]
    fn layers_that_read_pixels_or_skip_nothing_have_no_penalty() {
        let text = "maxpool 2x2; conv 4 1x1; depthwise 1x1; maxpool 2x2; conv 6 1x1; dense 2";
        let plan = text.parse::<Architecture>().unwrap().plan(Shape::grey(8, 8), 2).unwrap();
        let penalty = ActivationPenalty::new(0.5, &plan);
        let multiplications = [0, 16 * 4 * 2, 16 * 4, 0, 4 * 4 * 6, 24 * 2];
        let found: Vec<usize> = plan.iter().map(LayerPlan::multiplications).collect();
        assert_eq!(found, multiplications);
        let all: usize = multiplications.iter().sum();
        let factor = |layer: usize| 0.5 * multiplications[layer] as f64 / all as f64;
        let factors = [0.0, 0.0, 0.0, 0.0, factor(4), factor(5)];
        assert_eq!(penalty.layers.iter().map(|(factor, _)| *factor).collect::<Vec<_>>(), factors);
    }
}
