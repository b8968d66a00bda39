#![expect(missing_docs, reason = "messages describe the variants")]

use thiserror::Error;

use super::wire::WireError;
use crate::graph::GraphError;

/// Why an ONNX file cannot be imported. Messages escape the file's names.
#[derive(Debug, Error)]
pub enum OnnxError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("not an ONNX file, or a damaged one: it has no graph")]
    NoGraph,
    #[error("more than {0} operators and constants")]
    Entries(usize),
    #[error("opset {0}, expected 11 or later; export the network again with opset_version=17")]
    Opset(i64),
    #[error("{found} inputs ({names}), expected one, the images")]
    Inputs { found: usize, names: String },
    #[error("input {}: sizes {sizes:?}, expected fixed ones after the first", .name.escape_debug())]
    InputSizes { name: String, sizes: Vec<Option<usize>> },
    #[error("input {}: {reason}", .name.escape_debug())]
    Input { name: String, reason: GraphError },
    #[error("{found} outputs ({names}), expected one, which depends on the input")]
    Outputs { found: usize, names: String },
    #[error("{place}: {reason}")]
    Node { place: String, reason: NodeError },
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Why an operator cannot be imported.
#[derive(Debug, Error)]
pub enum NodeError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Constant(#[from] ConstantError),
    #[error("not supported; {0}")]
    Unsupported(&'static str),
    #[error(
        "reads {}, which an earlier operator already used; a model is one sequence of layers, without branches or \
         skip connections",
        .0.escape_debug()
    )]
    Branch(String),
    #[error("reads {}, which no operator before it computes", .0.escape_debug())]
    Undefined(String),
    #[error("input {index} depends on the image, expected a constant")]
    NotConstant { index: usize },
    #[error("input {index} is missing")]
    Missing { index: usize },
    #[error("{name} {found}, expected {expected}")]
    Attribute { name: &'static str, found: String, expected: &'static str },
    #[error("constants of more than {0} numbers in all")]
    Constants(usize),
}

/// Why a constant tensor cannot be read.
#[derive(Debug, Error)]
pub enum ConstantError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("a tensor of sizes {0:?}, which are negative, too many or too large")]
    Sizes(Vec<i64>),
    #[error("a tensor with {found} numbers or bytes, expected {expected}")]
    Length { found: usize, expected: usize },
    #[error("a tensor of type {0}, expected numbers of 8 to 64 bits")]
    DataType(i64),
    #[error(
        "numbers in the file {}, expected a file in the folder of the network; save it with its weights in one file",
        .0.escape_debug()
    )]
    External(String),
    #[error("cannot read {}, which has its weights: {error}", .location.escape_debug())]
    Read { location: String, error: std::io::Error },
}
