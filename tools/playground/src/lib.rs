//! The part of the playground's page that computes: a model with the device's own integers.
//!
//! ```text
//!  model.bin -----> open --------+
//!  RGBA of a photo, a drawing    v
//!       --> photos --> pixels --> infer --> class, logits, probabilities
//!  answers.bin ---> Comparison --^                    (prenda)
//!  frames of parity --> Device ----------> frames     (prenda-serve)
//! ```
//!
//! The page calls the functions of `exports` on WebAssembly's memory. Everything else also runs,
//! and is tested, on the host.

#![cfg_attr(target_family = "wasm", no_std)]
#![deny(unsafe_code)]

extern crate alloc;

mod comparison;
mod device;
mod error;
#[cfg(target_family = "wasm")]
mod exports;
mod session;

pub use device::Device;
pub use error::PlaygroundError;
pub use session::{Framing, MAX_PIXELS, Session, check_photo};
