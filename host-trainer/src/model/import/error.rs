//! Why a file of tensors cannot be imported.

use safetensors::{Dtype, SafeTensorError};
use shared_model::{MAX_LAYERS, MAX_WIDTH};
use thiserror::Error;

use super::orientation::Orientation;
use crate::limits::{MAX_TENSOR_DIMENSIONS, MAX_TENSOR_FILE_BYTES, MAX_TENSOR_NAME_BYTES};
use crate::support::tensor_header::HeaderError;

/// Why a file gives no tensors.
#[derive(Debug, Error)]
pub enum TensorFileError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] std::io::Error),
    /// Its header has a length that no such file has.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It is larger than weights are.
    #[error("it has more than {MAX_TENSOR_FILE_BYTES} bytes; save the weights alone, without the optimizer")]
    Large,
    /// It is not what it should be.
    #[error("not a safetensors file, or a damaged one; docs/import.md says how to save one")]
    Content(#[from] SafeTensorError),
    /// A tensor that no program saves.
    #[error(
        "one of its tensors has a name of {name_bytes} bytes and {dimensions} dimensions; at most {MAX_TENSOR_NAME_BYTES} and \
         {MAX_TENSOR_DIMENSIONS} are possible"
    )]
    Tensor {
        /// Bytes of its name.
        name_bytes: usize,
        /// Numbers of its shape.
        dimensions: usize,
    },
    /// There is nothing in it.
    #[error("it has no tensors; save the weights after the network is built or trained")]
    Empty,
}

/// Why tensors are no network. Names are escaped where they are shown.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The layers cannot be told.
    #[error("{reason}{listing}")]
    Layers {
        /// Why not.
        reason: LayersError,
        /// The tensors that there are, and how to choose.
        listing: String,
    },
    /// A bias does not fit its weights.
    #[error(
        "bias {} has shape {bias_shape:?}, but weights {} have {outputs} outputs: name those that belong together by --layer \
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
    /// Numbers of another kind.
    #[error("tensor {} is of type {data_type}; F32, F64, F16 and BF16 can be imported: save it as one of these", .name.escape_debug())]
    DataType {
        /// The tensor.
        name: String,
        /// Its type.
        data_type: Dtype,
    },
    /// A number that is none, or beyond the range of `f32`.
    #[error("tensor {} has {value} at position {position}: weights are finite numbers; did training diverge?", .name.escape_debug())]
    NotFinite {
        /// The tensor.
        name: String,
        /// From 0, the last dimension first.
        position: usize,
        /// What is there.
        value: f32,
    },
}

/// Why the layers of a network cannot be told.
#[derive(Debug, Error)]
pub enum LayersError {
    /// No tensor is named as weights are.
    #[error("no matrix is named as PyTorch (NAME.weight) or Keras (NAME/kernel) names the weights of a dense layer")]
    Unnamed,
    /// The shapes lead nowhere.
    #[error(
        "no row of these dense layers leads from {pixels} pixels to {classes} classes: is this the right data set?"
    )]
    NoChain {
        /// Pixels of an image.
        pixels: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// The shapes lead to the goal in several ways.
    #[error("several rows of dense layers lead from {pixels} pixels to {classes} classes")]
    Several {
        /// Pixels of an image.
        pixels: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// A square matrix, and nothing that says which way round it is.
    #[error("weights {} are square, and names and shapes do not say whether inputs or outputs come first", .0.escape_debug())]
    Square(String),
    /// A tensor that was named is not there.
    #[error("there is no tensor {}", .0.escape_debug())]
    Unknown(String),
    /// A tensor that was named as weights is no matrix.
    #[error("tensor {} is no matrix, as a dense layer's weights are", .0.escape_debug())]
    NoMatrix(String),
    /// A tensor that was named twice.
    #[error("layer {} is named twice", .0.escape_debug())]
    Twice(String),
    /// Weights that were named do not take what comes before them.
    #[error("weights {} do not take {inputs} inputs, which is what comes before them{}", .name.escape_debug(), as_asked(*.orientation))]
    NoFit {
        /// The weights.
        name: String,
        /// Outputs of the layer before, or pixels.
        inputs: usize,
        /// How they were said to lie.
        orientation: Option<Orientation>,
    },
    /// The last layer that was named is not the last one.
    #[error("the last layer has {outputs} outputs, but the data set has {classes} classes")]
    Last {
        /// Its outputs.
        outputs: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// More layers, or wider ones, than a model can have.
    #[error(
        "a model has at most {MAX_LAYERS} layers of at most {MAX_WIDTH} inputs and outputs; this network is larger"
    )]
    Size,
}

fn as_asked(orientation: Option<Orientation>) -> String {
    orientation.map(|orientation| format!(", read as {}", orientation.name())).unwrap_or_default()
}
