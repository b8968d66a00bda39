//! Two operations that burn lacks or computes slowly, with their gradients: the windows of images
//! as rows of a matrix, and batch normalization (Ioffe and Szegedy, 2015, algorithm 1).
//!
//! ```text
//!  values, [image, row * column * channel]
//!    windows ........ [image * output row * output column, kernel row * kernel column * channel]
//!    times weights .. [image * output row * output column, output channel]
//! ```

#![cfg_attr(feature = "ndarray", expect(deprecated, reason = "burn-ndarray is an option of training"))]

use std::ops::Range;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, TensorMetadata as _, backend_extension, read_sync};
use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;

use super::geometry::Walk;

/// Added to the variance of a channel before it divides. The value is PyTorch's.
pub const EPSILON: f32 = 1e-5;

/// Values of windows that are computed together: they should fit a cache.
const PART_VALUES: usize = 1 << 17;

/// Tasks of a convolution's gradients. Fixed, so that sums have the same order everywhere.
const GROUPS: usize = 16;

/// Columns that a loop handles at least.
const WIDTH: usize = 64;

/// Such loops in one task. Fixed, so that sums have the same order everywhere.
const PART: usize = 128;

/// Returns the windows of `values`, `[image, value]`: `[image * window, value]`. What is outside of
/// an image is zero.
pub fn windows(values: Tensor<2>, walk: Walk) -> Tensor<2> {
    if is_on_processor(&values) {
        Tensor::from_dispatch(<Dispatch as Operations>::windows(values.into_dispatch(), walk))
    } else {
        selected_windows(values, walk)
    }
}

/// Returns the weighted sums of each window of `values`, `[image * window, output]`. The weights
/// are `[value of a window, output]`.
pub fn convolved(values: Tensor<2>, weights: Tensor<2>, walk: Walk) -> Tensor<2> {
    if !is_on_processor(&values) {
        return selected_windows(values, walk).matmul(weights);
    }
    let [values, weights] = [values.into_dispatch(), weights.into_dispatch()];
    Tensor::from_dispatch(<Dispatch as Operations>::convolved(values, weights, walk))
}

/// Returns the largest value of each channel in each window. Values are 0 or more.
pub fn largest(values: Tensor<2>, walk: Walk) -> Tensor<2> {
    let [images, _] = values.dims();
    by_channel(values, walk).max_dim(1).reshape([images, walk.windows() * usize::from(walk.input.channels)])
}

/// Returns the sum of each channel in each window.
pub fn sums(values: Tensor<2>, walk: Walk) -> Tensor<2> {
    let [images, _] = values.dims();
    by_channel(values, walk).sum_dim(1).reshape([images, walk.windows() * usize::from(walk.input.channels)])
}

/// Converts the [`sums`] of windows to means of their pixels without the padding.
pub fn means(sums: Tensor<2>, walk: Walk) -> Tensor<2> {
    let (outputs, device) = (sums.dims(), sums.device());
    let shares: Vec<f32> = walk.counts().into_iter().map(|count| 1.0 / count.max(1) as f32).collect();
    let shares = Tensor::<3>::from_data(TensorData::new(shares, [1, walk.windows(), 1]), &device);
    (sums.reshape([outputs[0], walk.windows(), walk.input.channels.into()]) * shares).reshape(outputs)
}

/// Returns the windows of `values`, `[image * window, pixel, channel]`.
fn by_channel(values: Tensor<2>, walk: Walk) -> Tensor<3> {
    let [images, _] = values.dims();
    windows(values, walk).reshape([images * walk.windows(), walk.pixels(), walk.input.channels.into()])
}

/// Returns `values`, `[image, channel]`, with mean `shift` and deviation `scale` in each channel.
/// Also returns the mean and the variance that they had, `[2, channel]`.
pub fn normalized(values: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>) -> (Tensor<2>, Tensor<2>) {
    if !is_on_processor(&values) {
        return normalized_in_steps(values, scale, shift);
    }
    let [values, scale, shift] = [values.into_dispatch(), scale.into_dispatch(), shift.into_dispatch()];
    let (normalized, moments) = <Dispatch as Operations>::normalized(values, scale, shift);
    (Tensor::from_dispatch(normalized), Tensor::from_dispatch(moments))
}

fn is_on_processor(values: &Tensor<2>) -> bool {
    match values.device().inner().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        _ => false,
    }
}

