//! The network of a file that names its operators: a sequence of layers, without guesses.
//!
//! ```text
//!  ONNX, TensorFlow Lite, Keras --operators--> Builder --finish--> layers in words, parameters
//!                                                |
//!                             layout: which pixel and channel each value of a tensor is
//! ```
//!
//! A reader translates each operator to a call of [`Builder`], which follows the order of values,
//! folds scales into layers, and refuses what a model cannot compute.

mod advice;
mod affine;
mod builder;
mod error;
mod layer;
mod layout;
mod network;

pub use advice::instead_of;
pub use builder::Builder;
pub use error::GraphError;
pub use layer::{Convolution, Padding, Pool, Weights};
pub use layout::Layout;
pub use network::{GraphNetwork, MatrixName};
