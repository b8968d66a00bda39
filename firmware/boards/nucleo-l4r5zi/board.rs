//! ST's Nucleo-L4R5ZI (MB1312): an STM32L4R5ZI.

use cortex_m::singleton;
use cortex_m_rt::exception;
use embassy_stm32::gpio::{Level, Output, Speed};
use embassy_stm32::peripherals::LPUART1;
use embassy_stm32::rcc::{Pll, PllMul, PllPreDiv, PllRDiv, PllSource, Sysclk};
use embassy_stm32::usart::{self, BufferedInterruptHandler, BufferedUart};
use embassy_stm32::{Config, bind_interrupts};
use embedded_io::ReadReady;
use prenda_serve::Identity;

use crate::hw::arm::{cycles, tick};
use crate::hw::board::Board;
use crate::hw::memory::memory_use;

/// Frames up to 2 KB, 8,448 bytes for layers, 32 classes.
pub type Buffers = prenda_serve::Buffers<2048>;
pub type Workspace = prenda::Workspace<8448, 32>;

pub const IDENTITY: Identity = Identity {
    board: "nucleo-l4r5zi",
    core: "cortex-m4",
    memory_use,
    counter: Some(cycles::counter(CLOCK_HZ, true)),
};

/// Maximum without the core's boost mode: 16 MHz * 10 / 2.
const CLOCK_HZ: u32 = 80_000_000;

bind_interrupts!(struct Interrupts {
    LPUART1 => BufferedInterruptHandler<LPUART1>;
});

/// Starts the peripherals. Returns `None` at the second call.
///
/// The UART leads to the ST-Link, a serial port on the host. The LED is LD1, the green one.
pub fn take() -> Option<Board<BufferedUart<'static>, Output<'static>>> {
    let mut core = cortex_m::Peripherals::take()?;
    cycles::start(&mut core.DCB, &mut core.DWT);
    // Long enough for a request, which the interrupt stores here.
    let received = singleton!(: [u8; 2048] = [0; 2048])?;
    let to_send = singleton!(: [u8; 512] = [0; 512])?;

    let mut config = Config::default();
    // Powers port G, which has the UART's pins. It is the default, but required.
    config.enable_independent_io_supply = true;
    config.rcc.hsi = true;
    config.rcc.pll = Some(Pll {
        source: PllSource::HSI,
        prediv: PllPreDiv::DIV1,
        mul: PllMul::MUL10,
        divp: None,
        divq: None,
        divr: Some(PllRDiv::DIV2),
    });
    config.rcc.sys = Sysclk::PLL1_R;
    let board = embassy_stm32::init(config);

    let mut line = usart::Config::default();
    line.baudrate = 115_200;
    let uart = BufferedUart::new(board.LPUART1, board.PG8, board.PG7, to_send, received, Interrupts, line).ok()?;
    let led = Output::new(board.PC7, Level::Low, Speed::Low);
    tick::start(&mut core.SYST, CLOCK_HZ);
    Some(Board { uart, led, sleep })
}

/// Sleeps until the next interrupt, unless bytes are ready. An interrupt between check and sleep is
/// pending and ends the sleep; its handler runs afterwards.
fn sleep(uart: &mut BufferedUart<'static>) {
    cortex_m::interrupt::free(|_| {
        if !matches!(uart.read_ready(), Ok(true)) {
            tick::sleep();
        }
    });
}

/// Ignores ticks outside of sleep: interrupts are enabled for the UART's driver.
#[exception]
fn SysTick() {}
