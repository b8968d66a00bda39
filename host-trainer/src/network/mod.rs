//! The float network: layers, pixel forms, backends, optimizer and calibration.

pub mod backend;
pub mod calibrate;
mod float;
mod operations;
pub mod optimizer;
mod pixels;
mod running;

pub use float::{Layer, Network, weighted};
pub use networks::{Architecture, ArchitectureError, DenseParameters, INPUT_SCALE, LayerPlan, Walk, join_widths};
pub use operations::{largest, means, sums};
pub use pixels::{PixelForm, Pixels, input_tensor};
pub use running::Running;

#[cfg(test)]
mod tests;
