//! Nordic's nRF52840 DK (PCA10056).

use cortex_m::singleton;
use embassy_nrf::buffered_uarte::{self, BufferedUarte};
use embassy_nrf::gpio::{Level, Output, OutputDrive};
use embassy_nrf::interrupt::typelevel::{Handler, RTC0};
use embassy_nrf::peripherals::UARTE0;
use embassy_nrf::rtc::{self, Rtc};
use embassy_nrf::{bind_interrupts, config, pac, uarte};
use prenda_serve::Identity;

use crate::hw::active_low::ActiveLow;
use crate::hw::arm::cycles;
use crate::hw::board::Board;
use crate::hw::memory::memory_use;
use crate::hw::nrf52_uart::Nrf52Uart;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity = Identity {
    board: "nrf52840-dk",
    core: "cortex-m4",
    memory_use,
    counter: Some(cycles::counter(CLOCK_HZ, true)),
};

const CLOCK_HZ: u32 = 64_000_000;

/// Divides 32,768 Hz by one more than this: 1024 wake-ups per second.
const TICK_PRESCALER: u32 = 31;

bind_interrupts!(struct Interrupts {
    UARTE0 => buffered_uarte::InterruptHandler<UARTE0>;
    RTC0 => Tick;
});

/// Ends sleep. Not SysTick, which stops while the nRF52840 sleeps.
struct Tick;

impl Handler<RTC0> for Tick {
    /// # Safety
    ///
    /// Only the interrupt calls this.
    unsafe fn on_interrupt() {
        pac::RTC0.events_tick().write_value(0);
    }
}

/// Starts the peripherals. Returns `None` at the second call.
///
/// The UART leads to the J-Link, a serial port on the host. The LED is LED1.
pub fn take() -> Option<Board<Nrf52Uart, ActiveLow<Output<'static>>>> {
    // Long enough for a request. The driver's DMA fills it in two halves.
    let received = singleton!(: [u8; 2048] = [0; 2048])?;
    let to_send = singleton!(: [u8; 512] = [0; 512])?;

    let mut core = cortex_m::Peripherals::take()?;
    cycles::start(&mut core.DCB, &mut core.DWT);
    let mut clocks = config::Config::default();
    // The crystal: without it, the baud rate may be too inaccurate.
    clocks.hfclk_source = config::HfclkSource::ExternalXtal;
    let board = embassy_nrf::init(clocks);

    let mut line = uarte::Config::default();
    line.baudrate = uarte::Baudrate::Baud115200;
    let uart = BufferedUarte::new(
        board.UARTE0,
        board.TIMER0,
        board.PPI_CH0,
        board.PPI_CH1,
        board.PPI_GROUP0,
        board.P0_08,
        board.P0_06,
        Interrupts,
        line,
        received,
        to_send,
    );
    let led = ActiveLow(Output::new(board.P0_13, Level::High, OutputDrive::Standard));

    let mut tick = Rtc::new(board.RTC0, TICK_PRESCALER).ok()?;
    tick.enable_interrupt(rtc::Interrupt::Tick, true);
    tick.enable();
    Some(Board { uart: Nrf52Uart(uart), led, sleep: Nrf52Uart::sleep })
}
