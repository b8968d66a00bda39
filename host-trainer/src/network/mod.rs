//! The float network: its layers, the form of its pixels, the backends that run it, and what is
//! measured on it.

pub mod backend;
pub mod calibrate;
mod dense;
pub mod optimizer;
mod pixels;

pub use dense::{DenseParameters, INPUT_SCALE, Network, join_widths};
pub use pixels::{PixelForm, Pixels, input_tensor};
