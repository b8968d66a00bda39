//! Raspberry Pi Pico 2: core 0 of an RP2350, as a Cortex-M33 in Secure state.

use cortex_m::peripheral::NVIC;
use embedded_io::ReadReady;
use prenda_serve::Identity;
use rp235x_hal::block::ImageDef;
use rp235x_hal::clocks::init_clocks_and_plls;
use rp235x_hal::fugit::RateExtU32;
use rp235x_hal::gpio::bank0::{Gpio0, Gpio1, Gpio25};
use rp235x_hal::gpio::{FunctionSioOutput, FunctionUart, Pin, Pins, PullDown, PullNone, PullUp};
use rp235x_hal::pac::{Interrupt, Peripherals, UART0};
use rp235x_hal::uart::{DataBits, Enabled, StopBits, UartConfig, UartPeripheral};
use rp235x_hal::{Clock, Sio, Watchdog};

use crate::hw::arm::{cycles, tick};
use crate::hw::board::Board;
use crate::hw::memory::memory_use;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity =
    Identity { board: "pico2", core: "cortex-m33", memory_use, counter: Some(cycles::counter(CLOCK_HZ, false)) };

const CRYSTAL_HZ: u32 = 12_000_000;

/// The core's clock as set by `init_clocks_and_plls`.
const CLOCK_HZ: u32 = 150_000_000;

/// Marks a program for the boot ROM, with its architecture.
// SAFETY: `memory.x` puts the section where the ROM expects it, and nothing else is in it.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE: ImageDef = ImageDef::secure_exe();

/// UART 0 on GP0 (to the host) and GP1 (from it).
type Uart = UartPeripheral<Enabled, UART0, (Pin<Gpio0, FunctionUart, PullNone>, Pin<Gpio1, FunctionUart, PullUp>)>;

/// Starts the peripherals. Returns `None` at the second call.
pub fn take() -> Option<Board<Uart, Pin<Gpio25, FunctionSioOutput, PullDown>>> {
    let mut core = cortex_m::Peripherals::take()?;
    let mut chip = Peripherals::take()?;
    cycles::start(&mut core.DCB, &mut core.DWT);
    // Permanently: interrupts only end sleep.
    cortex_m::interrupt::disable();

    let mut watchdog = Watchdog::new(chip.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL_HZ,
        chip.XOSC,
        chip.CLOCKS,
        chip.PLL_SYS,
        chip.PLL_USB,
        &mut chip.RESETS,
        &mut watchdog,
    )
    .ok()?;
    let bank = Sio::new(chip.SIO).gpio_bank0;
    let pins = Pins::new(chip.IO_BANK0, chip.PADS_BANK0, bank, &mut chip.RESETS);
    let led = pins.gpio25.into_push_pull_output();
    // Pulled up, so that a line that is not connected is idle.
    let uart_pins = (pins.gpio0.reconfigure(), pins.gpio1.reconfigure());
    let line = UartConfig::new(115_200.Hz(), DataBits::Eight, None, StopBits::One);
    let uart = UartPeripheral::new(chip.UART0, uart_pins, &mut chip.RESETS);
    let mut uart = uart.enable(line, clocks.peripheral_clock.freq()).ok()?;

    // Interrupts when half of the 32 bytes are full, or after a pause of 32 bits.
    uart.enable_rx_interrupt();
    // SAFETY: interrupts are masked, so this cannot break a critical section.
    unsafe { NVIC::unmask(Interrupt::UART0_IRQ) };
    tick::start(&mut core.SYST, clocks.system_clock.freq().to_Hz());
    Some(Board { uart, led, sleep })
}

/// Sleeps until bytes arrive, for at most a millisecond. Bytes between check and sleep end it, or
/// wait in the UART's buffer for the next tick.
fn sleep(uart: &mut Uart) {
    NVIC::unpend(Interrupt::UART0_IRQ);
    if !matches!(uart.read_ready(), Ok(true)) {
        tick::sleep();
    }
}
