//! What touches registers and memory directly. All `unsafe` of the firmware is here.

pub mod board;
#[cfg(feature = "mps2")]
mod cmsdk_uart;
mod end;
mod fault;
mod memory;
#[cfg(feature = "mps2")]
mod mps2_led;
pub mod program;
mod rtt;
#[cfg(all(feature = "mps2", armv7m))]
mod stack_guard;
#[cfg(feature = "mps2")]
mod tick;
