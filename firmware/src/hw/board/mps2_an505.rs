//! Arm MPS2 with FPGA image AN505 (Arm DAI 0505): a Cortex-M33.

use super::Board;
use super::mps2::{self, Map};
use crate::Identity;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::memory::memory_use;
use crate::hw::mps2_led::Mps2Led;

/// Who this board says it is.
pub const IDENTITY: Identity = Identity { board: "mps2-an505", core: "cortex-m33", memory_use };

/// By the Secure addresses: the core starts in Secure state, and stays there.
const MAP: Map = Map { uart: 0x5020_0000, uart_receive: 33, led: 0x5030_2000, clock_hz: 20_000_000 };

/// Starts the peripherals; nothing at the second call.
#[must_use]
pub fn take() -> Option<Board<CmsdkUart, Mps2Led>> {
    let core = cortex_m::Peripherals::take()?;
    // SAFETY: the board's memory map, and `core` is given out once.
    unsafe { mps2::start(core, &MAP) }
}
