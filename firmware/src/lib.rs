//! The boards of prenda's own firmware, which serves a model over the board's UART and RTT.
//!
//! `prenda-serve` is the server. Boards are folders of `boards/`, programs are in `src/bin/`, and
//! access to registers and memory is in `hw/`. What is outside of `hw/` also compiles for the host.

#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

#[cfg(target_os = "none")]
#[allow(unsafe_code, reason = "the only module that accesses registers and memory")]
pub mod hw;
mod no_led;
mod status;

pub use no_led::NoLed;
pub use status::StatusLed;

#[cfg(all(feature = "board", not(target_os = "none"), not(doc)))]
compile_error!("board features are for bare metal: build firmware with `cargo xtask firmware BOARD`");
