//! What touches registers and memory directly. All `unsafe` of the firmware is here.

pub mod cmsdk_uart;
pub mod fault;
pub mod memory;
#[cfg(feature = "mps2-an386")]
pub mod mps2_an386;
pub mod mps2_led;
pub mod stack_guard;
