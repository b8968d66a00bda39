//! The float network: layers, pixel forms, backends, optimizer and calibration.

mod architecture;
pub mod backend;
pub mod calibrate;
mod float;
mod geometry;
mod operations;
pub mod optimizer;
mod parameters;
mod pixels;
mod running;

pub use architecture::{Architecture, ArchitectureError};
pub use float::{Layer, Network, weighted};
pub use geometry::{LayerPlan, Walk};
pub use operations::{largest, means, sums};
pub use parameters::{DenseParameters, INPUT_SCALE, join_widths};
pub use pixels::{PixelForm, Pixels, input_tensor};
pub use running::Running;

#[cfg(test)]
mod tests;
