//! Imports networks trained by other programs: a file of named tensors becomes dense layers.
//!
//! ```text
//!  safetensors --tensors--> names, shapes --layers--> layers --PixelForm--> for pixels in 0..=1
//! ```

mod chain;
mod error;
mod layer;
mod layers;
mod name;
mod orientation;
mod tensors;

pub use layer::{Layer, LayerChoice};
pub use layers::{find, follow};
pub use orientation::Orientation;
pub use tensors::{Tensor, TensorFile};
