//! Imports networks trained by other programs.
//!
//! ```text
//!  safetensors --tensors--> names, shapes --resolve--> weights --layers, described--> layers
//!                                                         |                              |
//!                                             refused <--leftover        parameters <--batch_norm
//!
//!  PyTorch, weights of Keras --pytorch, keras--> names, shapes
//!
//!  ONNX, TensorFlow Lite, Keras --onnx, tflite, keras--> operators --graph--> layers, parameters
//! ```
//!
//! In a file of tensors, shapes of dense layers show their order; a network with convolutions is
//! described by the user. A file of which a part would be dropped is refused, unless the user
//! ignores that part. In a file of operators nothing is guessed.

mod batch_norm;
mod chain;
mod described;
mod error;
mod file;
#[cfg(test)]
mod fixtures;
mod format;
mod graph;
mod keras;
mod layer;
mod layers;
mod leftover;
mod name;
mod network;
mod onnx;
mod orientation;
mod pytorch;
mod resolve;
mod sketch;
mod suggest;
mod tensors;
mod tflite;

pub use described::Described;
pub use file::{GraphContent, GraphFile, NetworkFile};
pub use graph::{GraphNetwork, Layout, MatrixName};
pub use layer::{Layer, LayerChoice};
pub use network::{Expected, Folding, FoundNetwork, Prepared};
pub use orientation::Orientation;
pub use tflite::{Integers, SourceComparison};
