use networks::keras::KerasError;
use networks::pytorch::PyTorchError;
use prenda::{MAX_LAYERS, MAX_WIDTH};
use safetensors::{Dtype, SafeTensorError};
use thiserror::Error;

use super::orientation::Orientation;
use crate::limits::{MAX_GRAPH_FILE_BYTES, MAX_TENSOR_DIMENSIONS, MAX_TENSOR_FILE_BYTES, MAX_TENSOR_NAME_BYTES};
use crate::support::tensor_header::HeaderError;

/// Why a file's tensors cannot be read.
#[derive(Debug, Error)]
pub enum TensorFileError {
    #[error("cannot read the file")]
    Read(#[source] std::io::Error),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("more than {MAX_TENSOR_FILE_BYTES} bytes; save the weights alone, without the optimizer")]
    Large,
    #[error("more than {MAX_GRAPH_FILE_BYTES} bytes, expected a network for a microcontroller; train a smaller one")]
    LargeGraph,
    #[error("not a safetensors file, or a damaged one; docs/import.md explains how to save one")]
    Content(#[from] SafeTensorError),
    #[error(
        "a tensor has a name of {name_bytes} bytes and {dimensions} dimensions; expected at most \
         {MAX_TENSOR_NAME_BYTES} and {MAX_TENSOR_DIMENSIONS}"
    )]
    Tensor { name_bytes: usize, dimensions: usize },
    #[error("{format}, which cannot be imported; {advice}")]
    Format { format: &'static str, advice: String },
    #[error("not a valid safetensors file: __metadata__ has {entry}; expected text")]
    Metadata { entry: String },
    #[error(
        "__metadata__ says that {} is {}, which the file does not have; save the network again",
        .alias.escape_debug(),
        .name.escape_debug()
    )]
    Alias { alias: String, name: String },
    #[error(transparent)]
    PyTorch(#[from] PyTorchError),
    #[error(transparent)]
    Keras(#[from] KerasError),
    #[error("no tensors; save the weights after the network is built or trained")]
    Empty,
}

/// Why tensors cannot be imported as a network. Messages escape the tensors' names.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error("{reason}{listing}")]
    Layers { reason: LayersError, listing: String },
    #[error("{reason}{listing}")]
    Described { reason: Box<DescribedError>, listing: String },
    #[error(
        "bias {} has shape {bias_shape:?}, but weights {} have {outputs} outputs; name the pair with --layer \
         WEIGHT,BIAS",
        .bias.escape_debug(),
        .weight.escape_debug()
    )]
    Bias { bias: String, bias_shape: Vec<usize>, weight: String, outputs: usize },
    #[error("--ignore {}: no tensor has this name, or a name that begins with it and a separator", .0.escape_debug())]
    Ignored(String),
    #[error(
        "tensors that the network does not use:{listing}\nimport takes dense layers and convolutions with ReLU \
         between them, and pools; if the network gives the same answers without a tensor, add --ignore NAME{advice}"
    )]
    Leftover { listing: String, advice: String },
    #[error(
        "layers and weights that a model does not have:{listing}\nthey can be folded into dense layers and \
         convolutions, which then give the same answers; add --fold to do so"
    )]
    Unfolded { listing: String },
    #[error(
        "tensors {} and {} have shapes {:?} and {:?}, which do not fit each other",
        .names[0].escape_debug(),
        .names[1].escape_debug(),
        .shapes[0],
        .shapes[1]
    )]
    Parts { names: [String; 2], shapes: [Vec<usize>; 2] },
    #[error("batch normalization {}: {reason}", .name.escape_debug())]
    BatchNorm { name: String, reason: BatchNormError },
    #[error("tensor {} has type {data_type}; expected F32, F64, F16 or BF16", .name.escape_debug())]
    DataType { name: String, data_type: Dtype },
    #[error(
        "tensor {} has {value} at position {position}; expected a finite number",
        .name.escape_debug()
    )]
    NotFinite {
        name: String,
        /// From 0, in row-major order.
        position: usize,
        value: f32,
    },
}

