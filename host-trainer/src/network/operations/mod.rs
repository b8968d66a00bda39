//! Operations that burn lacks or computes slowly, with their gradients: windows of images,
//! convolution, the largest value of a window, and batch normalization followed by ReLU.
//!
//! ```text
//!  values, [image, row * column * channel]
//!    windows ........ [image * output row * output column, kernel row * kernel column * channel]
//!    times weights .. [image * output row * output column, output channel]
//! ```

#![cfg_attr(feature = "ndarray", expect(deprecated, reason = "burn-ndarray is an option of training"))]

mod moments;
mod windows;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, AutodiffBackend, Backend, Dispatch, DispatchDevice, TensorMetadata as _, backend_extension, read_sync,
};
use burn::tensor::activation::relu;
use burn::tensor::{Int, Tensor, TensorData};
use rayon::prelude::*;

use self::moments::Moments;
use self::windows::{gather, images_in_part, scatter, scatter_to};
use networks::Walk;

/// Added to the variance of a channel before it divides. The value is PyTorch's.
pub const EPSILON: f32 = 1e-5;

/// Tasks of a convolution's gradients. Fixed, so that sums have the same order everywhere.
const GROUPS: usize = 16;

/// Returns the windows of `values`, `[image, value]`: `[image * window, value]`. Values outside an
/// image are zero.
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

/// Returns the largest value of each channel in each window, for values of 0 or more.
pub fn largest(values: Tensor<2>, walk: Walk) -> Tensor<2> {
    if is_on_processor(&values) {
        return Tensor::from_dispatch(<Dispatch as Operations>::largest(values.into_dispatch(), walk).0);
    }
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
    windows(values, walk).reshape([images * walk.windows(), walk.window.pixels(), walk.input.channels.into()])
}

/// Normalizes each channel of `values`, `[image, channel]`, to mean `shift` and deviation `scale`,
/// and applies ReLU. Also returns means and variances before that, `[2, channel]`.
pub fn activated(values: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>) -> (Tensor<2>, Tensor<2>) {
    if !is_on_processor(&values) {
        return activated_in_steps(values, scale, shift);
    }
    let [values, scale, shift] = [values.into_dispatch(), scale.into_dispatch(), shift.into_dispatch()];
    let (activations, moments) = <Dispatch as Operations>::activated(values, scale, shift);
    (Tensor::from_dispatch(activations), Tensor::from_dispatch(moments))
}

fn is_on_processor(values: &Tensor<2>) -> bool {
    match values.device().inner().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "ndarray")]
        DispatchDevice::NdArray(_) => true,
        _ => false,
    }
}

/// [`windows()`] with operations of burn.
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

/// [`activated`] with operations of burn.
fn activated_in_steps(values: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>) -> (Tensor<2>, Tensor<2>) {
    let mean = values.clone().mean_dim(0);
    let centered = values - mean.clone();
    let variance = centered.clone().powi_scalar(2).mean_dim(0);
    let moments = Tensor::cat(vec![mean, variance.clone()], 0).detach();
    let factors = (variance + EPSILON).sqrt().recip() * scale.unsqueeze();
    (relu(centered * factors + shift.unsqueeze()), moments)
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

    /// Returns the largest values and their places.
    fn largest(values: FloatTensor<Self>, walk: Walk) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let device = values.device();
        let values = data::<Self>(values);
        let images = values.shape()[0];
        let results = windows::largest(numbers(&values), images, &walk);
        let shape = [images, walk.windows() * usize::from(walk.input.channels)];
        let [largest, places] = results.map(|values| tensor::<Self>(values, shape, &device));
        (largest, places)
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

    fn activated(
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
            tensor::<Self>(moments.activate(values, scale, shift), shape, &device),
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
struct Largest;

impl<B: Backend> Backward<B, 1> for Largest {
    /// Places of the largest values.
    type State = (FloatTensor<B>, Walk);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (places, walk) = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            let device = gradient.device();
            let [places, gradient] = [places, gradient].map(data::<B>);
            let images = gradient.shape()[0];
            let values = scatter_to(numbers(&places), numbers(&gradient), images, &walk);
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
struct Activated;

impl<B: Backend> Backward<B, 3> for Activated {
    /// Values, their moments, scale and shift.
    type State = [FloatTensor<B>; 4];

    fn backward(self, ops: Ops<[FloatTensor<B>; 4], 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let device = gradient.device();
        let gradient = data::<B>(gradient);
        let [values, moments, scale, shift] = ops.state.map(data::<B>);
        let (gradient, scale, moments) = (numbers(&gradient), numbers(&scale), numbers(&moments));
        let (mean, variance) = moments.split_at(scale.len());
        let moments = Moments { mean: mean.to_vec(), variance: variance.to_vec() };
        let [by_value, by_scale, by_shift] = moments.gradients(numbers(&values), gradient, scale, numbers(&shift));
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

    fn largest(values: FloatTensor<Self>, walk: Walk) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (values, node) = values.into_parts();
        let prepared = Largest.prepare::<C>([node]).compute_bound().stateful();
        let (result, places) = B::largest(values, walk);
        let result = match prepared {
            OpsKind::Tracked(prepared) => prepared.finish((places.clone(), walk), result),
            OpsKind::UnTracked(prepared) => prepared.finish(result),
        };
        (result, <Self as AutodiffBackend>::from_inner(places))
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

    fn activated(
        values: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let [(values, first), (scale, second), (shift, third)] = [values, scale, shift].map(|input| input.into_parts());
        let prepared = Activated.prepare::<C>([first, second, third]).compute_bound().stateful();
        let (result, moments) = B::activated(values.clone(), scale.clone(), shift.clone());
        let result = match prepared {
            OpsKind::Tracked(prepared) => prepared.finish([values, moments.clone(), scale, shift], result),
            OpsKind::UnTracked(prepared) => prepared.finish(result),
        };
        (result, <Self as AutodiffBackend>::from_inner(moments))
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

#[cfg(test)]
mod tests;
