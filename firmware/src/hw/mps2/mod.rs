//! Arm's MPS2 and MPS3 boards: a CMSDK UART, LEDs in the FPGA's I/O block, SysTick.

#[cfg(armv7m)]
pub mod armv7m;

use core::ptr::NonNull;

use crate::hw::arm::tick;
use crate::hw::board::Board;
use crate::hw::cmsdk_uart::CmsdkUart;
use crate::hw::mps2_led::Mps2Led;

/// Addresses and clock of a board.
pub struct Map {
    /// Address of the UART's registers.
    pub uart: usize,
    /// Number of the UART's receive interrupt.
    pub uart_receive: u16,
    /// Address of the LED register in the FPGA's I/O block.
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
/// The board must have these peripherals at these addresses, and nothing else may use them. `core`
/// must be the only one.
pub unsafe fn start(mut core: cortex_m::Peripherals, map: &Map) -> Option<Board<CmsdkUart, Mps2Led>> {
    // Permanently: see `CmsdkUart::new`.
    cortex_m::interrupt::disable();
    tick::start(&mut core.SYST, map.clock_hz);
    let uart = NonNull::new(map.uart as *mut u32)?;
    let led = NonNull::new(map.led as *mut u32)?;
    // SAFETY: the caller guarantees it, and interrupts are masked.
    let (uart, led) = unsafe { (CmsdkUart::new(uart, map.uart_receive, map.clock_hz / BAUD), Mps2Led::new(led)) };
    Some(Board { uart, led, sleep: CmsdkUart::sleep })
}