/// [`windows`] with operations of burn.
fn selected_windows(values: Tensor<2>, walk: Walk) -> Tensor<2> {
    let (images, device) = (values.dims()[0], values.device());
    // The zero after the last value is for places outside of the image.
    let outside = walk.input.count() as i32;
    let mut places = vec![outside; walk.windows() * walk.values()];
    for stretch in walk.stretches() {
        for value in 0..stretch.count {
            places[stretch.window + value] = (stretch.image + value) as i32;
        }
    }
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [walk.windows() * walk.values()]), &device);
    let padded = Tensor::cat(vec![values, Tensor::zeros([images, 1], &device)], 1);
    padded.select(1, places).reshape([images * walk.windows(), walk.values()])
}

/// [`normalized`] with operations of burn.
fn normalized_in_steps(values: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>) -> (Tensor<2>, Tensor<2>) {
    let mean = values.clone().mean_dim(0);
    let centered = values - mean.clone();
    let variance = centered.clone().powi_scalar(2).mean_dim(0);
    let moments = Tensor::cat(vec![mean, variance.clone()], 0).detach();
    let factors = (variance + EPSILON).sqrt().recip() * scale.unsqueeze();
    (centered * factors + shift.unsqueeze(), moments)
}

/// The operations, computed on the processor.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
trait Operations: Backend {
    fn windows(values: FloatTensor<Self>, walk: Walk) -> FloatTensor<Self> {
        let device = values.device();
        let values = data::<Self>(values);
        let images = values.shape()[0];
        tensor::<Self>(gather(numbers(&values), images, &walk), [images * walk.windows(), walk.values()], &device)
    }

    fn convolved(values: FloatTensor<Self>, weights: FloatTensor<Self>, walk: Walk) -> FloatTensor<Self> {
        let device = values.device();
        let outputs = weights.shape()[1];
        let values = data::<Self>(values);
        let images = values.shape()[0];
        let part = images_in_part(&walk);
        let mut sums = vec![0.0; images * walk.windows() * outputs];
        let parts = sums.par_chunks_mut(part * walk.windows() * outputs);
        parts.zip(numbers(&values).par_chunks(part * walk.input.count())).for_each(|(sums, values)| {
            let rows = sums.len() / outputs;
            let windows = gather(values, rows / walk.windows(), &walk);
            let windows = tensor::<Self>(windows, [rows, walk.values()], &device);
            sums.copy_from_slice(numbers(&data::<Self>(Self::float_matmul(windows, weights.clone()))));
        });
        tensor::<Self>(sums, [images * walk.windows(), outputs], &device)
    }

    fn normalized(
        values: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let device = values.device();
        let [values, scale, shift] = [values, scale, shift].map(data::<Self>);
        let (values, scale, shift) = (numbers(&values), numbers(&scale), numbers(&shift));
        let moments = Moments::of(values, scale.len());
        let shape = [values.len() / scale.len(), scale.len()];
        (
            tensor::<Self>(moments.normalize(values, scale, shift), shape, &device),
            tensor::<Self>([moments.mean, moments.variance].concat(), [2, scale.len()], &device),
        )
    }
}

impl Operations for burn::backend::Flex {}

#[cfg(feature = "ndarray")]
impl Operations for burn::backend::NdArray {}

#[derive(Debug)]
struct Windows;

impl<B: Backend> Backward<B, 1> for Windows {
    type State = Walk;

    fn backward(self, ops: Ops<Walk, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let walk = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            let device = gradient.device();
            let gradient = data::<B>(gradient);
            let images = gradient.shape()[0] / walk.windows();
            let mut values = vec![0.0; images * walk.input.count()];
            scatter(numbers(&gradient), &mut values, &walk);
            tensor::<B>(values, [images, walk.input.count()], &device)
        });
    }
}

#[derive(Debug)]
struct Convolved;

