//! Imports networks trained by other programs: a file of named tensors becomes layers.
//!
//! ```text
//!  safetensors --tensors--> names, shapes --resolve--> weights --layers, described--> layers
//!                                                         |                              |
//!                                             refused <--leftover        parameters <--batch_norm
//! ```
//!
//! Shapes of dense layers show their order; a network with convolutions is described by the user.
//!
//! A file of which a part would be dropped is refused, unless the user ignores that part.

mod batch_norm;
mod chain;
mod described;
mod error;
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

pub use described::Described;
pub use layer::{Layer, LayerChoice};
pub use network::{Expected, Folding, FoundNetwork, Prepared};
pub use orientation::Orientation;
pub use tensors::TensorFile;
