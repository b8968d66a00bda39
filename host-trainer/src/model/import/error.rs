use safetensors::{Dtype, SafeTensorError};
use shared_model::{MAX_LAYERS, MAX_WIDTH};
use thiserror::Error;

use super::orientation::Orientation;
use crate::limits::{MAX_TENSOR_DIMENSIONS, MAX_TENSOR_FILE_BYTES, MAX_TENSOR_NAME_BYTES};
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
    #[error("not a safetensors file, or a damaged one; docs/import.md explains how to save one")]
    Content(#[from] SafeTensorError),
    #[error(
        "a tensor has a name of {name_bytes} bytes and {dimensions} dimensions; expected at most \
         {MAX_TENSOR_NAME_BYTES} and {MAX_TENSOR_DIMENSIONS}"
    )]
    Tensor { name_bytes: usize, dimensions: usize },
    #[error("no tensors; save the weights after the network is built or trained")]
    Empty,
}

/// Why tensors cannot be imported as a network. Messages escape the tensors' names.
#[derive(Debug, Error)]
pub enum ImportError {
    #[error("{reason}{listing}")]
    Layers { reason: LayersError, listing: String },
    #[error(
        "bias {} has shape {bias_shape:?}, but weights {} have {outputs} outputs; name the pair with --layer \
         WEIGHT,BIAS",
        .bias.escape_debug(),
        .weight.escape_debug()
    )]
    Bias { bias: String, bias_shape: Vec<usize>, weight: String, outputs: usize },
    #[error("tensor {} has type {data_type}; expected F32, F64, F16 or BF16", .name.escape_debug())]
    DataType { name: String, data_type: Dtype },
    #[error(
        "tensor {} has {value} at position {position}; expected a finite number (did training diverge?)",
        .name.escape_debug()
    )]
    NotFinite {
        name: String,
        /// From 0, in row-major order.
        position: usize,
        value: f32,
    },
}

/// Why the layers of a network cannot be identified.
#[derive(Debug, Error)]
pub enum LayersError {
    #[error("no matrix has a name like NAME.weight (PyTorch) or NAME/kernel (Keras)")]
    Unnamed,
    #[error("no sequence of these layers maps {pixels} pixels to {classes} classes; is this the right data set?")]
    NoChain { pixels: usize, classes: usize },
    #[error("several sequences of these layers map {pixels} pixels to {classes} classes")]
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

fn as_asked(orientation: Option<Orientation>) -> String {
    orientation.map(|orientation| format!(", read as {},", orientation.name())).unwrap_or_default()
}
