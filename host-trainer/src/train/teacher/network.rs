//! The teacher's network: convolutions of 3 x 3 with batch normalization and ReLU, and a dense
//! layer.
//!
//! ```text
//!  image, rows x columns x 1
//!    convolution, c channels ......... halved
//!    convolution, 2c channels ........ then a block of two, added to its input; halved
//!    convolution, 4c channels ........ then a block of two, added to its input
//!    largest and mean of each channel, 8c
//!    dense, one output for each class
//! ```

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorReadError};
use prenda::{LayerKind, Shape, Window};
use rand::rngs::Xoshiro256PlusPlus;

use crate::network::{DenseParameters, Layer, LayerPlan, Running, largest, means, sums};

/// The blocks of layers whose input is added to their output.
const BLOCKS: [Range<usize>; 2] = [3..5, 7..9];

/// The teacher's network.
#[derive(Module, Debug)]
pub struct Convolutional {
    /// The layers with a matrix; the last one is dense.
    layers: Vec<Layer>,
    /// All layers but the last.
    #[module(skip)]
    plan: Vec<LayerPlan>,
}

impl Convolutional {
    /// Creates a network for images of shape `image`, whose first convolution has `channels`. The
    /// weights of all convolutions come from `random`.
    pub fn init(image: Shape, channels: u16, classes: usize, random: &mut Xoshiro256PlusPlus, device: &Device) -> Self {
        let [c1, c2, c4] = [1, 2, 4].map(|factor| factor * channels);
        let steps = [Some(c1), None, Some(c2), Some(c2), Some(c2), None, Some(c4), Some(c4), Some(c4)];
        let mut shape = image;
        let plan = steps.map(|channels| {
            let plan = channels.map_or_else(|| halved(shape), |channels| convolution(shape, channels));
            shape = plan.output;
            plan
        });
        let hidden = plan.iter().filter(|layer| layer.kind.has_matrix());
        let mut layers: Vec<Layer> = hidden.map(|layer| Layer::init(layer, random, device)).collect();
        // Zero, since sums of blocks would give large logits and steps at the start.
        let (inputs, outputs) = (2 * usize::from(shape.channels), classes);
        let (weights, biases) = (vec![0.0; inputs * outputs], vec![0.0; outputs]);
        layers.push(Layer::new(DenseParameters { inputs, outputs, weights, biases }, device));
        Self { layers, plan: plan.to_vec() }
    }

    /// Returns the number of normalizations.
    pub fn count_normalizations(&self) -> usize {
        self.layers.len().saturating_sub(1)
    }

    /// Returns the network with normalizations by `running` moments folded into its weights.
    ///
    /// # Errors
    ///
    /// Returns an error if the backend cannot return its tensors.
    pub fn folded(&self, running: &[Running], device: &Device) -> Result<Self, TensorReadError> {
        let mut running = running.iter();
        let layers = self.layers.iter().map(|layer| Ok(Layer::new(layer.folded(&mut running)?, device)));
        Ok(Self { layers: layers.collect::<Result<_, TensorReadError>>()?, plan: self.plan.clone() })
    }

    /// Returns the logits, `[image, class]`, of images, `[image, pixel]`. Calls `on_moments` for
    /// each normalization, with the means and the variances before it, `[2, channel]`.
    pub fn forward(&self, images: Tensor<2>, on_moments: &mut dyn FnMut(Tensor<2>)) -> Tensor<2> {
        let mut values = images;
        let mut layers = self.layers.iter();
        let mut block_input = None;
        for (index, plan) in self.plan.iter().enumerate() {
            if BLOCKS.iter().any(|block| block.start == index) {
                block_input = Some(values.clone());
            }
            values = match (plan.kind, plan.walk(), layers.as_slice().first()) {
                (LayerKind::MaxPool(_), Some(walk), _) => largest(values, walk),
                (_, _, Some(layer)) => {
                    layers.next();
                    layer.forward(values, plan, true, on_moments)
                }
                _ => values,
            };
            if BLOCKS.iter().any(|block| block.end == index + 1)
                && let Some(input) = block_input.take()
            {
                values = values + input;
            }
        }
        let Some((plan, last)) = self.plan.last().zip(layers.next()) else { return values };
        let whole = Window::covering(plan.output).unwrap_or(Window { kernel: [1; 2], stride: [1; 2], padding: [0; 4] });
        let output = Shape { rows: 1, columns: 1, ..plan.output };
        let pool = LayerPlan { kind: LayerKind::AveragePool(whole), input: plan.output, output };
        let Some(walk) = pool.walk() else { return values };
        let features = Tensor::cat(vec![largest(values.clone(), walk), means(sums(values, walk), walk)], 1);
        last.forward(features, &LayerPlan { kind: LayerKind::Dense, ..pool }, false, on_moments)
    }
}

/// Returns a convolution of 3 x 3 that keeps rows and columns.
fn convolution(input: Shape, channels: u16) -> LayerPlan {
    let window = Window { kernel: [3; 2], stride: [1; 2], padding: [1; 4] };
    LayerPlan { kind: LayerKind::Convolution(window), input, output: Shape { channels, ..input } }
}

/// Returns a pool of 2 x 2. An odd row or column at the end is dropped, unless it is the only one.
fn halved(input: Shape) -> LayerPlan {
    let kernel = [input.rows, input.columns].map(|length| length.min(2) as u8);
    let window = Window { kernel, stride: kernel, padding: [0; 4] };
    let [rows, columns] = [input.rows / u16::from(kernel[0]), input.columns / u16::from(kernel[1])];
    LayerPlan { kind: LayerKind::MaxPool(window), input, output: Shape { rows, columns, ..input } }
}
