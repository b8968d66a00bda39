//! Compares the operations with slower ones.

use burn::tensor::Device;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::network::backend::Backend;
use prenda::{Shape, Window};

fn walks() -> [Walk; 3] {
    let walk = |kernel, stride, padding, output| {
        let input = Shape { rows: 5, columns: 7, channels: 3 };
        Walk { window: Window { kernel, stride, padding }, input, output, row: 3 * usize::from(kernel[1]) + 1 }
    };
    [
        walk([3, 2], [2, 1], [1, 0, 1, 1], [3, 7]),
        walk([1, 1], [1, 1], [0; 4], [5, 7]),
        walk([2, 3], [1, 2], [0, 2, 1, 2], [5, 5]),
    ]
}

fn random(shape: [usize; 2], seed: u64, device: &Device) -> Tensor<2> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape[0] * shape[1]).map(|_| random.random_range(-1.0..3.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device).require_grad()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

fn assert_near(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-4 * expected.abs().max(1.0), "{found} {expected}");
    }
}

#[test]
fn windows_and_their_gradients_are_those_of_selected_values() {
    for (_, device) in Backend::present() {
        let device = device.autodiff();
        for walk in walks() {
            let input = random([4, walk.input.count()], 1, &device);
            let factors = random([4 * walk.windows(), walk.values()], 2, &device).detach();
            let [(found, by_found), (expected, by_expected)] = [windows, selected_windows].map(|operation| {
                let result = operation(input.clone(), walk);
                let gradients = (result.clone() * factors.clone()).sum().backward();
                (values(result.inner()), values(input.grad(&gradients).unwrap()))
            });
            assert_eq!(found, expected, "{walk:?}");
            assert_near(&by_found, &by_expected);
        }
    }
}

#[test]
fn convolutions_and_their_gradients_are_those_of_windows() {
    for (_, device) in Backend::present() {
        let device = device.autodiff();
        for walk in walks() {
            let input = random([50, walk.input.count()], 7, &device);
            let weights = random([walk.values(), 4], 8, &device);
            let factors = random([50 * walk.windows(), 4], 9, &device).detach();
            let by_windows = |input, weights, walk| windows(input, walk).matmul(weights);
            let [found, expected] = [convolved, by_windows].map(|operation| {
                let result = operation(input.clone(), weights.clone(), walk);
                let gradients = (result.clone() * factors.clone()).sum().backward();
                let gradients = [&input, &weights].map(|tensor| values(tensor.grad(&gradients).unwrap()));
                [vec![values(result.inner())], gradients.to_vec()].concat()
            });
            for (found, expected) in found.iter().zip(&expected) {
                assert_near(found, expected);
            }
        }
    }
}

#[test]
fn activations_and_their_gradients_are_those_of_their_steps() {
    for (_, device) in Backend::present() {
        let device = device.autodiff();
        // More rows than a task sums, and a number of columns that does not divide its loops.
        for shape in [[3000, 5], [7, 70], [9001, 1]] {
            let (input, factors) = (random(shape, 3, &device), random(shape, 4, &device).detach());
            let vector = |seed| random([1, shape[1]], seed, &device).reshape([shape[1]]).detach().require_grad();
            let (scale, shift) = (vector(5), vector(6));
            let [found, expected] = [activated, activated_in_steps].map(|operation| {
                let (result, moments) = operation(input.clone(), scale.clone(), shift.clone());
                // A sum of squares, so that gradients depend on the result.
                let loss = (result.clone().powi_scalar(2) * factors.clone()).mean();
                let gradients = loss.backward();
                [
                    values(result.inner()),
                    values(moments.inner()),
                    values(input.grad(&gradients).unwrap() * 1e3),
                    values(scale.grad(&gradients).unwrap()),
                    values(shift.grad(&gradients).unwrap()),
                ]
            });
            for (found, expected) in found.iter().zip(&expected) {
                assert_near(found, expected);
            }
        }
    }
}

#[test]
fn pools_ignore_the_padding() {
    let device = Backend::Flex.device().unwrap();
    let input = Shape { rows: 2, columns: 3, channels: 1 };
    let window = Window { kernel: [2, 2], stride: [1, 2], padding: [1, 0, 0, 1] };
    let walk = Walk { window, input, output: [2, 2], row: 2 };
    let image = Tensor::<2>::from_floats([[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]], &device);
    assert_eq!(values(largest(image.clone(), walk)), [2.0, 3.0, 5.0, 9.0]);
    assert_eq!(values(means(sums(image, walk), walk)), [1.5, 3.0, 3.0, 6.0]);
}

#[test]
fn the_largest_value_gets_the_gradient() {
    for (_, device) in Backend::present() {
        let device = device.autodiff();
        for walk in walks() {
            let walk = Walk { row: 3 * usize::from(walk.window.kernel[1]), ..walk };
            let input = random([5, walk.input.count()], 10, &device).add_scalar(2.0).detach().require_grad();
            let outputs = 3 * walk.windows();
            let factors = random([5, outputs], 11, &device).detach();
            let by_windows = |input, walk| by_channel(input, walk).max_dim(1).reshape([5, outputs]);
            let operations: [&dyn Fn(_, _) -> Tensor<2>; 2] = [&largest, &by_windows];
            let [found, expected] = operations.map(|operation| {
                let result = operation(input.clone(), walk);
                let gradients = (result.clone() * factors.clone()).sum().backward();
                [values(result.inner()), values(input.grad(&gradients).unwrap())]
            });
            for (found, expected) in found.iter().zip(&expected) {
                assert_near(found, expected);
            }
        }
    }
}
