//! The nRF51's UART with nrf51-hal, and with interrupts that end sleep.

use cortex_m::peripheral::NVIC;
use embedded_io::ReadReady;
use nrf51_hal::pac::{Interrupt, TIMER1, UART0};
use nrf51_hal::uart::{self, Baudrate, Parity, Pins};

/// The driver.
pub type Uart = uart::Uart<UART0>;

/// Interval of wake-ups, in microseconds, which are ticks of the timer.
const TICK_US: u32 = 1000;
/// Divides 16 MHz by 2^4.
const PRESCALER: u32 = 4;

/// Starts the UART at 115,200 baud, and a timer to end sleep: the nRF51 does not have SysTick.
///
/// The function returned with it sleeps until a byte arrives, for at most a millisecond. A byte
/// between check and sleep is pending and ends the sleep.
///
/// # Safety
///
/// Interrupts must stay masked: these only end sleep.
pub unsafe fn start(uart: UART0, pins: Pins, tick: TIMER1) -> (Uart, impl FnMut(&mut Uart)) {
    let uart = Uart::new(uart, pins, Parity::EXCLUDED, Baudrate::BAUD115200);
    // SAFETY: the HAL owns the handle, and writes neither register while this function runs.
    let registers = unsafe { &*UART0::ptr() };
    registers.intenset.write(|w| w.rxdrdy().set());
    // The HAL waits until the previous byte is sent. The first, which it sends before enabling
    // the UART, is lost in QEMU, so this sends another. Zeros between frames are ignored.
    // SAFETY: any byte may be sent.
    registers.txd.write(|w| unsafe { w.txd().bits(0) });

    // Not with the HAL, which sets 32 bits: this timer has 16.
    tick.bitmode.write(|w| w.bitmode()._16bit());
    tick.shorts.write(|w| w.compare0_clear().enabled());
    tick.intenset.write(|w| w.compare0().set());
    // SAFETY: prescalers up to 9 and any time may be set, and 1 starts the timer.
    unsafe {
        tick.prescaler.write(|w| w.bits(PRESCALER));
        tick.cc[0].write(|w| w.bits(TICK_US));
        tick.tasks_start.write(|w| w.bits(1));
    }
    // SAFETY: interrupts stay masked, so this cannot break a critical section.
    unsafe {
        NVIC::unmask(Interrupt::UART0);
        NVIC::unmask(Interrupt::TIMER1);
    }
    let sleep = move |uart: &mut Uart| {
        tick.events_compare[0].reset();
        NVIC::unpend(Interrupt::TIMER1);
        NVIC::unpend(Interrupt::UART0);
        let Ok(is_ready) = uart.read_ready();
        if !is_ready {
            cortex_m::asm::wfi();
        }
    };
    (uart, sleep)
}
