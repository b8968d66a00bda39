//! Arm MPS2 with FPGA image AN385 (Arm DAI 0385): a Cortex-M3.

use super::Board;
use super::mps2::{self, Map};
use crate::Identity;
use crate::hw::arm::stack_guard;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::memory::memory_use;
use crate::hw::mps2_led::Mps2Led;

/// Who this board says it is.
pub const IDENTITY: Identity = Identity { board: "mps2-an385", core: "cortex-m3", memory_use };

const MAP: Map = Map { uart: 0x4000_4000, uart_receive: 0, led: 0x4002_8000, clock_hz: 25_000_000 };

/// Start of RAM, and of the stack in it.
const RAM: u32 = 0x2000_0000;

/// Starts the peripherals; nothing at the second call.
#[must_use]
pub fn take() -> Option<Board<CmsdkUart, Mps2Led>> {
    let mut core = cortex_m::Peripherals::take()?;
    // QEMU has a device below RAM that swallows whatever is written.
    stack_guard::forbid_below(&mut core.MPU, RAM, 24);
    // SAFETY: the board's memory map, and `core` is given out once.
    unsafe { mps2::start(core, &MAP) }
}
