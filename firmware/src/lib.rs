//! Serves a model over a byte stream.
//!
//! ```text
//!  flash region --load, self-test--> Model
//!                                        |
//!  bytes --> FrameBuffer --> Request --> Server --> Response --> bytes
//! ```
//!
//! The library is independent of hardware and also runs on the host, for tests. Boards are folders
//! of `boards/`, programs are in `src/bin/`, and access to registers and memory is in `hw/`.

#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]

mod first_of;
#[cfg(target_os = "none")]
#[allow(unsafe_code, reason = "the only module that accesses registers and memory")]
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
