//! Compares the float network with plain loops.

use burn::tensor::{Tensor, TensorData};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use super::backend::Backend;
use super::*;
use prenda::{LayerKind, Shape, Window};

const IMAGE: Shape = Shape { rows: 7, columns: 6, channels: 2 };

/// A network with every kind of layer.
const LAYERS: &str = "conv 3 3x3 stride 2x1; depthwise 3x2 valid; maxpool 2x2 stride 1 same; conv 4 1x2; avgpool 2x3 \
                      stride 1x2 pad 1; conv 5 2x2; avgpool global; dense 6; dense 3";

fn plan() -> Vec<LayerPlan> {
    LAYERS.parse::<Architecture>().unwrap().plan(IMAGE, 3).unwrap()
}

fn numbers(count: usize, range: std::ops::Range<f32>, seed: u64) -> Vec<f32> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..count).map(|_| random.random_range(range.clone())).collect()
}

/// Computes the logits of an image, pixel by pixel, in `f64`.
fn logits(plan: &[LayerPlan], parameters: &[DenseParameters], image: &[f32]) -> Vec<f64> {
    let mut values: Vec<f64> = image.iter().copied().map(f64::from).collect();
    let mut parameters = parameters.iter();
    let mut input = IMAGE;
    for layer in plan {
        let parameters = layer.matrix().map(|_| parameters.next().unwrap());
        let mut outputs = Vec::new();
        let Shape { rows, columns, channels } = layer.output;
        for output in 0..layer.output.count() {
            let channel = output % usize::from(channels);
            let pixel = output / usize::from(channels);
            let (row, column) = (pixel / usize::from(columns), pixel % usize::from(columns));
            assert!(row < rows.into());
            let weight = |input: usize| {
                let parameters = parameters.unwrap();
                f64::from(parameters.weights[input * parameters.outputs + channel])
            };
            let mut sum = parameters.map_or(0.0, |parameters| f64::from(parameters.biases[channel]));
            let Some(walk) = layer.walk() else {
                sum += values.iter().enumerate().map(|(input, value)| weight(input) * value).sum::<f64>();
                outputs.push(sum);
                continue;
            };
            let Window { kernel, stride, padding } = walk.window;
            let (mut largest, mut count) = (0.0_f64, 0.0);
            for kernel_pixel in 0..walk.window.pixels() {
                let [kernel_row, kernel_column]: [usize; 2] =
                    [kernel_pixel / usize::from(kernel[1]), kernel_pixel % usize::from(kernel[1])];
                let row = (row * usize::from(stride[0]) + kernel_row).checked_sub(padding[0].into());
                let column = (column * usize::from(stride[1]) + kernel_column).checked_sub(padding[1].into());
                let row = row.filter(|row| *row < input.rows.into());
                let column = column.filter(|column| *column < input.columns.into());
                let Some((row, column)) = row.zip(column) else { continue };
                let channels = usize::from(input.channels);
                let pixel = &values[(row * usize::from(input.columns) + column) * channels..][..channels];
                count += 1.0;
                largest = largest.max(pixel[channel.min(channels - 1)]);
                match layer.kind {
                    LayerKind::Convolution(_) => {
                        let products = pixel.iter().enumerate();
                        sum += products
                            .map(|(index, value)| {
                                weight(kernel_row * walk.row + kernel_column * channels + index) * value
                            })
                            .sum::<f64>();
                    }
                    LayerKind::Depthwise(_) => sum += weight(kernel_pixel) * pixel[channel],
                    _ => sum += pixel[channel],
                }
            }
            outputs.push(match layer.kind {
                LayerKind::MaxPool(_) => largest,
                LayerKind::AveragePool(_) => sum / count,
                _ => sum.max(0.0),
            });
        }
        if layer.kind == LayerKind::Dense && parameters.is_some_and(|parameters| parameters.outputs != 3) {
            outputs.iter_mut().for_each(|output| *output = output.max(0.0));
        }
        values = outputs;
        input = layer.output;
    }
    values
}