impl<B: Backend> Backward<B, 2> for Convolved {
    /// Values and weights.
    type State = (FloatTensor<B>, FloatTensor<B>, Walk);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let device = gradient.device();
        let (values, weights, walk) = ops.state;
        let shape = weights.shape();
        let [inputs, outputs] = [shape[0], shape[1]];
        let weights = B::float_transpose(weights);
        let [values, gradient] = [values, gradient].map(data::<B>);
        let images = values.shape()[0];
        let [by_values, by_weights] = ops.parents;
        let part = images_in_part(&walk);
        let group = images.div_ceil(GROUPS * part) * part;
        let mut by_value = vec![0.0; if by_values.is_some() { images * walk.input.count() } else { 0 }];
        // Without a gradient of the values, each group has an empty part of it.
        let mut by_value_groups: Vec<&mut [f32]> = by_value.chunks_mut(group * walk.input.count()).collect();
        by_value_groups.resize_with(images.div_ceil(group), Default::default);
        let groups = numbers(&values).par_chunks(group * walk.input.count());
        let groups = groups.zip(numbers(&gradient).par_chunks(group * walk.windows() * outputs));
        let by_weight = groups.zip(by_value_groups).map(|((values, gradient), by_value)| {
            let mut by_weight = vec![0.0; inputs * outputs];
            let mut by_value = by_value.chunks_mut(part * walk.input.count());
            let parts = values.chunks(part * walk.input.count());
            for (values, gradient) in parts.zip(gradient.chunks(part * walk.windows() * outputs)) {
                let rows = gradient.len() / outputs;
                let images = rows / walk.windows();
                let windows = tensor::<B>(gather(values, images, &walk), [rows, inputs], &device);
                let gradient = tensor::<B>(gradient.to_vec(), [rows, outputs], &device);
                let sums = data::<B>(B::float_matmul(B::float_transpose(windows), gradient.clone()));
                by_weight.iter_mut().zip(numbers(&sums)).for_each(|(sum, part)| *sum += part);
                if let Some(by_value) = by_value.next() {
                    let by_window = data::<B>(B::float_matmul(gradient, weights.clone()));
                    scatter(numbers(&by_window), by_value, &walk);
                }
            }
            by_weight
        });
        let by_weight = by_weight.collect::<Vec<Vec<f32>>>().into_iter().reduce(|mut sums, others| {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
            sums
        });
        if let Some(node) = by_values {
            gradients.register::<B>(node.id, tensor::<B>(by_value, [images, walk.input.count()], &device));
        }
        if let Some((node, by_weight)) = by_weights.zip(by_weight) {
            gradients.register::<B>(node.id, tensor::<B>(by_weight, [inputs, outputs], &device));
        }
    }
}

#[derive(Debug)]
struct Normalized;

impl<B: Backend> Backward<B, 3> for Normalized {
    /// Values, their moments, and the scale.
    type State = [FloatTensor<B>; 3];

    fn backward(self, ops: Ops<[FloatTensor<B>; 3], 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let device = gradient.device();
        let [gradient, values, moments, scale] = {
            let [values, moments, scale] = ops.state;
            [gradient, values, moments, scale].map(data::<B>)
        };
        let (gradient, scale, moments) = (numbers(&gradient), numbers(&scale), numbers(&moments));
        let (mean, variance) = moments.split_at(scale.len());
        let moments = Moments { mean: mean.to_vec(), variance: variance.to_vec() };
        let [by_value, by_scale, by_shift] = moments.gradients(numbers(&values), gradient, scale);
        let [values, scales, shifts] = ops.parents;
        if let Some(node) = values {
            let shape = [gradient.len() / scale.len(), scale.len()];
            gradients.register::<B>(node.id, tensor::<B>(by_value, shape, &device));
        }
        for (node, gradient) in [(scales, by_scale), (shifts, by_shift)] {
            if let Some(node) = node {
                gradients.register::<B>(node.id, tensor::<B>(gradient, [scale.len()], &device));
            }
        }
    }
}

impl<B: Operations, C: CheckpointStrategy> Operations for Autodiff<B, C> {
    fn windows(values: FloatTensor<Self>, walk: Walk) -> FloatTensor<Self> {
        let (values, node) = values.into_parts();
        let prepared = Windows.prepare::<C>([node]).compute_bound().stateful();
        let result = B::windows(values, walk);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(walk, result),
            OpsKind::UnTracked(prepared) => prepared.finish(result),
        }
    }

    fn convolved(values: FloatTensor<Self>, weights: FloatTensor<Self>, walk: Walk) -> FloatTensor<Self> {
        let [(values, first), (weights, second)] = [values, weights].map(|input| input.into_parts());
        let prepared = Convolved.prepare::<C>([first, second]).compute_bound().stateful();
        let result = B::convolved(values.clone(), weights.clone(), walk);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((values, weights, walk), result),
            OpsKind::UnTracked(prepared) => prepared.finish(result),
        }
    }

    fn normalized(
        values: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [(values, first), (scale, second), (shift, third)] = [values, scale, shift].map(|input| input.into_parts());
        let prepared = Normalized.prepare::<C>([first, second, third]).compute_bound().stateful();
        let (result, moments) = B::normalized(values.clone(), scale.clone(), shift);
        let result = match prepared {
            OpsKind::Tracked(prepared) => prepared.finish([values, moments.clone(), scale], result),
            OpsKind::UnTracked(prepared) => prepared.finish(result),
        };
        (result, <Self as burn::backend::AutodiffBackend>::from_inner(moments))
    }
}

