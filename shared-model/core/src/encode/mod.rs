//! Encodes a quantized network as a model blob. Needs no heap: it writes to the caller's buffer.

#![allow(clippy::arithmetic_side_effects, reason = "all lengths are of slices in the host's memory")]

mod error;
mod layer;
mod source;
mod writer;

pub use error::EncodeError;
pub use layer::LayerSource;
pub use source::{GoldenSource, ModelSource, NetworkSource};