#[test]
fn every_kind_of_layer_computes_like_plain_loops() {
    let plan = plan();
    let parameters: Vec<_> = plan
        .iter()
        .filter_map(|layer| layer.matrix())
        .enumerate()
        .map(|(seed, [inputs, outputs])| DenseParameters {
            inputs,
            outputs,
            weights: numbers(inputs * outputs, -0.5..1.0, seed as u64),
            biases: numbers(outputs, -0.5..0.5, seed as u64 + 100),
        })
        .collect();
    let images = numbers(3 * IMAGE.count(), 0.0..1.0, 7);
    let expected: Vec<f64> = images.chunks(IMAGE.count()).flat_map(|image| logits(&plan, &parameters, image)).collect();
    for (backend, device) in Backend::present() {
        let network = Network::new(plan.clone(), parameters.clone(), &device);
        let input = Tensor::<2>::from_data(TensorData::new(images.clone(), [3, IMAGE.count()]), &device);
        let found: Vec<f32> = network.forward(input).try_into_vec_as().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-4 * expected.abs(), "{backend:?} {found} {expected}");
        }
    }
}

#[test]
fn gradients_match_finite_differences() {
    let device = Backend::Flex.device().unwrap().autodiff();
    let network = Network::init(&plan(), &mut Xoshiro256PlusPlus::seed_from_u64(1), &device);
    let factors = Tensor::<2>::from_data(TensorData::new(numbers(12, -1.0..1.0, 2), [4, 3]), &device);
    let loss = |images: Tensor<2>| (network.forward_normalized(images, |_| (), |_, _| ()) * factors.clone()).sum();
    let pixels = numbers(4 * IMAGE.count(), 0.0..1.0, 3);
    let tensor = |pixels: Vec<f32>| Tensor::<2>::from_data(TensorData::new(pixels, [4, IMAGE.count()]), &device);
    let images = tensor(pixels.clone()).require_grad();
    let gradients: Vec<f32> = images.grad(&loss(images.clone()).backward()).unwrap().try_into_vec_as().unwrap();
    let largest = gradients.iter().fold(0.0_f32, |largest, gradient| largest.max(gradient.abs()));
    let value = |place: usize, change: f32| -> f64 {
        let mut pixels = pixels.clone();
        pixels[place] += change;
        loss(tensor(pixels)).try_into_scalar::<f32>().unwrap().into()
    };
    let size = 1e-3;
    let near = gradients.iter().enumerate().filter(|(place, gradient)| {
        let expected = (value(*place, size) - value(*place, -size)) / f64::from(2.0 * size);
        (f64::from(**gradient) - expected).abs() < 0.02 * f64::from(largest)
    });
    // A few differences contain a corner of ReLU or of a maximum.
    let near = near.count();
    assert!(near >= gradients.len() * 9 / 10, "{near} of {} near", gradients.len());
}

#[test]
fn a_folded_network_computes_like_the_normalized_one() {
    for (backend, device) in Backend::present() {
        let network = Network::init(&plan(), &mut Xoshiro256PlusPlus::seed_from_u64(4), &device);
        assert_eq!(network.count_normalizations(), 4);
        let images = numbers(20 * IMAGE.count(), 0.0..1.0, 5);
        let images = Tensor::<2>::from_data(TensorData::new(images, [20, IMAGE.count()]), &device);
        let mut running = Vec::new();
        let expected = network.forward_normalized(
            images.clone(),
            |moments| {
                let mut first = Running::default();
                first.update(&moments.try_into_vec_as::<f32>().unwrap());
                running.push(first);
            },
            |_, _| (),
        );
        let folded = network.with_parameters(network.folded(&running).unwrap());
        assert_eq!(folded.count_normalizations(), 0);
        let [found, expected] =
            [folded.forward(images), expected].map(|logits| logits.try_into_vec_as::<f32>().unwrap());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{backend:?} {found} {expected}");
        }
    }
}
