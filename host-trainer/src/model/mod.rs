//! Exports, imports, combines, reorders and evaluates models.

mod c_source;
pub mod cascade;
mod cost;
pub mod crate_source;
pub mod estimates;
pub mod evaluate;
mod evaluation;
pub mod export;
pub mod import;
mod owned;
mod pairing;
mod pixel_bytes;
pub mod reorder;
pub mod softmax;

pub use c_source::CSource;
pub use cost::{Cost, multiplications};
pub use estimates::{Estimates, mean_operations};
pub use evaluation::{ClassResult, Evaluation, Mistake, NetworkResult, Sample};
pub use pairing::Paired;
pub use pixel_bytes::PixelBytes;

#[cfg(test)]
pub use evaluation::tests;
