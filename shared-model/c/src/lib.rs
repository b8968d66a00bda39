//! The C interface of prenda: `include/prenda.h`, which cbindgen writes from this crate.
//!
//! Each function checks its arguments, calls `prenda`, and returns a status.

#![no_std]
#![deny(clippy::float_arithmetic)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
#![allow(non_camel_case_types, reason = "the names are those of C")]

mod interface;
mod memory;
mod model;
#[cfg(target_os = "none")]
mod panic;
mod status;

pub use interface::{
    prenda_class_count, prenda_class_name, prenda_golden_pixels, prenda_infer, prenda_open, prenda_pixel_count,
    prenda_prediction, prenda_quantize_input, prenda_self_test, prenda_status_text, prenda_workspace_bytes,
};
pub use model::{PRENDA_MODEL_WORDS, prenda_model};
pub use status::prenda_status;
