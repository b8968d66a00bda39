//! Errors of importing a file of tensors.

use safetensors::{Dtype, SafeTensorError};
use shared_model::{MAX_LAYERS, MAX_WIDTH};
use thiserror::Error;

use super::orientation::Orientation;
use crate::limits::{MAX_TENSOR_DIMENSIONS, MAX_TENSOR_FILE_BYTES, MAX_TENSOR_NAME_BYTES};
use crate::support::tensor_header::HeaderError;

/// Why a file's tensors cannot be read.
#[derive(Debug, Error)]
pub enum TensorFileError {
    /// The file cannot be read.
    #[error("cannot read the file")]
    Read(#[source] std::io::Error),
    /// The header's length is out of range.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The file is too large.
    #[error("more than {MAX_TENSOR_FILE_BYTES} bytes; save the weights alone, without the optimizer")]
    Large,
    /// The file is not a valid safetensors file.
    #[error("not a safetensors file, or a damaged one; docs/import.md explains how to save one")]
    Content(#[from] SafeTensorError),
    /// A tensor's name or shape is too long.
    #[error(
        "a tensor has a name of {name_bytes} bytes and {dimensions} dimensions; expected at most \
         {MAX_TENSOR_NAME_BYTES} and {MAX_TENSOR_DIMENSIONS}"
    )]
    Tensor {
        /// Length of the name in bytes.
        name_bytes: usize,
        /// Length of the shape.
        dimensions: usize,
    },
    /// The file has no tensors.
    #[error("no tensors; save the weights after the network is built or trained")]
    Empty,
}

/// Why tensors cannot be imported as a network. Messages escape the tensors' names.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The layers cannot be identified.
    #[error("{reason}{listing}")]
    Layers {
        /// The reason.
        reason: LayersError,
        /// The list of tensors, and how to choose among them.
        listing: String,
    },
    /// A bias does not fit its weights.
    #[error(
        "bias {} has shape {bias_shape:?}, but weights {} have {outputs} outputs; name the pair with --layer \
         WEIGHT,BIAS",
        .bias.escape_debug(),
        .weight.escape_debug()
    )]
    Bias {
        /// The biases.
        bias: String,
        /// Their shape.
        bias_shape: Vec<usize>,
        /// The weights.
        weight: String,
        /// Their outputs.
        outputs: usize,
    },
    /// A tensor's data type is not supported.
    #[error("tensor {} has type {data_type}; expected F32, F64, F16 or BF16", .name.escape_debug())]
    DataType {
        /// The tensor.
        name: String,
        /// Its type.
        data_type: Dtype,
    },
    /// A number is not finite, or out of the range of `f32`.
    #[error(
        "tensor {} has {value} at position {position}; expected a finite number (did training diverge?)",
        .name.escape_debug()
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// From 0, in row-major order.
        position: usize,
        /// The number found.
        value: f32,
    },
}

/// Why the layers of a network cannot be identified.
#[derive(Debug, Error)]
pub enum LayersError {
    /// No tensor has a name of weights.
    #[error("no matrix has a name like NAME.weight (PyTorch) or NAME/kernel (Keras)")]
    Unnamed,
    /// No sequence of layers fits.
    #[error("no sequence of these layers maps {pixels} pixels to {classes} classes; is this the right data set?")]
    NoChain {
        /// Pixels of an image.
        pixels: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// Several sequences of layers fit.
    #[error("several sequences of these layers map {pixels} pixels to {classes} classes")]
    Several {
        /// Pixels of an image.
        pixels: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// The orientation of a square matrix is unknown.
    #[error(
        "weights {} are square; names and shapes do not show whether inputs or outputs come first",
        .0.escape_debug()
    )]
    Square(String),
    /// A named tensor does not exist.
    #[error("tensor {} does not exist", .0.escape_debug())]
    Unknown(String),
    /// A tensor named as weights is not a matrix.
    #[error("tensor {} is not a matrix, as a dense layer's weights are", .0.escape_debug())]
    NoMatrix(String),
    /// A tensor is named twice.
    #[error("layer {} is named twice", .0.escape_debug())]
    Twice(String),
    /// Named weights do not accept the outputs of the layer before.
    #[error(
        "weights {}{} do not accept {inputs} inputs (the outputs of the layer before, or the pixels)",
        .name.escape_debug(),
        as_asked(*.orientation)
    )]
    NoFit {
        /// The weights.
        name: String,
        /// Outputs of the layer before, or pixels.
        inputs: usize,
        /// The orientation that the user named.
        orientation: Option<Orientation>,
    },
    /// The last named layer does not have one output for each class.
    #[error("the last layer has {outputs} outputs, but the data set has {classes} classes")]
    Last {
        /// Its outputs.
        outputs: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// More layers, or wider ones, than a model can have.
    #[error(
        "the network is larger than a model can be: expected at most {MAX_LAYERS} layers of at most {MAX_WIDTH} \
         inputs and outputs"
    )]
    Size,
}

fn as_asked(orientation: Option<Orientation>) -> String {
    orientation.map(|orientation| format!(", read as {},", orientation.name())).unwrap_or_default()
}
