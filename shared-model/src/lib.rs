//! Neural networks in fixed point, for microcontrollers.

#![no_std]
#![forbid(unsafe_code)]

#[doc(inline)]
pub use prenda_core::*;
#[cfg(feature = "macros")]
pub use prenda_macros::include_model;

/// The example of the project's README, compiled and run as a doctest.
#[cfg(all(doctest, feature = "blob"))]
#[doc = include_str!("../../README.md")]
struct Readme;
