//! BBC micro:bit, first version: an nRF51822 with 16 KB of RAM.

use embedded_hal::digital::OutputPin;
use nrf51_hal::clocks::Clocks;
use nrf51_hal::gpio::Level;
use nrf51_hal::gpio::p0::Parts;
use nrf51_hal::pac::Peripherals;
use nrf51_hal::uart::Pins;
use prenda_serve::{Counter, Identity};

use crate::hw::arm::counting::spin;
use crate::hw::board::Board;
use crate::hw::memory::memory_use;
use crate::hw::nrf51_timer;
use crate::hw::nrf51_uart::{self, Uart};

/// Frames up to 1 KB, 6,152 bytes for layers, 16 classes.
pub type Buffers = prenda_serve::Buffers<1024>;
pub type Workspace = prenda::Workspace<6152, 16>;

pub const IDENTITY: Identity = Identity { board: "microbit", core: "cortex-m0", memory_use, counter: Some(COUNTER) };

/// The timer counts the clock of the core.
const COUNTER: Counter = Counter { ticks: nrf51_timer::ticks, hertz: 16_000_000, let_interrupt: |_| (), spin };

/// Starts the peripherals. Returns `None` at the second call.
///
/// The UART leads to the interface chip, a serial port on the host. The LED is the upper left one.
pub fn take() -> Option<Board<Uart, impl OutputPin, impl FnMut(&mut Uart)>> {
    let peripherals = Peripherals::take()?;
    // Permanently: see `nrf51_uart::start`.
    cortex_m::interrupt::disable();
    // The crystal: without it, the baud rate may be too inaccurate.
    Clocks::new(peripherals.CLOCK).enable_ext_hfosc();
    let pins = Parts::new(peripherals.GPIO);
    // Row 1 of the LED matrix, and the first of nine columns, which is low when lit.
    let led = pins.p0_13.into_push_pull_output(Level::Low);
    pins.p0_04.into_push_pull_output(Level::Low);
    let uart_pins = Pins {
        rxd: pins.p0_25.into_floating_input().degrade(),
        txd: pins.p0_24.into_push_pull_output(Level::High).degrade(),
        cts: None,
        rts: None,
    };
    nrf51_timer::start(&peripherals.TIMER0);
    // SAFETY: interrupts are masked, and nothing unmasks them.
    let (uart, sleep) = unsafe { nrf51_uart::start(peripherals.UART0, uart_pins, peripherals.TIMER1) };
    Some(Board { uart, led, sleep })
}
