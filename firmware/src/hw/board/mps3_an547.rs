//! Arm MPS3 with FPGA image AN547 (Arm DAI 0547): a Cortex-M55.

use super::Board;
use super::mps2::{self, Map};
use crate::Identity;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::memory::memory_use;
use crate::hw::mps2_led::Mps2Led;

/// Who this board says it is.
pub const IDENTITY: Identity = Identity { board: "mps3-an547", core: "cortex-m55", memory_use };

/// By the Secure addresses: the core starts in Secure state, and stays there.
const MAP: Map = Map { uart: 0x5930_3000, uart_receive: 34, led: 0x5930_2000, clock_hz: 25_000_000 };

/// Starts the peripherals; nothing at the second call.
#[must_use]
pub fn take() -> Option<Board<CmsdkUart, Mps2Led>> {
    let core = cortex_m::Peripherals::take()?;
    // SAFETY: the board's memory map, and `core` is given out once.
    unsafe { mps2::start(core, &MAP) }
}
