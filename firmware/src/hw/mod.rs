//! Access to registers and memory: all `unsafe` code of the firmware.

#[cfg(feature = "active-low")]
mod active_low;
#[cfg(target_arch = "arm")]
mod arm;
mod board;
#[cfg(feature = "cmsdk-timer")]
mod cmsdk_timer;
#[cfg(feature = "mps2")]
mod cmsdk_uart;
mod end;
mod fault;
mod logs;
mod memory;
#[cfg(feature = "mps2")]
mod mps2;
#[cfg(feature = "mps2")]
mod mps2_led;
#[cfg(feature = "microbit")]
mod nrf51_timer;
#[cfg(feature = "microbit")]
mod nrf51_uart;
#[cfg(feature = "nrf52840-dk")]
mod nrf52_uart;
pub mod program;
#[cfg(target_arch = "riscv32")]
mod riscv;
mod rtt;
#[cfg(feature = "mps3-an547")]
mod sse_counter;
#[cfg(feature = "riscv32-virt")]
mod virt_uart;

#[cfg(target_arch = "arm")]
use self::arm as architecture;
#[cfg(target_arch = "riscv32")]
use self::riscv as architecture;

pub use architecture::entry;
#[cfg(target_abi = "eabihf")]
pub use architecture::keeps_saved_registers;
pub use board::Buffers;

/// Calls `call`. Returns true, since the core does not have floating-point registers.
#[cfg(not(target_abi = "eabihf"))]
pub fn keeps_saved_registers(call: &mut dyn FnMut()) -> bool {
    call();
    true
}