/// Returns the content of a tensor on the processor.
fn data<B: Backend>(tensor: FloatTensor<B>) -> TensorData {
    read_sync(B::float_into_data(tensor)).expect("tensors on the processor can be read")
}

fn numbers(data: &TensorData) -> &[f32] {
    data.as_slice().expect("training uses f32")
}

fn tensor<B: Backend>(values: Vec<f32>, shape: impl Into<burn::tensor::Shape>, device: &B::Device) -> FloatTensor<B> {
    B::float_from_data(TensorData::new(values, shape), device)
}

fn gather(values: &[f32], images: usize, walk: &Walk) -> Vec<f32> {
    let stretches = walk.stretches();
    let (from, to) = (walk.input.count(), walk.windows() * walk.values());
    let mut windows = vec![0.0; images * to];
    windows.par_chunks_mut(to).zip(values.par_chunks(from)).for_each(|(windows, image)| {
        for stretch in &stretches {
            let source = &image[stretch.image..stretch.image + stretch.count];
            windows[stretch.window..stretch.window + stretch.count].copy_from_slice(source);
        }
    });
    windows
}

/// Adds the values of windows to their places in the images.
fn scatter(windows: &[f32], images: &mut [f32], walk: &Walk) {
    let stretches = walk.stretches();
    let (to, from) = (walk.input.count(), walk.windows() * walk.values());
    images.par_chunks_mut(to).zip(windows.par_chunks(from)).for_each(|(image, windows)| {
        for stretch in &stretches {
            let source = &windows[stretch.window..stretch.window + stretch.count];
            let target = &mut image[stretch.image..stretch.image + stretch.count];
            target.iter_mut().zip(source).for_each(|(sum, value)| *sum += value);
        }
    });
}

/// Returns the number of images whose windows fit a cache.
fn images_in_part(walk: &Walk) -> usize {
    (PART_VALUES / (walk.windows() * walk.values())).max(1)
}

/// Mean and variance of each column.
struct Moments {
    mean: Vec<f32>,
    variance: Vec<f32>,
}

