//! The teacher's network: five convolutions of 3 x 3, with ReLU, and a dense layer.
//!
//! ```text
//!  image, 1 x rows x columns
//!    convolution, c channels ......... ReLU, halved
//!    2 convolutions, 2c channels ..... ReLU each, halved
//!    2 convolutions, 4c channels ..... ReLU each
//!    largest and mean of each channel, 8c
//!    dense, one output for each class
//! ```

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;
use rand::rngs::Xoshiro256PlusPlus;

/// A convolution of 3 x 3 that keeps rows and columns, followed by ReLU.
#[derive(Module, Debug)]
struct Convolution {
    /// `[output channel, input channel, row, column]`.
    weights: Param<Tensor<4>>,
    biases: Param<Tensor<1>>,
}

impl Convolution {
    fn init(inputs: usize, outputs: usize, random: &mut Xoshiro256PlusPlus, device: &Device) -> Self {
        Self {
            weights: Param::from_data(uniform([outputs, inputs, 3, 3], 9 * inputs, random), device),
            biases: Param::from_data(TensorData::new(vec![0.0_f32; outputs], [outputs]), device),
        }
    }

    fn forward(&self, values: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        relu(conv2d(values, self.weights.val(), Some(self.biases.val()), options))
    }
}

/// The teacher's network.
#[derive(Module, Debug)]
pub struct Convolutional {
    first: Convolution,
    second: [Convolution; 2],
    third: [Convolution; 2],
    last: Linear,
}

impl Convolutional {
    /// Creates a network whose first convolution has `channels`. Weights are He-uniform, from
    /// `random`; biases are zero.
    pub fn init(channels: usize, classes: usize, random: &mut Xoshiro256PlusPlus, device: &Device) -> Self {
        let [c1, c2, c4] = [1, 2, 4].map(|factor| factor * channels);
        let mut convolution = |inputs, outputs| Convolution::init(inputs, outputs, random, device);
        Self {
            first: convolution(1, c1),
            second: [convolution(c1, c2), convolution(c2, c2)],
            third: [convolution(c2, c4), convolution(c4, c4)],
            last: Linear {
                weight: Param::from_data(uniform([2 * c4, classes], 2 * c4, random), device),
                bias: Some(Param::from_data(TensorData::new(vec![0.0_f32; classes], [classes]), device)),
            },
        }
    }

    /// Returns the logits, `[image, class]`, of images, `[image, 1, row, column]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let values = halved(self.first.forward(images));
        let values = halved(self.second.iter().fold(values, |values, convolution| convolution.forward(values)));
        let values = self.third.iter().fold(values, |values, convolution| convolution.forward(values));
        let channels = values.flatten::<3>(2, 3);
        let largest = channels.clone().max_dim(2).squeeze_dim::<2>(2);
        let mean = channels.mean_dim(2).squeeze_dim::<2>(2);
        self.last.forward(Tensor::cat(vec![largest, mean], 1))
    }
}

/// Returns the largest of each 2 x 2 values. An odd row or column at the end is dropped, unless it
/// is the only one.
fn halved(values: Tensor<4>) -> Tensor<4> {
    let [_, _, rows, columns] = values.dims();
    let window = [rows.min(2), columns.min(2)];
    max_pool2d(values, MaxPoolOptions::new(window).with_stride(window))
}

/// Draws weights that keep the size of values that pass through them and ReLU (He and others, 2015,
/// section 2.2).
fn uniform<const D: usize>(shape: [usize; D], fan_in: usize, random: &mut Xoshiro256PlusPlus) -> TensorData {
    let limit = (6.0 / fan_in as f64).sqrt() as f32;
    let count = shape.iter().product();
    TensorData::new((0..count).map(|_| random.random_range(-limit..limit)).collect::<Vec<f32>>(), shape)
}
