//! Layers of networks in words and in numbers, and readers of the files of other programs.
//!
//! ```text
//!  ONNX, TensorFlow Lite, Keras --onnx, tflite, keras--> operators --graph--> layers, parameters
//!  PyTorch, weights of Keras ------pytorch, keras------> named arrays
//! ```
//!
//! Nothing here trains or computes, so that fuzzing compiles without burn. Every reader takes any
//! bytes, and returns an error that names what is wrong and its place. Each has a bound of memory.

#![forbid(unsafe_code)]

mod architecture;
mod array;
mod geometry;
mod graph;
pub mod keras;
pub mod limits;
pub mod onnx;
mod parameters;
pub mod pytorch;
pub mod tflite;

pub use architecture::{Architecture, ArchitectureError};
pub use array::Array;
pub use geometry::{LayerPlan, Stretch, Walk};
pub use graph::{GraphError, GraphNetwork, Layout, MatrixName};
pub use parameters::{DenseParameters, INPUT_SCALE, join_widths};
use prenda::Shape;

/// The images and the classes of fuzzed networks.
const FUZZED: (Shape, usize) = (Shape::grey(12, 11), 3);

/// Panics if parts of `network` are missing or too large, for fuzzing.
fn check(network: &GraphNetwork) {
    let mut total = 0;
    for DenseParameters { inputs, outputs, weights, biases } in &network.parameters {
        assert_eq!((weights.len(), biases.len()), (inputs * outputs, *outputs));
        total += weights.len();
    }
    assert!(total <= limits::MAX_WEIGHT_BYTES && network.names.len() == network.parameters.len());
}