impl Moments {
    fn of(values: &[f32], columns: usize) -> Self {
        let mean = column_means(values.len(), columns, |part, sums| {
            for values in values[part].chunks(sums.len()) {
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        });
        let wide = repeated(&mean);
        let variance = column_means(values.len(), columns, |part, sums| {
            for values in values[part].chunks(sums.len()) {
                let values = values.iter().zip(&wide);
                sums.iter_mut().zip(values).for_each(|(sum, (value, mean))| *sum += (value - mean) * (value - mean));
            }
        });
        Self { mean, variance }
    }

    /// Returns the reciprocal of each column's deviation.
    fn reciprocals(&self) -> impl Iterator<Item = f32> {
        self.variance.iter().map(|variance| (variance + EPSILON).sqrt().recip())
    }

    fn normalize(&self, values: &[f32], scale: &[f32], shift: &[f32]) -> Vec<f32> {
        let factors: Vec<f32> = self.reciprocals().zip(scale).map(|(reciprocal, scale)| scale * reciprocal).collect();
        let offsets = factors.iter().zip(&self.mean).zip(shift).map(|((factor, mean), shift)| shift - mean * factor);
        let offsets = repeated(&offsets.collect::<Vec<f32>>());
        let factors = repeated(&factors);
        let mut results = vec![0.0; values.len()];
        let parts = results.par_chunks_mut(PART * factors.len()).zip(values.par_chunks(PART * factors.len()));
        parts.for_each(|(results, values)| {
            for (results, values) in results.chunks_mut(factors.len()).zip(values.chunks(factors.len())) {
                let values = values.iter().zip(&factors).zip(&offsets);
                results.iter_mut().zip(values).for_each(|(result, ((value, factor), offset))| {
                    *result = value * factor + offset;
                });
            }
        });
        results
    }

    /// Returns the gradients of values, scale and shift, from that of the normalized values.
    fn gradients(&self, values: &[f32], gradient: &[f32], scale: &[f32]) -> [Vec<f32>; 3] {
        let columns = scale.len();
        let count = (values.len() / columns) as f32;
        let by_shift = column_means(values.len(), columns, |part, sums| {
            for gradient in gradient[part].chunks(sums.len()) {
                sums.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
            }
        });
        let wide = repeated(&self.mean);
        let by_value = column_means(values.len(), columns, |part, sums| {
            for (values, gradient) in values[part.clone()].chunks(sums.len()).zip(gradient[part].chunks(sums.len())) {
                let numbers = values.iter().zip(gradient).zip(&wide);
                sums.iter_mut()
                    .zip(numbers)
                    .for_each(|(sum, ((value, gradient), mean))| *sum += gradient * (value - mean));
            }
        });
        // The gradient of a value is a sum of `gradient`, the value and 1, with these factors.
        let mut factors = [const { Vec::new() }; 3];
        let columns = self.reciprocals().zip(scale).zip(&self.mean).zip(by_shift.iter().zip(&by_value));
        for (((reciprocal, scale), mean), (by_shift, by_value)) in columns {
            let of_gradient = scale * reciprocal;
            let of_value = -of_gradient * reciprocal * reciprocal * by_value;
            factors[0].push(of_gradient);
            factors[1].push(of_value);
            factors[2].push(-of_gradient * by_shift - of_value * mean);
        }
        let [first, second, third] = factors.map(|factors| repeated(&factors));
        let mut by_input = vec![0.0; values.len()];
        let part = PART * first.len();
        let parts = by_input.par_chunks_mut(part).zip(values.par_chunks(part).zip(gradient.par_chunks(part)));
        parts.for_each(|(results, (values, gradient))| {
            let rows = values.chunks(first.len()).zip(gradient.chunks(first.len()));
            for (results, (values, gradient)) in results.chunks_mut(first.len()).zip(rows) {
                let numbers = values.iter().zip(gradient).zip(first.iter().zip(&second).zip(&third));
                results.iter_mut().zip(numbers).for_each(|(result, ((value, gradient), ((first, second), third)))| {
                    *result = gradient * first + value * second + third;
                });
            }
        });
        let by_scale = self.reciprocals().zip(by_value).map(|(reciprocal, mean)| reciprocal * mean * count).collect();
        [by_input, by_scale, by_shift.iter().map(|mean| mean * count).collect()]
    }
}

/// Repeats the values of columns, so that a loop over them is long enough to be fast.
fn repeated(columns: &[f32]) -> Vec<f32> {
    columns.repeat(WIDTH.div_ceil(columns.len()))
}

/// Returns the mean of each of `columns` in a matrix of `count` values. `add` adds the values in a
/// range to sums, which repeat the columns.
fn column_means(count: usize, columns: usize, add: impl Fn(Range<usize>, &mut [f32]) + Sync) -> Vec<f32> {
    let width = columns * WIDTH.div_ceil(columns);
    let tasks = (0..count.div_ceil(PART * width)).into_par_iter().map(|task| {
        let mut sums = vec![0.0; width];
        add(task * PART * width..((task + 1) * PART * width).min(count), &mut sums);
        sums
    });
    let mut totals = vec![0.0; columns];
    for sums in tasks.collect::<Vec<Vec<f32>>>() {
        for sums in sums.chunks(columns) {
            totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += f64::from(*sum));
        }
    }
    totals.into_iter().map(|total| (total * columns as f64 / count as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;
    use crate::network::backend::Backend;
    use shared_model::{Shape, Window};

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
    fn normalization_and_its_gradients_are_those_of_its_steps() {
        for (_, device) in Backend::present() {
            let device = device.autodiff();
            // More rows than a task sums, and a number of columns that does not divide its loops.
            for shape in [[3000, 5], [7, 70], [9001, 1]] {
                let (input, factors) = (random(shape, 3, &device), random(shape, 4, &device).detach());
                let vector = |seed| random([1, shape[1]], seed, &device).reshape([shape[1]]).detach().require_grad();
                let (scale, shift) = (vector(5), vector(6));
                let [found, expected] = [normalized, normalized_in_steps].map(|operation| {
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
}
