#![expect(missing_docs, reason = "messages describe the variants")]

use thiserror::Error;

use crate::graph::GraphError;

/// Why a TensorFlow Lite file cannot be imported.
#[derive(Debug, Error)]
pub enum TfLiteError {
    #[error("not a TensorFlow Lite file, or a damaged one: a table is missing or ends after the end of the file")]
    Damaged,
    #[error("more than {0} operators or tensors")]
    Entries(usize),
    #[error("{inputs} inputs and {outputs} outputs, expected one of each: the images and the logits")]
    Ends { inputs: usize, outputs: usize },
    #[error("input: {0}")]
    Input(OperatorError),
    #[error("the output does not depend on the input, or is not that of the last operator")]
    Output,
    #[error("{place}: {reason}")]
    Operator { place: String, reason: OperatorError },
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Why an operator cannot be imported.
#[derive(Debug, Error)]
pub enum OperatorError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error("not supported; {0}")]
    Unsupported(&'static str),
    #[error(
        "reads a value that an earlier operator already used; a model is one sequence of layers, without branches or \
         skip connections"
    )]
    Branch,
    #[error("tensor {0}, expected the number of a tensor")]
    NoTensor(i32),
    #[error("a tensor of sizes {0:?}, which are too many or too large")]
    Sizes(Vec<usize>),
    #[error("a tensor of type {0}, expected numbers of 8 to 64 bits")]
    Kind(u8),
    #[error("a tensor with {found} numbers, expected {expected}")]
    Length { found: usize, expected: usize },
    #[error("integers with {found} scales, expected one, or one for each output")]
    Scales { found: usize },
    #[error("weights that depend on the image, expected constants")]
    NotConstant,
    #[error("{name} {found}, expected {expected}")]
    Option { name: &'static str, found: String, expected: &'static str },
}
