#![expect(missing_docs, reason = "messages describe the variants")]

use thiserror::Error;

use crate::graph::GraphError;
use crate::limits::MAX_WEIGHT_BYTES;

/// Why a file of Keras cannot be imported. Messages escape the file's names.
#[derive(Debug, Error)]
pub enum KerasError {
    #[error("not a Keras file, or a damaged one: {0}")]
    Hdf5(#[from] hdf5_reader::error::Error),
    #[error("not a Keras file, or a damaged one: {0}")]
    Zip(#[from] zip::result::ZipError),
    #[error("not a Keras file, or a damaged one: no {name} in the archive: {error}")]
    NoMember { name: &'static str, error: zip::result::ZipError },
    #[error("not a Keras file, or a damaged one: cannot read {name}: {error}")]
    Member { name: &'static str, error: std::io::Error },
    #[error("not a Keras file, or a damaged one: {name} has more than {most} bytes")]
    LargeMember { name: &'static str, most: u64 },
    #[error("not a Keras file, or a damaged one: its configuration is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("more than {entries} groups and arrays, or {bytes} bytes of numbers")]
    Large { entries: usize, bytes: usize },
    #[error("array {} is larger than {MAX_WEIGHT_BYTES} numbers", .path.escape_debug())]
    Sizes { path: String },
    #[error("more than {0} groups in groups")]
    Depth(usize),
    #[error("no network: {0}, expected a Sequential or a Functional with layers")]
    NoNetwork(String),
    #[error("layer {name}, {class}: {reason}", name = .name.escape_debug(), class = .class.escape_debug())]
    Layer { name: String, class: String, reason: LayerError },
    #[error(transparent)]
    Graph(#[from] GraphError),
}

/// Why a layer cannot be imported.
#[derive(Debug, Error)]
pub enum LayerError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error("not supported; {0}")]
    Unsupported(&'static str),
    #[error(
        "reads {}, expected the layer before it; a model is one sequence of layers, without branches or skip \
         connections",
        .0.escape_debug()
    )]
    Branch(String),
    #[error("no sizes of its input; save the network after it was built or trained")]
    NoInput,
    #[error("no array {0} in the file; save the network with its weights")]
    NoArray(&'static str),
    #[error("array {name} of type {found}, expected floating-point numbers")]
    DataType { name: &'static str, found: String },
    #[error("array {name} of sizes {found:?}, expected {expected}")]
    Sizes { name: &'static str, found: Vec<usize>, expected: &'static str },
    #[error("{name} {found}, expected {expected}")]
    Option { name: &'static str, found: String, expected: &'static str },
}
