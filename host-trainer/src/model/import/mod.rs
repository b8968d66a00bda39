//! Imports networks trained by other programs.
//!
//! ```text
//!  safetensors --tensors--> names, shapes --resolve--> weights --layers, described--> layers
//!                              ^                          |                              |
//!  PyTorch, weights of Keras --+              refused <--leftover        parameters <--batch_norm
//!
//!  ONNX, TensorFlow Lite, Keras --package `networks`--> layers, parameters
//!                     |
//!                     +--tflite--> integers of the file
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
mod format;
mod layer;
mod layers;
mod leftover;
mod name;
mod network;
mod orientation;
mod resolve;
mod sketch;
mod suggest;
mod tensors;
#[cfg(test)]
mod tests;
mod tflite;

pub use described::Described;
pub use file::{GraphContent, GraphFile, NetworkFile};
pub use layer::{Layer, LayerChoice};
pub use network::{Expected, Folding, FoundNetwork, Prepared};
pub use orientation::Orientation;
pub use tflite::{Integers, SourceComparison};
