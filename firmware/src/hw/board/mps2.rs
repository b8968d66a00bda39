//! What Arm's MPS2 and MPS3 boards have in common: a CMSDK UART, LEDs of the FPGA's I/O block, SysTick.

#[cfg(armv7m)]
use core::num::NonZero;
use core::ptr::NonNull;

use super::Board;
#[cfg(armv7m)]
use crate::Counter;
#[cfg(armv7m)]
use crate::hw::arm::counting::spin;
#[cfg(armv7m)]
use crate::hw::arm::stack_guard;
use crate::hw::arm::tick;
#[cfg(armv7m)]
use crate::hw::cmsdk_timer;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::mps2_led::Mps2Led;

/// Where a board has what.
pub struct Map {
    /// Registers of the UART.
    pub uart: usize,
    /// Number of its receive interrupt.
    pub uart_receive: u16,
    /// The LED register of the FPGA's I/O block.
    pub led: usize,
    /// Clock of the core and of the UART, in hertz.
    pub clock_hz: u32,
}

/// Bits a second on the UART.
const BAUD: u32 = 115_200;

/// Starts the peripherals.
///
/// # Safety
///
/// The board has these peripherals at these addresses, and nothing else uses them; `core` is the only one there is.
pub unsafe fn start(mut core: cortex_m::Peripherals, map: &Map) -> Option<Board<CmsdkUart, Mps2Led>> {
    // For good: see `CmsdkUart::new`.
    cortex_m::interrupt::disable();
    tick::start(&mut core.SYST, map.clock_hz);
    let uart = NonNull::new(map.uart as *mut u32)?;
    let led = NonNull::new(map.led as *mut u32)?;
    // SAFETY: as promised by the caller, and interrupts are masked.
    let (uart, led) = unsafe { (CmsdkUart::new(uart, map.uart_receive, map.clock_hz / BAUD), Mps2Led::new(led)) };
    Some(Board { uart, led, sleep: CmsdkUart::sleep })
}

/// Clock of the FPGA images for ARMv7-M, in hertz.
#[cfg(armv7m)]
const CLOCK_HZ: u32 = 25_000_000;

/// The first timer of these images.
#[cfg(armv7m)]
const TIMER: NonNull<u32> = NonNull::without_provenance(NonZero::new(0x4000_0000).unwrap());

/// What these images count with.
#[cfg(armv7m)]
pub const COUNTER: Counter = Counter { ticks, hertz: CLOCK_HZ, let_interrupt: |_| (), spin };

#[cfg(armv7m)]
fn ticks() -> u32 {
    // SAFETY: the boards' memory map.
    unsafe { cmsdk_timer::ticks(TIMER) }
}

/// Starts the peripherals of the FPGA images for ARMv7-M, which lie at the same addresses in all; nothing at the second call.
#[cfg(armv7m)]
#[must_use]
pub fn take() -> Option<Board<CmsdkUart, Mps2Led>> {
    const MAP: Map = Map { uart: 0x4000_4000, uart_receive: 0, led: 0x4002_8000, clock_hz: CLOCK_HZ };
    /// Start of RAM, and of the stack in it.
    const RAM: u32 = 0x2000_0000;

    let mut core = cortex_m::Peripherals::take()?;
    // QEMU has a device below RAM that swallows whatever is written.
    stack_guard::forbid_below(&mut core.MPU, RAM, 24);
    // SAFETY: the boards' memory map, and `core` is given out once.
    unsafe {
        cmsdk_timer::start(TIMER);
        start(core, &MAP)
    }
}
