//! What touches registers and memory directly. All `unsafe` of the firmware is here.

#[cfg(feature = "nrf52840-dk")]
mod active_low;
pub mod board;
#[cfg(feature = "mps2")]
mod cmsdk_uart;
mod end;
mod fault;
mod memory;
#[cfg(feature = "mps2")]
mod mps2_led;
#[cfg(feature = "microbit")]
mod nrf51_uart;
#[cfg(feature = "nrf52840-dk")]
mod nrf52_uart;
pub mod program;
mod rtt;
#[cfg(all(feature = "mps2", armv7m))]
mod stack_guard;
#[cfg(any(feature = "mps2", feature = "nucleo-l4r5zi", feature = "pico2"))]
mod tick;
