//! FPGA images AN385, AN386 and AN500 of Arm's MPS2 boards, which have the same memory map.

use core::num::NonZero;
use core::ptr::NonNull;

use prenda_serve::Counter;

use super::{Map, start};
use crate::hw::arm::counting::spin;
use crate::hw::arm::stack_guard;
use crate::hw::board::Board;
use crate::hw::cmsdk_timer;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::mps2_led::Mps2Led;

const CLOCK_HZ: u32 = 25_000_000;

/// The first timer.
const TIMER: NonNull<u32> = NonNull::without_provenance(NonZero::new(0x4000_0000).unwrap());

/// The boards' counter.
pub const COUNTER: Counter = Counter { ticks, hertz: CLOCK_HZ, let_interrupt: |_| (), spin };

fn ticks() -> u32 {
    // SAFETY: the boards' memory map.
    unsafe { cmsdk_timer::ticks(TIMER) }
}

/// Starts the peripherals. Returns `None` at the second call.
pub fn take() -> Option<Board<CmsdkUart, Mps2Led>> {
    const MAP: Map = Map { uart: 0x4000_4000, uart_receive: 0, led: 0x4002_8000, clock_hz: CLOCK_HZ };
    /// Start of RAM and of the stack.
    const RAM: u32 = 0x2000_0000;

    let mut core = cortex_m::Peripherals::take()?;
    // QEMU has a device below RAM that ignores writes.
    stack_guard::forbid_below(&mut core.MPU, RAM, 24);
    // SAFETY: the boards' memory map, and there is only one `core`.
    unsafe {
        cmsdk_timer::start(TIMER);
        start(core, &MAP)
    }
}
