//! Imports networks trained by other programs: a file of named tensors becomes dense layers.
//!
//! ```text
//!  safetensors --tensors--> names, shapes --resolve--> weights --layers--> dense layers
//!                                                         |                    |
//!                                             refused <--leftover     batch_norm --> parameters
//! ```
//!
//! A file of which a part would be dropped is refused, unless the user ignores that part.

mod batch_norm;
mod chain;
mod error;
mod format;
mod layer;
mod layers;
mod leftover;
mod name;
mod network;
mod orientation;
mod resolve;
mod suggest;
mod tensors;

pub use layer::{Layer, LayerChoice};
pub use network::{Folding, FoundNetwork, Prepared};
pub use orientation::Orientation;
pub use tensors::TensorFile;