/// Why tensors are not those of the network that the user describes.
#[derive(Debug, Error)]
pub enum DescribedError {
    #[error(
        "found {} weights ({}), expected {}, one for each layer of --network but pools ({}); change --network, or \
         leave weights out with --ignore",
        .found.len(),
        .found.join(", "),
        .expected.len(),
        .expected.join(", ")
    )]
    Count { found: Vec<String>, expected: Vec<String> },
    #[error(
        "{layer}: found weights {} of shape {found:?}, expected {expected}; \
         change --network: kernels, channels, strides, padding (PyTorch's padding=1 is pad 1, not same) or pools",
        .name.escape_debug()
    )]
    Shape {
        /// Its place from 0, and the layer in words.
        layer: String,
        name: String,
        found: Vec<usize>,
        /// Shapes, and the layer's input.
        expected: String,
    },
    #[error(
        "several orders of these weights fit --network, and their names do not show which is the network's{}",
        fitting(.lines)
    )]
    Several {
        /// Options that choose an order.
        lines: Vec<String>,
    },
    #[error(
        "weights {} of shape {shape:?} fit both orders of dimensions, and names contradict the shapes of other \
         layers; name each layer with --layer WEIGHT,out-in (PyTorch) or --layer WEIGHT,in-out (Keras)",
        .name.escape_debug()
    )]
    Order { name: String, shape: Vec<usize> },
}

fn fitting(lines: &[String]) -> String {
    let lines: String = lines.iter().map(|line| format!("\n  {line}")).collect();
    if lines.is_empty() { lines } else { format!("; these fit:{lines}") }
}

/// Why a batch normalization cannot be folded into another layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchNormError {
    #[error("no place before or after a layer has its width; {FOLD_BEFORE_SAVING}")]
    NoPlace,
    #[error("it fits before or after several layers; {FOLD_BEFORE_SAVING}")]
    Places,
    #[error("it and others fit in too many places to try all; {FOLD_BEFORE_SAVING}")]
    Steps,
    #[error("names do not show if it comes before or after ReLU; {FOLD_BEFORE_SAVING}")]
    Side,
    #[error("it comes after an activation, but has negative means; import takes no other activation than ReLU")]
    Activation,
    #[error(
        "it comes after ReLU and before a layer that pads its input or reads several pixels, into which it cannot be \
         folded; train with it before ReLU"
    )]
    Window,
    #[error("its statistics give weights that are not finite")]
    NotFinite,
}

const FOLD_BEFORE_SAVING: &str =
    "fold it into another layer before saving, like torch.nn.utils.fusion.fuse_linear_bn_eval or fuse_conv_bn_eval";

/// Why the layers of a network cannot be identified.
#[derive(Debug, Error)]
pub enum LayersError {
    #[error("no matrix has a name like NAME.weight (PyTorch) or NAME/kernel (Keras)")]
    Unnamed,
    #[error(
        "no sequence of these layers maps {pixels} pixels to {classes} classes{}",
        no_chain(*.pixels, *.classes, *.takes_pixels, *.gives_classes)
    )]
    NoChain {
        pixels: usize,
        classes: usize,
        /// A matrix accepts the pixels.
        takes_pixels: bool,
        /// A matrix has an output for each class.
        gives_classes: bool,
    },
    #[error(
        "several sequences of these layers map {pixels} pixels to {classes} classes, and their names do not show \
         which is the network's"
    )]
    Several { pixels: usize, classes: usize },
    #[error(
        "weights {} are square; names and shapes do not show whether inputs or outputs come first",
        .0.escape_debug()
    )]
    Square(String),
    #[error("tensor {} does not exist", .0.escape_debug())]
    Unknown(String),
    #[error("tensor {} is not a matrix, as a dense layer's weights are", .0.escape_debug())]
    NoMatrix(String),
    #[error("layer {} is named twice", .0.escape_debug())]
    Twice(String),
    #[error("--layer: found {found}, expected {expected}, one for each layer of --network but pools")]
    Choices { found: usize, expected: usize },
    #[error(
        "weights {}{} do not accept {inputs} inputs (the outputs of the layer before, or the pixels)",
        .name.escape_debug(),
        as_asked(*.orientation)
    )]
    NoFit {
        name: String,
        /// Outputs of the layer before, or pixels.
        inputs: usize,
        orientation: Option<Orientation>,
    },
    #[error("the last layer has {outputs} outputs, but the data set has {classes} classes")]
    Last { outputs: usize, classes: usize },
    #[error(
        "the network is larger than a model can be: expected at most {MAX_LAYERS} layers of at most {MAX_WIDTH} \
         inputs and outputs"
    )]
    Size,
}

fn no_chain(pixels: usize, classes: usize, takes_pixels: bool, gives_classes: bool) -> String {
    let reason = match (takes_pixels, gives_classes) {
        (true, true) => return String::new(),
        (false, _) => format!("none accepts {pixels} inputs"),
        (true, false) => format!("none has {classes} outputs"),
    };
    format!(": {reason}; name the data set that it was trained on with --data")
}

fn as_asked(orientation: Option<Orientation>) -> String {
    orientation.map(|orientation| format!(", read as {},", orientation.name())).unwrap_or_default()
}
