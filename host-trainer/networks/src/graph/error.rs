#![expect(missing_docs, reason = "messages describe the variants")]

use prenda::{MAX_LAYERS, MAX_WIDTH, Shape, WindowError};
use thiserror::Error;

use crate::ArchitectureError;
use crate::limits::MAX_WEIGHT_BYTES;

/// Why an operator or a sequence of operators cannot become part of a model.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GraphError {
    #[error(
        "input of sizes {sizes:?} after the batch; expected images of {}x{} pixels with {} channels, those of the \
         data set; name the data set that it was trained on with --data",
        .image.rows, .image.columns, .image.channels
    )]
    Input { sizes: Vec<usize>, image: Shape },
    #[error("reads values of sizes {sizes:?}, expected {expected}")]
    Layout { sizes: Vec<usize>, expected: &'static str },
    #[error("changes sizes {from:?} to {to:?}, which splits or mixes rows, columns or channels; expected whole ones")]
    Reshape { from: Vec<usize>, to: Vec<usize> },
    #[error("transposes sizes {from:?} by {order:?}, expected each of their dimensions once")]
    Transpose { from: Vec<usize>, order: Vec<usize> },
    #[error("{found} weights, expected {expected}")]
    WeightCount { found: usize, expected: usize },
    #[error("{found} biases, expected {expected}")]
    BiasCount { found: usize, expected: usize },
    #[error("{channels} channels in {groups} groups, expected a divisor of the inputs and the outputs")]
    Groups { channels: usize, groups: usize },
    #[error("dilation {}x{}, expected 1x1; train without dilation", .0[0], .0[1])]
    Dilation([usize; 2]),
    #[error("a window, stride or padding of {size}, expected at most 255")]
    LargeWindow { size: usize },
    #[error("{reason}, for an input of {}x{}", .input.rows, .input.columns)]
    Window { reason: WindowError, input: Shape },
    #[error(
        "padding of {sides:?} (top, left, bottom, right), expected none, the same on all sides, or `same` with the \
         smaller half first; train with one of these"
    )]
    Padding { sides: [u8; 4] },
    #[error("averages count padding as zeros, expected only pixels; train with count_include_pad=False")]
    CountsPadding,
    #[error("{0} outputs or values, expected at most {MAX_WIDTH}; use larger strides or fewer channels")]
    Width(usize),
    #[error(
        "{0} weights, expected at most {MAX_WEIGHT_BYTES}, the limit of a microcontroller; train a smaller network"
    )]
    Total(usize),
    #[error("more than {MAX_LAYERS} layers")]
    Count,
    #[error("the layer before, {0}, has no ReLU; expected one after each layer with weights but the last")]
    NoActivation(String),
    #[error("ReLU after an average pool or a scale that cannot be folded; expected it directly after {0}")]
    LateActivation(String),
    #[error("a scale or a shift of sizes {constant:?} does not fit values of sizes {values:?}")]
    Constant { constant: Vec<usize>, values: Vec<usize> },
    #[error(
        "a scale that differs from pixel to pixel, or is not above 0, before {0}, into which it cannot be folded; \
         train with one for each channel, before ReLU"
    )]
    Scale(&'static str),
    #[error(
        "a shift of its inputs, while the window pads them with zeros; train without padding here, or without the \
         shift"
    )]
    ShiftedPadding,
    #[error("follows the softmax or the sigmoid; expected it at the end")]
    AfterEnd,
    #[error("a sigmoid of {0} outputs, expected one output, or softmax; train with softmax")]
    Sigmoid(usize),
    #[error("weights or biases that are not finite: found {0}")]
    NotFinite(f64),
    #[error("the last layer with weights is {0}, expected a dense layer at the end, whose outputs are the logits")]
    LastLayer(String),
    #[error("ReLU after the last layer, {0}; train it without, so that its outputs are the logits")]
    LastActivation(String),
    #[error("no layer with weights")]
    Empty,
    #[error("the last layer has {outputs} outputs, but the data set has {classes} classes")]
    Classes { outputs: usize, classes: usize },
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
}
