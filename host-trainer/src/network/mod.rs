//! The float network: layers, pixel forms, backends, optimizer and calibration.

pub mod backend;
pub mod calibrate;
mod dense;
pub mod optimizer;
mod pixels;

pub use dense::{DenseParameters, INPUT_SCALE, Network, join_widths};
pub use pixels::{PixelForm, Pixels, input_tensor};
