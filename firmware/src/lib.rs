//! Serves a model over a byte stream.
//!
//! ```text
//!  flash region --load, self-test--> Model
//!                                        |
//!  bytes --> FrameBuffer --> Request --> Server --> Response --> bytes        status LED: ready, busy, fault
//! ```
//!
//! The library knows no hardware and also runs on the host, where the tests talk to it. A board is
//! a folder under `boards/` and a binary under `src/bin/` of the same name; what touches registers
//! or memory directly is in `hw/`.

#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod first_of;
#[cfg(target_os = "none")]
#[allow(unsafe_code, reason = "registers and memory are touched here, and nowhere else")]
pub mod hw;
mod measure;
mod model;
mod no_led;
mod serve;
mod status;

pub use first_of::FirstOf;
pub use measure::Counter;
pub use model::load_model;
pub use no_led::NoLed;
pub use serve::{Buffers, Identity, Server};
pub use status::StatusLed;

#[cfg(all(feature = "board", not(target_os = "none"), not(doc)))]
compile_error!("board features are for bare metal: build firmware with `cargo xtask firmware BOARD`");
