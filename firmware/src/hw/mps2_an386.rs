//! The AN386's peripherals (Arm DAI 0386): which are used, and where they lie.

use core::ptr::NonNull;

use super::cmsdk_uart::{CmsdkUart, Line};
use super::mps2_led::Mps2Led;
use super::stack_guard;

/// Start of RAM, and of the stack in it.
const RAM: u32 = 0x2000_0000;

/// UART 0, and the number of its receive interrupt.
const UART_0: usize = 0x4000_4000;
const UART_0_RECEIVE: Line = Line(0);

/// The LED register of the FPGA's I/O block.
const LED_0: usize = 0x4002_8000;

/// 25 MHz / 217 = 115,200 baud.
const UART_DIVIDER: u32 = 217;

/// What the board gives a program.
#[derive(Debug)]
pub struct Peripherals {
    /// The link.
    pub uart: CmsdkUart,
    /// The status LED.
    pub led: Mps2Led,
}

impl Peripherals {
    /// Starts the peripherals; nothing at the second call.
    #[must_use]
    pub fn take() -> Option<Self> {
        // Core peripherals are given out once, and so are these.
        let mut core = cortex_m::Peripherals::take()?;
        // QEMU has a device below RAM that swallows whatever is written.
        stack_guard::forbid_below(&mut core.MPU, RAM, 24);
        // For good: see `CmsdkUart::new`.
        cortex_m::interrupt::disable();
        let uart = NonNull::new(UART_0 as *mut u32)?;
        let led = NonNull::new(LED_0 as *mut u32)?;
        // SAFETY: the board has these peripherals at these addresses, `core` is here only once, and interrupts are masked.
        Some(unsafe { Self { uart: CmsdkUart::new(uart, UART_0_RECEIVE, UART_DIVIDER), led: Mps2Led::new(led) } })
    }
}
